// SPDX-License-Identifier: Apache-2.0

package eviction_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/memory/eviction"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

func TestSimulate(t *testing.T) {
	// 4000Mi, evictionHard 100Mi; pods are limited to 3100Mi and evicted beyond 3000Mi.
	thresholds := threshold.Thresholds{Node: 3900 * mi, Pods: 3000 * mi}
	reclaiming := thresholds
	reclaiming.NodeReclaim, reclaiming.PodsReclaim = 400*mi, 400*mi
	silent := thresholds
	silent.NodeEdge, silent.PodsEdge = threshold.Kills, threshold.Kills
	half := thresholds
	half.PodsEdge = threshold.Open
	// 2800Mi in all: a and b above their requests, c not, s static.
	pods := []eviction.Pod{pod("a", 0, 500, 0), pod("b", 0, 400, 100), pod("c", 0, 1000, 1500), static("s")}
	for _, test := range []struct {
		name             string
		thresholds       threshold.Thresholds
		system, more     int64
		pods             []eviction.Pod
		want             []string
		wantLeft         int64
		wantSignalOfLeft threshold.Signal
	}{
		{"nothing more: nobody goes", thresholds, 500, 0, pods, nil, 200, threshold.SignalPods},
		{"up to the edge: nobody goes", thresholds, 500, 200, pods, nil, 0, threshold.SignalPods},
		{"one goes", thresholds, 500, 300, pods, []string{"a allocatableMemory.available short 100 frees 500"}, 400, threshold.SignalPods},
		{"a second one goes", thresholds, 200, 900, pods,
			[]string{"a allocatableMemory.available short 700 frees 500", "b allocatableMemory.available short 200 frees 400"}, 200, threshold.SignalPods},
		{"one goes on for what is to be reclaimed", reclaiming, 500, 400, pods,
			[]string{"a allocatableMemory.available short 600 frees 500", "b allocatableMemory.available short 100 frees 400"}, 700, threshold.SignalPods},
		{"the machine's signal, by what the system holds", thresholds, 1200, 0, pods, []string{"a memory.available short 100 frees 500"}, 400, threshold.SignalNode},
		{"one that starts goes first and frees nothing", thresholds, 500, 300, append([]eviction.Pod{starting("n", 0, 100)}, pods...),
			[]string{"n allocatableMemory.available short 100 frees 0", "a allocatableMemory.available short 100 frees 500"}, 400, threshold.SignalPods},
		{"all go that may, and it is not enough", thresholds, 500, 2500, pods, []string{
			"a memory.available short 2300 frees 500", "b memory.available short 1800 frees 400", "c memory.available short 1400 frees 1000",
		}, -400, threshold.SignalPods},
		{"no signal: nobody is evicted, and the kernel will kill", silent, 500, 400, pods, nil, -200, threshold.EndOfPods},
		{"no second signal: pods may hold more", half, 500, 400, pods, nil, 200, threshold.SignalNode},
	} {
		t.Run(test.name, func(t *testing.T) {
			node := eviction.Node{Thresholds: test.thresholds, NodeHeld: (2800 + test.system) * mi, PodsHeld: 2800 * mi}
			after, evictions := eviction.Simulate(node.After(test.more*mi), test.pods)
			var got []string
			for _, e := range evictions {
				got = append(got, fmt.Sprintf("%s %s short %d frees %d", e.Name, e.Signal, e.ShortBytes/mi, e.FreedBytes/mi))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("evictions (-want +got):\n%s", diff)
			}
			if left, signal := after.Left(); left != test.wantLeft*mi || signal != test.wantSignalOfLeft {
				t.Errorf("left = %dMi by %s, want %dMi by %s", left/mi, signal, test.wantLeft, test.wantSignalOfLeft)
			}
		})
	}
}

func TestAfterASimulationNoSignalFiresOrNobodyIsLeft(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pods := drawPods(t)
		var held, mayGo int64
		for _, pod := range pods {
			if pod.Measured {
				held += pod.UsageBytes
			}
			if !pod.Exempt() {
				mayGo++
			}
		}
		thresholds := threshold.Thresholds{Node: rapid.Int64Range(0, 20).Draw(t, "node") * mi, Pods: rapid.Int64Range(0, 20).Draw(t, "pods") * mi}
		thresholds.NodeReclaim = rapid.Int64Range(0, 3).Draw(t, "reclaim") * mi
		node, evictions := eviction.Simulate(eviction.Node{Thresholds: thresholds, NodeHeld: held, PodsHeld: held}, pods)
		if left, signal := node.Left(); left < 0 && int64(len(evictions)) < mayGo {
			t.Fatalf("%d left by %s after %d evictions, where %d pods may go", left, signal, len(evictions), mayGo)
		}
		freed := held - node.NodeHeld
		for i, e := range evictions {
			if e.Exempt() || e.ShortBytes <= 0 {
				t.Fatalf("eviction %d: %+v", i, e)
			}
			freed -= e.FreedBytes
		}
		if freed != 0 {
			t.Fatalf("evictions and what the node holds differ by %d", freed)
		}
	})
}
