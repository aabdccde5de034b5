// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSummaryJSONHasTheAgreedFieldNames(t *testing.T) {
	run := smallRun()
	run.Pools[0], run.Pools[1] = run.Pools[1], run.Pools[0]
	var got bytes.Buffer
	if err := WriteSummary(&got, run); err != nil {
		t.Fatal(err)
	}
	want := `{
  "pools": {
    "default": {
      "podsPlaced": 4,
      "podsRunning": 3,
      "evictions": 1,
      "oomKills": 1,
      "pendingSeconds": 2.5,
      "nodeUseP50": 0.5,
      "nodeUseP99": 0.998
    },
    "headroom": {
      "podsPlaced": 3,
      "podsRunning": 3,
      "evictions": 0,
      "oomKills": 0,
      "pendingSeconds": 0,
      "nodeUseP50": 0.5,
      "nodeUseP99": 0.7
    }
  }
}
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("summary.json (-want +got):\n%s", diff)
	}
}

func TestRunsThatCannotBeShownAreRefusedWithThePlace(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  func(*Run)
		want string
	}{
		{"no pools", func(r *Run) { r.Pools = nil }, "the run has no pools: fill Run.Pools"},
		{"pool without a name", func(r *Run) { r.Pools[1].Name = "" }, "Pools[1] has no name"},
		{"two pools of one name", func(r *Run) { r.Pools[1].Name = "default" }, `two pools are named "default"`},
		{"no nodes", func(r *Run) { r.Pools[1].Nodes = nil }, `pool "headroom" has no nodes`},
		{"node without a name", func(r *Run) { r.Pools[1].Nodes[0].Name = "" }, `pool "headroom": a node has no name`},
		{"two nodes of one name", func(r *Run) { r.Pools[0].Nodes[1].Name = "default-0" }, `pool "default": two nodes are named "default-0"`},
		{"no samples at all", func(r *Run) { r.Pools[0].Nodes[0].Points, r.Pools[1].Nodes[0].Points = nil, nil }, "no node has a memory sample"},
		{"no duration", func(r *Run) { r.Duration = 0 }, "Run.Duration is 0s"},
		{"no capacity", func(r *Run) { r.Pools[0].Nodes[1].CapacityBytes = 0 }, `node "default-1": CapacityBytes is 0`},
		{"threshold above the capacity", func(r *Run) { r.Pools[0].Nodes[0].ThresholdBytes = 5 * gib }, `node "default-0": ThresholdBytes is 5368709120`},
		{"negative sample", func(r *Run) { r.Pools[0].Nodes[0].Points[1].WorkingSetBytes = -1 }, `node "default-0": Points[1] is -1 bytes at 1m0s`},
		{"sample before the start", func(r *Run) { r.Pools[0].Nodes[0].Points[0].Offset = -time.Second }, "Points[0] is 1073741824 bytes at -1s"},
		{"unknown kind", func(r *Run) { r.Pools[0].Events[1].Kind = "crash" }, `Events[1] (pod "web-2"): kind "crash" is unknown`},
		{"event on a node of another pool", func(r *Run) { r.Pools[0].Events[0].Node = "headroom-0" }, `Events[0] (pod "web-1"): node "headroom-0" is not in the pool`},
		{"event before the start", func(r *Run) { r.Pools[0].Events[0].Offset = -1 }, "neither may be negative"},
		{"negative count", func(r *Run) { r.Pools[0].Summary.Evictions = -1 }, `pool "default": Summary.Evictions is -1`},
		{"quantile of nothing", func(r *Run) { r.Pools[0].Summary.NodeUseP99 = math.NaN() }, "Summary.NodeUseP99 is NaN"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			run := smallRun()
			tc.run(&run)
			var page bytes.Buffer
			err := WriteHTML(&page, run)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error is %v, want one with %q", err, tc.want)
			}
			if page.Len() > 0 {
				t.Errorf("%d bytes were written in spite of the error", page.Len())
			}
			dir := t.TempDir()
			if err := WriteFiles(dir, run); err == nil {
				t.Error("WriteFiles gave no error")
			}
			if diff := cmp.Diff([]string(nil), listFolder(t, dir)); diff != "" {
				t.Errorf("files left behind (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSummaryNeedsNoSamples(t *testing.T) {
	run := Run{Pools: []Pool{{Name: "default"}}}
	var got bytes.Buffer
	if err := WriteSummary(&got, run); err != nil {
		t.Errorf("WriteSummary without nodes: %v", err)
	}
	if err := WriteSummary(&got, Run{}); err == nil || !strings.Contains(err.Error(), "no pools") {
		t.Errorf("WriteSummary without pools: error is %v, want one about the pools", err)
	}
}

func TestFilesReplaceOlderOnesAndLeaveNothingElse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out", "demo")
	for range 2 {
		if err := WriteFiles(dir, smallRun()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"report.html", "summary.json"}, listFolder(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	got, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(writePage(t, smallRun()), string(got)); diff != "" {
		t.Errorf("report.html (-want +got):\n%s", diff)
	}
}

func TestFileThatCannotBeReplacedIsNamedAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "report.html", "taken"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := WriteFiles(dir, smallRun())
	if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "report.html")) {
		t.Errorf("error is %v, want one that names the file", err)
	}
	if diff := cmp.Diff([]string{"report.html", "summary.json"}, listFolder(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestErrorsOfTheWriterArePassedOn(t *testing.T) {
	full := errors.New("disk full")
	if err := WriteHTML(brokenWriter{full}, smallRun()); !errors.Is(err, full) {
		t.Errorf("WriteHTML: error is %v, want %v", err, full)
	}
	if err := WriteSummary(brokenWriter{full}, smallRun()); !errors.Is(err, full) {
		t.Errorf("WriteSummary: error is %v, want %v", err, full)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func listFolder(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
