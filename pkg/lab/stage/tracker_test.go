// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	clocktesting "k8s.io/utils/clock/testing"
)

func TestTheTrackerFollowsPodsFromTheirCreationToTheirEnd(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	clock := clocktesting.NewFakePassiveClock(began)
	tracker := newTracker(clock)
	handler := tracker.handler()
	pod := func(name, node string, ready corev1.ConditionStatus) *corev1.Pod {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)}}
		pod.Spec.NodeName = node
		if ready != "" {
			pod.Status.Phase = corev1.PodRunning
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}
		}
		return pod
	}
	for _, name := range []string{"runs", "crashes", "leaves", "waits", "gives-up", "ended"} {
		handler.OnAdd(pod(name, "", ""), false)
	}
	elsewhere := pod("elsewhere", "", "")
	elsewhere.Namespace = "other"
	handler.OnAdd(elsewhere, false)

	clock.SetTime(began.Add(2 * time.Second))
	handler.OnUpdate(nil, pod("runs", "n1", corev1.ConditionTrue))
	handler.OnUpdate(nil, pod("crashes", "n1", corev1.ConditionFalse))
	leaves := pod("leaves", "n1", corev1.ConditionTrue) // ready until the last moment
	leaves.DeletionTimestamp = &metav1.Time{Time: clock.Now()}
	handler.OnUpdate(nil, leaves)
	handler.OnUpdate(nil, pod("ended", "n1", corev1.ConditionTrue))
	handler.OnDelete(pod("gives-up", "", ""))
	clock.SetTime(began.Add(5 * time.Second))
	handler.OnDelete(cache.DeletedFinalStateUnknown{Obj: pod("ended", "n1", corev1.ConditionTrue)})

	want := Tally{
		Placed: 4, Running: 1, Pending: 1,
		PendingTime: (2 + 2 + 2 + 2 + 2 + 5) * time.Second, // the one that gave up among them
	}
	if diff := cmp.Diff(want, tracker.Tally("default")); diff != "" {
		t.Errorf("tally (-want +got):\n%s", diff)
	}
	if got := tracker.OnNode("n1"); got != 1 {
		t.Errorf("%d pods run on n1, want 1", got)
	}
}
