// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

func podInfo(t *testing.T, pod *corev1.Pod) fwk.PodInfo {
	t.Helper()
	info, err := framework.NewPodInfo(pod)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestADryRunGivesBackWhatTheVictimReallyHolds(t *testing.T) {
	// The victim asks for 100Mi and holds 800Mi.
	fleet := newFleet(nil).node("n1", 3600*mi, 0).running("victim", "n1", 100*mi, 800*mi)
	fleet.publish()
	plugin, pod, state := fleet.plugin, newPod("new", 1000*mi), framework.NewCycleState()
	priority(1)(pod)
	plugin.PreFilter(t.Context(), state, pod, nil)
	node := fleet.info("n1")
	if got := plugin.Filter(t.Context(), state, pod, node); got.Code() != fwk.Unschedulable {
		t.Fatalf("before: %v, want Unschedulable", got)
	}

	dryRun := state.Clone()
	plugin.RemovePod(t.Context(), dryRun, pod, podInfo(t, fleet.pods[0]), node)
	if got := plugin.Filter(t.Context(), dryRun, pod, node); !got.IsSuccess() {
		t.Errorf("without the victim: %v, want success", got)
	}
	plugin.AddPod(t.Context(), dryRun, pod, podInfo(t, fleet.pods[0]), node)
	if got := plugin.Filter(t.Context(), dryRun, pod, node); got.Code() != fwk.Unschedulable {
		t.Errorf("with the victim put back: %v, want Unschedulable", got)
	}
	if got := plugin.Filter(t.Context(), state, pod, node); got.Code() != fwk.Unschedulable {
		t.Errorf("the dry run changed the cycle: %v", got)
	}
}

func TestANominatedPodCounts(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3000*mi, 0)
	fleet.publish()
	plugin, pod, state := fleet.plugin, newPod("new", 500*mi), framework.NewCycleState()
	plugin.PreFilter(t.Context(), state, pod, nil)
	plugin.AddPod(t.Context(), state, pod, podInfo(t, newPod("nominated", 600*mi)), fleet.info("n1"))
	if got := plugin.Filter(t.Context(), state, pod, fleet.info("n1")); got.Message() != ErrReasonUnseen {
		t.Errorf("status = %v, want %q", got, ErrReasonUnseen)
	}
}

// Preemption for a group of pods takes victims off their nodes before it asks, and adds those that can stay: the book had them all along.
func TestAPodThatWasNeverTakenAwayIsNotCountedTwice(t *testing.T) {
	fleet := newFleet(nil).node("n1", 2000*mi, 0).running("victim", "n1", 100*mi, 1500*mi)
	fleet.publish()
	plugin, pod, state := fleet.plugin, newPod("new", 1000*mi), framework.NewCycleState()
	plugin.PreFilter(t.Context(), state, pod, nil)
	node, victim := fleet.info("n1"), podInfo(t, fleet.pods[0])
	filter := func() bool { return plugin.Filter(t.Context(), state, pod, node).IsSuccess() }
	for _, step := range []struct {
		name string
		do   func(context.Context, fwk.CycleState, *corev1.Pod, fwk.PodInfo, fwk.NodeInfo) *fwk.Status
	}{{"added", plugin.AddPod}, {"removed", plugin.RemovePod}, {"added again", plugin.AddPod}, {"added once more", plugin.AddPod}} {
		step.do(t.Context(), state, pod, victim, node)
		if !filter() {
			t.Errorf("%s: the pod of 1000Mi does not fit beside 2000Mi of 3900Mi", step.name)
		}
	}
}

// What a dry run gives back is what the end of the pod would: of one that nobody counted nothing, or it would die for nothing.
func TestADryRunGivesBackWhatIsCounted(t *testing.T) {
	const full = 3300 // of 3,900Mi: 600Mi are left
	victim := newPod("victim", 800*mi)
	for _, test := range []struct {
		name  string
		given func(*fleet) *corev1.Pod
		want  int64 // MiB, that a pod may ask for without the victim
	}{
		{"measured", func(f *fleet) *corev1.Pod { f.running("victim", "n1", 100*mi, 1000*mi); f.publish(); return f.pods[0] }, 1600},
		{"given to the node by another scheduler since the book was made", func(f *fleet) *corev1.Pod { f.publish(); return victim }, 600},
		{"reserved, when it was expected to ask for less", func(f *fleet) *corev1.Pod {
			f.publish()
			f.plugin.books.reserve(victim.UID, "n1", forecast.Demand{FirmBytes: 200 * mi})
			return victim
		}, 600},
		{"reserved on another node", func(f *fleet) *corev1.Pod {
			f.publish()
			f.plugin.books.reserve(victim.UID, "n2", forecast.Demand{FirmBytes: 200 * mi})
			return victim
		}, 600},
		{"gone already, which the book knows", func(f *fleet) *corev1.Pod {
			f.running("victim", "n1", 100*mi, 1000*mi)
			f.publish()
			f.plugin.books.depart(f.pods[0].UID)
			return f.pods[0]
		}, 1600},
	} {
		t.Run(test.name, func(t *testing.T) {
			fleet := newFleet(nil).node("n1", full*mi, 0).node("n2", 0, 0)
			gone := podInfo(t, test.given(fleet))
			plugin, node := fleet.plugin, fleet.info("n1")
			fits := func(mebibytes int64, steps ...func(context.Context, fwk.CycleState, *corev1.Pod, fwk.PodInfo, fwk.NodeInfo) *fwk.Status) bool {
				pod, state := newPod("new", mebibytes*mi), framework.NewCycleState()
				plugin.PreFilter(t.Context(), state, pod, nil)
				for _, step := range steps {
					step(t.Context(), state, pod, gone, node)
				}
				return plugin.Filter(t.Context(), state, pod, node).IsSuccess()
			}
			if !fits(test.want, plugin.RemovePod) || fits(test.want+1, plugin.RemovePod) {
				t.Errorf("without the victim there is not just room for %dMi", test.want)
			}
			for mebibytes := int64(100); mebibytes <= 2000; mebibytes += 100 {
				if before, after := fits(mebibytes), fits(mebibytes, plugin.RemovePod, plugin.AddPod); before != after {
					t.Errorf("%dMi: fits %t, and %t once the victim was taken away and put back", mebibytes, before, after)
				}
			}
		})
	}
}
