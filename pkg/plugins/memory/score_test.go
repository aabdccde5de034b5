// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"pgregory.net/rapid"
)

func TestTheNodeWithMoreMemoryLeftScoresHigher(t *testing.T) {
	for _, test := range []struct {
		name          string
		better, worse func(*fleet)
	}{
		{"measured use counts, requests do not",
			func(f *fleet) { f.node("better", 1000*mi, 0).running("p", "better", 3000*mi, 900*mi) },
			func(f *fleet) { f.node("worse", 3500*mi, 0).running("q", "worse", 100*mi, 3400*mi) }},
		{"a pod that has not started counts",
			func(f *fleet) { f.node("better", 1000*mi, 0) },
			func(f *fleet) { f.node("worse", 1000*mi, 0).bound("p", "worse", 500*mi) }},
		{"a limit above the request counts in part",
			func(f *fleet) { f.node("better", 1000*mi, 0).running("p", "better", 500*mi, 500*mi) },
			func(f *fleet) {
				f.node("worse", 1000*mi, 0).running("q", "worse", 500*mi, 500*mi)
				limits := corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(2000*mi, resource.BinarySI)}
				f.pods[len(f.pods)-1].Spec.Containers[0].Resources.Limits = limits
			}},
		{"a full fresh node beats a stale one as long as it has room",
			func(f *fleet) { f.node("better", 3600*mi, 0) },
			func(f *fleet) { f.node("worse", 0, 2*time.Minute) }},
		{"a stale node beats one that is expected to run over",
			func(f *fleet) { f.node("better", 3900*mi, 2*time.Minute) },
			func(f *fleet) { f.node("worse", 3800*mi, 0) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			fleet := newFleet(nil)
			test.better(fleet)
			test.worse(fleet)
			fleet.publish()
			better, worse := fleet.score(t, newPod("new", 200*mi), "better"), fleet.score(t, newPod("new", 200*mi), "worse")
			if better <= worse {
				t.Errorf("scores = %d and %d, want the first higher", better, worse)
			}
		})
	}
}

func TestScoresKeepToTheirPartOfTheScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day, now := rapid.Float64Range(0, 3).Draw(t, "day"), rapid.Float64Range(0, 3).Draw(t, "now")
		score, fits := scoreByFullness(day, now), day <= 1 && now <= 1
		if fits && (score <= unknownTop || score > 100) || !fits && (score < 0 || score > overflowTop) {
			t.Fatalf("score of %v and %v = %d", day, now, score)
		}
		if emptier := scoreByFullness(day*rapid.Float64Range(0, 1).Draw(t, "of day"), now*rapid.Float64Range(0, 1).Draw(t, "of now")); emptier < score {
			t.Fatalf("an emptier node scores less: %d after %d", emptier, score)
		}
		size := rapid.Int64Range(1, 1<<50).Draw(t, "size")
		byRequests := scoreByRequests(rapid.Int64Range(0, 1<<51).Draw(t, "requested"), size)
		if byRequests <= overflowTop || byRequests > unknownTop {
			t.Fatalf("score by requests = %d, want %d to %d", byRequests, overflowTop+1, unknownTop)
		}
	})
}

func TestFilterAndScoreAllocateNothingForANodeWithRoom(t *testing.T) {
	fleet := newFleet(nil).node("n1", 1000*mi, 0)
	fleet.publish()
	plugin, pod, state, node, ctx := fleet.plugin, newPod("new", 100*mi), framework.NewCycleState(), fleet.info("n1"), t.Context()
	plugin.PreFilter(ctx, state, pod, nil)
	if got := testing.AllocsPerRun(100, func() {
		plugin.Filter(ctx, state, pod, node)
		plugin.Score(ctx, state, pod, node)
	}); got != 0 {
		t.Errorf("Filter and Score allocate %v times a node, want 0", got)
	}
}
