// SPDX-License-Identifier: Apache-2.0

package record

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/headroom-dev/headroom/pkg/lab/trace"
)

// notes are the README.md of the trace: where its figures are from and what they mean.
func (o *Options) notes(t *trace.Trace, zero time.Time, source, early string, leftOut int, r *recording) string {
	var text strings.Builder
	line := func(format string, arguments ...any) { fmt.Fprintf(&text, "- "+format+"\n", arguments...) }
	name := filepath.Base(filepath.Clean(o.Out))
	if o.Anonymize {
		name = "Recorded trace"
	}
	fmt.Fprintf(&text, "# %s\n\nMemory of the pods of a Kubernetes cluster, recorded by headroom-lab.\n\n", name)
	line("%d pods, %d samples, %d s, about one sample a pod in %s", len(t.Series), t.Facts.Samples, t.Window, o.Interval)
	if !o.Anonymize {
		line("second 0 is %s", zero.UTC().Format(time.RFC3339))
	}
	line("%s", source)
	line("requested_bytes are what the pods asked for, 0 where they asked for nothing")
	line("an empty end_s: the pod lived on")
	if early != "" {
		line("the recording ended early: %s", early)
	}
	if r.failed > 0 {
		line("%d read(s) failed: there are no samples of those times", r.failed)
	}
	if leftOut > 0 {
		line("%d pod(s) were left out: their requests are not known", leftOut)
	}
	for _, reason := range slices.Sorted(maps.Keys(r.refused)) {
		line("%d figure(s) were refused: %s", r.refused[reason], reason)
	}
	if o.Anonymize {
		line("namespaces, workloads and priority classes are hashes, pods are numbered")
	}
	return text.String()
}
