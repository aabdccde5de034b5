// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"cmp"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Removable is what could go from a node with its pods, by their priority, the lowest first.
type Removable []RemovableUpTo

// RemovableUpTo is what could go with pods of a priority and with those of any lower one.
type RemovableUpTo struct {
	Priority int32
	// Bytes is what was measured of them, or where one was not, all that is held but what was measured of the others.
	Bytes int64
}

// All returns what could go with all pods, in bytes.
func (r Removable) All() int64 {
	if len(r) == 0 {
		return 0
	}
	return r[len(r)-1].Bytes
}

// Below returns what could go with the pods of a lower priority, in bytes: those that preemption may end. A node's pods have few priorities.
func (r Removable) Below(priority int32) (bytes int64) {
	for i := range r {
		if r[i].Priority >= priority {
			break
		}
		bytes = r[i].Bytes
	}
	return bytes
}

// PreemptorPriority returns the priority below which pods may be ended for the pod. That of a group is its own, which is not known here: for a
// pod of one all may be (k8s.io/kubernetes pkg/scheduler/framework/preemption/types.go).
func PreemptorPriority(pod *corev1.Pod) int32 {
	if pod.Spec.SchedulingGroup != nil {
		return math.MaxInt32
	}
	return priorityOf(pod)
}

// victimPriority returns the priority that others need more than to end the pod. One of a group may be ended for any, as far as is known here.
func victimPriority(pod *corev1.Pod) int32 {
	if pod.Spec.SchedulingGroup != nil {
		return math.MinInt32
	}
	return priorityOf(pod)
}

// priorityOf returns a pod's priority: none counts as 0 (k8s.io/component-helpers scheduling/corev1/helpers.go: PodPriority).
func priorityOf(pod *corev1.Pod) int32 {
	if pod.Spec.Priority == nil {
		return 0
	}
	return *pod.Spec.Priority
}

// holding is what pods of one priority hold on a node.
type holding struct {
	priority   int32
	measured   int64
	unmeasured bool // there are pods of which nothing is known but that they are there
}

// holdings are those of a node, in no order.
type holdings []holding

func (h *holdings) add(priority int32, measured int64) {
	at := slices.IndexFunc(*h, func(known holding) bool { return known.priority == priority })
	if at < 0 {
		at = len(*h)
		*h = append(*h, holding{priority: priority})
	}
	(*h)[at].measured += measured
	(*h)[at].unmeasured = (*h)[at].unmeasured || measured == 0
}

// removable adds the holdings up. all is what is held on the node, in bytes.
func (h holdings) removable(all int64) Removable {
	slices.SortFunc(h, func(one, other holding) int { return cmp.Compare(one.priority, other.priority) })
	var measured, others int64
	for i := range h {
		others += h[i].measured
	}
	unmeasured, removable := false, make(Removable, len(h))
	for i := range h {
		measured += h[i].measured
		others -= h[i].measured
		unmeasured = unmeasured || h[i].unmeasured
		removable[i] = RemovableUpTo{Priority: h[i].priority, Bytes: measured}
		if unmeasured {
			removable[i].Bytes = max(measured, all-others)
		}
	}
	return removable
}
