// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/lab/podwatch"
)

// Tracker sees every pod from its creation to its end. It is safe for concurrent use.
type Tracker struct {
	clock clock.PassiveClock

	mutex sync.Mutex
	pods  map[types.UID]*trackedPod
}

type trackedPod struct {
	namespace string
	node      string
	seen      time.Time
	placed    time.Time // zero: not yet
	gone      time.Time // zero: it is there
	running   bool
}

// Tally is what came of the pods of one pool: how many were ever placed, run now with all their containers, and wait for a
// node now.
type Tally struct {
	Placed, Running, Pending int
	// PendingTime is the time that pods waited for a node, summed over pods.
	PendingTime time.Duration
}

func newTracker(clock clock.PassiveClock) *Tracker {
	return &Tracker{clock: clock, pods: map[types.UID]*trackedPod{}}
}

// handler feeds the tracker from an informer of all pods.
func (t *Tracker) handler() cache.ResourceEventHandler { return podwatch.Handler(t.see) }

func (t *Tracker) see(pod *corev1.Pod, deleted bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	now := t.clock.Now()
	tracked, ok := t.pods[pod.UID]
	if !ok {
		tracked = &trackedPod{namespace: pod.Namespace, seen: now}
		t.pods[pod.UID] = tracked
	}
	if pod.Spec.NodeName != "" && tracked.placed.IsZero() {
		tracked.placed, tracked.node = now, pod.Spec.NodeName
	}
	if deleted && tracked.gone.IsZero() {
		tracked.gone = now
	}
	tracked.running = !deleted && pod.DeletionTimestamp == nil && isRunning(pod)
}

// isRunning reports whether every container of the pod runs: a pod whose container waits for its restart does not.
func isRunning(pod *corev1.Pod) bool {
	if pod.Status.Phase != corev1.PodRunning {
		return false
	}
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == corev1.PodReady {
			return pod.Status.Conditions[i].Status == corev1.ConditionTrue
		}
	}
	return false
}

// Tally adds up the pods of a namespace as they are now. A pod that was never placed waited until it went, or waits still.
func (t *Tracker) Tally(namespace string) Tally {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	now := t.clock.Now()
	var sum Tally
	for _, pod := range t.pods {
		if pod.namespace != namespace {
			continue
		}
		until := pod.placed
		switch {
		case !pod.placed.IsZero():
			sum.Placed++
		case !pod.gone.IsZero():
			until = pod.gone
		default:
			sum.Pending++
			until = now
		}
		sum.PendingTime += until.Sub(pod.seen)
		if pod.running {
			sum.Running++
		}
	}
	return sum
}

// OnNode counts the running pods of a node.
func (t *Tracker) OnNode(node string) int {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	count := 0
	for _, pod := range t.pods {
		if pod.node == node && pod.running {
			count++
		}
	}
	return count
}
