// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os/exec"
	"runtime/debug"
	"strings"
	"testing"
)

func TestTheCommitIsKnownWhoeverStampedIt(t *testing.T) {
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123abc"}
	for _, test := range []struct {
		name     string
		settings []debug.BuildSetting
		stamped  string
		want     string
	}{
		{"nobody did", nil, "", "unknown"},
		{"the Makefile alone", []debug.BuildSetting{{Key: "vcs", Value: "git"}}, "4567def-dirty", "4567def-dirty"},
		{"Go", []debug.BuildSetting{revision, {Key: "vcs.modified", Value: "false"}}, "4567def", "0123abc"},
		{"Go, of files that were changed since", []debug.BuildSetting{{Key: "vcs.modified", Value: "true"}, revision}, "", "0123abc-dirty"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := commitOf(test.settings, test.stamped); got != test.want {
				t.Errorf("commit %q, want %q", got, test.want)
			}
		})
	}
}

// The linker says nothing of a variable that is not there.
func TestTheMakefileStampsTheCommit(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("there is no make")
	}
	flags, err := exec.CommandContext(t.Context(), "make", "--silent", "--directory", "../..", "print-ldflags", "COMMIT=4567def").Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := "-X main.commit=4567def "; !strings.Contains(string(flags), want) {
		t.Errorf("the linker is told %q, want %q in it", flags, want)
	}
}
