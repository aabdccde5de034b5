// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/lab/podwatch"
)

// tracker follows what a watch says about the pods of a file. It is safe for concurrent use.
type tracker struct {
	clock clock.PassiveClock
	pods  []Pod // in the order of the file

	mutex   sync.Mutex
	known   map[string]*verdict // by name, once the watch has seen the pod
	state   state
	waiting map[string]struct{} // names of pods that are neither placed nor judged
}

// verdict is what the scheduler has said about a pod.
type verdict struct {
	node    string
	message string // why it fits nowhere, "" if that was not said
	deleted bool
}

// state is how far the scheduling has come. The times are when the watch brought the news.
type state struct {
	pods, created, placed, unschedulable int
	// began is when the first pod was there, placed when the last one so far got its node, changed when anything here last did.
	began, lastPlaced, changed time.Time
}

// judged reports whether every pod is placed or known to fit nowhere.
func (s state) judged() bool { return s.placed+s.unschedulable == s.pods }

// seconds is the time from the first pod to the last one placed.
func (s state) seconds() float64 {
	if s.lastPlaced.IsZero() {
		return 0
	}
	return s.lastPlaced.Sub(s.began).Seconds()
}

func newTracker(clock clock.PassiveClock, pods []Pod) *tracker {
	t := &tracker{clock: clock, pods: pods, known: map[string]*verdict{}, waiting: map[string]struct{}{}}
	for _, pod := range pods {
		t.waiting[pod.Name] = struct{}{}
	}
	t.state = state{pods: len(pods), changed: clock.Now()}
	return t
}

// handler feeds the tracker from a watch of the namespace.
func (t *tracker) handler() cache.ResourceEventHandler { return podwatch.Handler(t.see) }

func (t *tracker) see(pod *corev1.Pod, deleted bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	v, known := t.known[pod.Name]
	if !known {
		if _, ours := t.waiting[pod.Name]; !ours {
			return
		}
		v = &verdict{}
		t.known[pod.Name] = v
		now := t.changed()
		if t.state.created == 0 {
			t.state.began = now
		}
		t.state.created++
	}
	wasPlaced, wasJudged := v.node != "", v.judged()
	v.node, v.deleted = pod.Spec.NodeName, v.deleted || deleted
	if message, unschedulable := unschedulable(pod); unschedulable {
		v.message = message
	}
	if v.node != "" && !wasPlaced {
		t.state.lastPlaced = t.changed()
		t.state.placed++
		if wasJudged {
			t.state.unschedulable--
		}
	}
	if v.node == "" && v.judged() && !wasJudged {
		t.changed()
		t.state.unschedulable++
	}
	if v.judged() {
		delete(t.waiting, pod.Name)
	}
}

// judged reports whether the pod needs no more waiting for.
func (v *verdict) judged() bool { return v.node != "" || v.message != "" || v.deleted }

func (t *tracker) changed() time.Time {
	t.state.changed = t.clock.Now()
	return t.state.changed
}

// unschedulable returns the scheduler's message about a pod that fits nowhere.
func unschedulable(pod *corev1.Pod) (message string, is bool) {
	for i := range pod.Status.Conditions {
		condition := &pod.Status.Conditions[i]
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse && condition.Reason == corev1.PodReasonUnschedulable {
			if condition.Message == "" { // it is a verdict nevertheless
				return condition.Reason, true
			}
			return condition.Message, true
		}
	}
	return "", false
}

// now is the state as it is.
func (t *tracker) now() state {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.state
}

// example names one pod that is neither placed nor judged.
func (t *tracker) example() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for _, pod := range t.pods {
		if _, waits := t.waiting[pod.Name]; waits {
			return pod.Name
		}
	}
	return ""
}

// result puts what became of the pods into a summary, and returns those that were not placed.
func (t *tracker) result(summary *Summary) (unplaced []Pod) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	summary.Pods, summary.Placed = t.state.pods, t.state.placed
	summary.Unplaced = summary.Pods - summary.Placed
	summary.Seconds = t.state.seconds()
	if summary.Seconds > 0 {
		summary.PodsPerSecond = float64(summary.Placed) / summary.Seconds
	}
	summary.Reasons, summary.Examples = map[string]int{}, map[string]Example{}
	for i, pod := range t.pods {
		v, created := t.known[pod.Name]
		if created && v.node != "" {
			summary.PlacedRequests.add(pod)
			continue
		}
		unplaced = append(unplaced, pod)
		text, message := reasonNotCreated, ""
		switch {
		case created && v.deleted:
			text = reasonDeleted
		case created && v.message != "":
			text, message = reason(v.message), v.message
		case created:
			text = reasonNotJudged
		}
		summary.Reasons[text]++
		if _, has := summary.Examples[text]; !has {
			summary.Examples[text] = Example{
				Pod: pod.Name, Row: i + 1, CPUMilli: pod.CPUMilli, MemoryBytes: pod.RequestedBytes,
				Message: message,
			}
		}
	}
	return unplaced
}

// String is for a plain line of progress.
func (s state) String() string {
	return fmt.Sprintf("%d of %d pods placed, %d fit nowhere so far", s.placed, s.pods, s.unschedulable)
}
