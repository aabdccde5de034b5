// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"testing"

	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/apis/config"
)

func TestNodesAreFoundByTheirObjectAndCopiesByTheirName(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3000*mi, 0).node("n2", 1000*mi, 0).node("n3", 2000*mi, 0)
	for range 2 { // The second book has no positions yet, and is asked about the same objects.
		book := fleet.publish()
		nodes := []fwk.NodeInfo{fleet.info("n3"), fleet.info("n1")}
		positions := book.positionsOf(nodes)
		unknown := framework.NewNodeInfo()
		unknown.SetNode(fleet.nodes[0].DeepCopy())
		unknown.Node().Name = "n9"
		for _, test := range []struct {
			name string
			node fwk.NodeInfo
			want string // "" for none
		}{
			{"an object of the cycle", nodes[0], "n3"},
			{"another", nodes[1], "n1"},
			{"a copy, as of a dry run", nodes[1].Snapshot(), "n1"},
			{"a node that came later", fleet.info("n2"), "n2"},
			{"a node that the book does not have", unknown, ""},
		} {
			got := ""
			if i := book.find(positions, test.node); i >= 0 {
				got = book.snapshot.Nodes[i].Name
			}
			if got != test.want {
				t.Errorf("%s: found %q, want %q", test.name, got, test.want)
			}
		}
	}
}

func TestTheFullestNodeBoundsWhatFitsEverywhere(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3000*mi, 0).node("n2", 1000*mi, 0) // 900Mi and 2900Mi left
	fleet.publish()
	fits := func(request int64) bool {
		return fleet.plugin.newState(newPod("new", request), config.FilterHard, nil).fitsAll
	}
	if !fits(900*mi) || fits(900*mi+1) {
		t.Errorf("900Mi fit everywhere: %v; a byte more: %v; want true and false", fits(900*mi), fits(900*mi+1))
	}
	fleet.plugin.Reserve(t.Context(), framework.NewCycleState(), newPod("large", 2800*mi), "n2")
	if !fits(100*mi) || fits(101*mi) {
		t.Errorf("after 2800Mi were reserved on n2, 100Mi fit everywhere: %v; 101Mi: %v; want true and false", fits(100*mi), fits(101*mi))
	}
	fleet.publish() // a new book counts the reservation too
	if !fits(100*mi) || fits(101*mi) {
		t.Errorf("in a new book 100Mi fit everywhere: %v; 101Mi: %v; want true and false", fits(100*mi), fits(101*mi))
	}
}

func TestFilterAndScoreAllocateNothing(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3000*mi, 0).node("full", 3899*mi, 0).running("p", "full", 0, 3000*mi)
	fleet.publish()
	nodes, pod, state := []fwk.NodeInfo{fleet.info("n1"), fleet.info("full")}, newPod("new", 500*mi), framework.NewCycleState()
	if _, status := fleet.plugin.PreFilter(t.Context(), state, pod, nodes); !status.IsSuccess() {
		t.Fatal(status)
	}
	ctx := t.Context()
	if got := testing.AllocsPerRun(100, func() { fleet.plugin.Filter(ctx, state, pod, nodes[0]) }); got != 0 {
		t.Errorf("Filter allocates %v times a node that fits, want 0", got)
	}
	judging, _ := fleet.plugin.latest.Read(state)
	if got := testing.AllocsPerRun(100, func() { judging.judge(1) }); got != 0 || judging.judge(1) == fits {
		t.Errorf("to judge a node that is full allocates %v times, and says %q; want 0", got, judging.judge(1).reason())
	}
	fleet.plugin.PreScore(ctx, state, pod, nodes)
	scores := fleet.scores(t, state, pod, nodes)
	if got := testing.AllocsPerRun(100, func() {
		_, _ = fleet.plugin.Score(ctx, state, pod, nodes[0])
		fleet.plugin.NormalizeScore(ctx, state, pod, scores)
	}); got != 0 {
		t.Errorf("Score and NormalizeScore allocate %v times, want 0", got)
	}
}
