// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
)

func TestAPodIsGoneWhenTheStoreHasItNoMoreInItsTime(t *testing.T) {
	gone := func(*corev1.Pod) *corev1.Pod { return nil }
	for _, test := range []struct {
		name   string
		after  time.Duration // since its grace was over
		stored func(*corev1.Pod) *corev1.Pod
		want   int
	}{
		{"gone in its grace", -10 * time.Second, gone, 1},
		{"gone a little later, as its kubelet had it", 20 * time.Second, gone, 1},
		{"gone long after, by force", time.Minute, gone, 0},
		{"there", 0, func(pod *corev1.Pod) *corev1.Pod { return pod }, 0},
		{"another of its name is there", 0, func(pod *corev1.Pod) *corev1.Pod {
			pod = pod.DeepCopy()
			pod.UID = "another"
			return pod
		}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := newPod("p", mi)
			terminate(pod)
			l := newLeaving()
			l.add(pod)
			l.stored = func(string, string) *corev1.Pod { return test.stored(pod) }
			if got := l.gone(pod.DeletionTimestamp.Add(test.after)); len(got) != test.want {
				t.Errorf("gone: %v, want %d", got, test.want)
			}
		})
	}
}

// Nothing is left of a pod that was deleted, whichever way it went.
func TestNothingIsKeptOfPodsThatAreGone(t *testing.T) {
	for name, end := range map[string]func(of cache.ResourceEventHandler, pod, going *corev1.Pod){
		"by force, at once": func(of cache.ResourceEventHandler, pod, _ *corev1.Pod) { of.OnDelete(pod) },
		"by force, on its way out": func(of cache.ResourceEventHandler, pod, going *corev1.Pod) {
			of.OnUpdate(pod, going)
			forced := going.DeepCopy()
			forced.DeletionGracePeriodSeconds = new(int64(0))
			of.OnDelete(forced)
		},
		"let go": func(of cache.ResourceEventHandler, pod, going *corev1.Pod) {
			of.OnUpdate(pod, going)
			letGo := going.DeepCopy()
			letGo.DeletionGracePeriodSeconds = new(int64(0))
			of.OnUpdate(going, letGo)
		},
	} {
		t.Run(name, func(t *testing.T) {
			fleet := newFleet(nil).node("n1", 0, 0).running("p", "n1", mi, mi)
			pod := fleet.pods[0]
			fleet.pods = nil // in no book yet
			fleet.publish()
			books := fleet.plugin.books
			books.reserve(pod.UID, "n1", fleet.plugin.estimator.Demand(pod))
			going := pod.DeepCopy()
			terminate(going)
			end(fleet.keeper().podHandler(), pod, going)
			if reserved, leaving := books.reserved(), len(books.leaving.pods); reserved != 0 || leaving != 0 {
				t.Errorf("%d reservations and %d pods on their way out are left, want none", reserved, leaving)
			}
		})
	}
}
