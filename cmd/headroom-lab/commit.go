// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"runtime/debug"
)

// commit is set by the linker: see LDFLAGS in the Makefile.
var commit string //nolint:gochecknoglobals // nothing else can be set so

// builtFrom is the commit that the binary was built from, or "unknown".
func builtFrom() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return commitOf(info.Settings, commit)
}

// commitOf is what Go stamped, or, where it was told not to (-buildvcs=false), what the Makefile did. Either says where files differed from
// the commit.
func commitOf(settings []debug.BuildSetting, stamped string) string {
	var revision, dirty string
	for _, setting := range settings {
		switch {
		case setting.Key == "vcs.revision":
			revision = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			dirty = "-dirty"
		}
	}
	if revision == "" {
		return cmp.Or(stamped, "unknown")
	}
	return revision + dirty
}
