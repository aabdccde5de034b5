// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// The room that a nominated pod was to have is free once it is placed elsewhere, and no book tells: it never counted there.
func TestWhoWasRejectedBesideANominatedPodIsWokenWhenThatGoesElsewhere(t *testing.T) {
	nominated := func(change func(*corev1.Pod)) *corev1.Pod {
		pod := newPod("nominated", 2000*mi)
		pod.Status.NominatedNodeName = "n1"
		change(pod)
		return pod
	}
	for _, test := range []struct {
		name  string
		after *corev1.Pod // what becomes of it
		want  activations
	}{
		{"it stays nominated", nominated(func(*corev1.Pod) {}), nil},
		{"it is placed there", nominated(func(pod *corev1.Pod) { pod.Spec.NodeName = "n1" }), nil},
		{"it is placed elsewhere", nominated(func(pod *corev1.Pod) { pod.Spec.NodeName = "n2" }), activations{"default/pod"}},
		{"it is nominated to another node", nominated(func(pod *corev1.Pod) { pod.Status.NominatedNodeName = "n2" }), activations{"default/pod"}},
		{"it is not nominated any more", nominated(func(pod *corev1.Pod) { pod.Status.NominatedNodeName = "" }), activations{"default/pod"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var woken activations
			fleet := newFleet(&woken).node("n1", 2900*mi, 0).node("n2", 3800*mi, 0) // 1,000Mi and 100Mi are left
			fleet.publish()
			plugin, state, pod := fleet.plugin, framework.NewCycleState(), newPod("pod", 500*mi)
			plugin.PreFilter(t.Context(), state, pod, nil)
			beside := state.Clone()
			plugin.AddPod(t.Context(), beside, pod, podInfo(t, nominated(func(*corev1.Pod) {})), fleet.info("n1"))
			if plugin.Filter(t.Context(), beside, pod, fleet.info("n1")).IsSuccess() || plugin.Filter(t.Context(), state, pod, fleet.info("n2")).IsSuccess() {
				t.Fatal("a pod of 500Mi fits beside the nominated one, or on the node that is full")
			}
			plugin.PostFilter(t.Context(), state, pod, framework.NewDefaultNodeToStatus())
			logger, _ := ktesting.NewTestContext(t)
			plugin.waiting.wake(logger, fleet.publish())
			if len(woken) > 0 {
				t.Fatalf("woken while it is nominated: %v", woken)
			}
			keeper := &keeper{books: plugin.books, waiting: plugin.waiting, clock: clocktesting.NewFakeClock(now), history: newHistory(clocktesting.NewFakeClock(now), func() {}), changed: make(chan struct{}, 1)}
			keeper.podHandler().OnUpdate(nominated(func(*corev1.Pod) {}), test.after)
			plugin.waiting.wake(logger, fleet.publish())
			if diff := cmp.Diff(test.want, woken); diff != "" {
				t.Errorf("woken (-want +got):\n%s", diff)
			}
		})
	}
}

// atDemand is an estimator that is interrupted when it is asked.
type atDemand struct {
	forecast.Estimator
	interrupt func()
}

func (e atDemand) Demand(pod *corev1.Pod) forecast.Demand {
	e.interrupt()
	return e.Estimator.Demand(pod)
}

// A book is looked through without the lock.
func TestWhatIsFreedWhileABookIsLookedThroughIsNotForgotten(t *testing.T) {
	var woken activations
	fleet := newFleet(&woken).node("n1", 2900*mi, 0)
	book, logger := fleet.publish(), klog.Background()
	waiting := fleet.plugin.waiting
	waiting.add(newPod("pod", 500*mi), 500*mi, book) // n1 offers it
	waiting.estimator = atDemand{fleet.plugin.prior, func() { waiting.freed("n1") }}
	waiting.wake(logger, fleet.publish())
	waiting.estimator = fleet.plugin.prior
	waiting.wake(logger, fleet.publish())
	if diff := cmp.Diff(activations{"default/pod"}, woken); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
}
