// SPDX-License-Identifier: Apache-2.0

package burst

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/lab/stage"
)

func TestTheTableComparesThePools(t *testing.T) {
	full := []NodePeak{{Node: "a-1", PeakBytes: 50, ThresholdBytes: 100}, {Node: "a-2", PeakBytes: 101, ThresholdBytes: 100}}
	calm := []NodePeak{{Node: "b-1", PeakBytes: 40, ThresholdBytes: 100}, {Node: "b-2", PeakBytes: 100, ThresholdBytes: 100}}
	got := table([]stage.Pool{{Name: "a"}, {Name: "b"}, {Name: "unknown"}}, []Outcome{
		{NodesOverThreshold: over(full), Evictions: 3, OOMKills: 2, PodsRunning: 7, PodsWanted: 9, PodsPending: 1, Nodes: full},
		{NodesOverThreshold: over(calm), PodsRunning: 9, PodsWanted: 9, Nodes: calm},
		{Nodes: []NodePeak{{Node: "unknown-1"}}},
	})
	want := `                                              a              b        unknown
nodes over their threshold               1 of 2         0 of 2         0 of 1
fullest node, of threshold                101 %          100 %              -
median node, of threshold                 101 %          100 %              -
evictions                                     3              0              0
OOM kills                                     2              0              0
pods running                             7 of 9         9 of 9         0 of 0
pods without a node                           1              0              0
`
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}
