// SPDX-License-Identifier: Apache-2.0

// Package eviction says who dies first: the kubelet's eviction order and the kernel's OOM order of a node's pods.
//
// Everything in it is a function of what is passed in. docs/memory.md has every rule with its source.
package eviction

import (
	"cmp"
	"slices"

	"k8s.io/kubernetes/pkg/apis/scheduling"
)

// Pod is what the kubelet's order looks at. PodOf makes it from API objects.
type Pod struct {
	Namespace, Name string
	// Priority of spec.priority, 0 when it is nil.
	Priority int32
	// Static pods, by file or mirrored, are never evicted.
	Static bool
	// Measured is false for a pod with no running container: the kubelet has no statistics of it and ranks it first.
	Measured bool
	// Guessed is true for a pod of which the kubelet has statistics and we have none: UsageBytes is a guess.
	Guessed bool
	// UsageBytes is the working set of the pod's cgroup; RequestBytes its memory request, overhead included.
	UsageBytes, RequestBytes int64
}

// Exempt reports whether the kubelet passes the pod over.
func (p Pod) Exempt() bool { return isCritical(p.Static, p.Priority) }

// isCritical reports whether the kubelet never evicts a pod (k8s.io/kubernetes pkg/kubelet/types/pod_update.go:158-169).
func isCritical(static bool, priority int32) bool {
	return static || priority >= scheduling.SystemCriticalPriority
}

func (p Pod) exceedsRequest() bool { return p.UsageBytes > p.RequestBytes }

// aboveRequest is negative for a pod that uses less than it requests.
func (p Pod) aboveRequest() int64 { return p.UsageBytes - p.RequestBytes }

// Ranked is a pod in the kubelet's order.
type Ranked struct {
	Pod
	// Reason says in words why the pod stands here, and before the next one.
	Reason string
}

// Compare returns a negative number if the kubelet evicts a before b: pods without statistics first, then those above their
// request, then by lower priority, then by how far they are above their request
// (k8s.io/kubernetes pkg/kubelet/eviction/helpers.go:680-731, 819-821). It returns 0 where the kubelet leaves it to chance,
// since it sorts without stability. The QoS class has no part in it.
func Compare(a, b Pod) int {
	return cmp.Or(
		trueFirst(!a.Measured, !b.Measured),
		compareExceeding(a, b),
		cmp.Compare(a.Priority, b.Priority),
		compareUsage(a, b),
	)
}

// Rank returns the pods that the kubelet may evict for memory, first victim first. Where the kubelet leaves the order to
// chance, that of namespace and name is taken, so that equal input gives equal output.
func Rank(pods []Pod) []Ranked {
	candidates := slices.DeleteFunc(slices.Clone(pods), Pod.Exempt)
	slices.SortFunc(candidates, func(a, b Pod) int { return cmp.Or(Compare(a, b), compareNames(a, b)) })
	ranked := make([]Ranked, len(candidates))
	for i, pod := range candidates {
		ranked[i] = Ranked{Pod: pod, Reason: pod.stands()}
		if i+1 < len(candidates) {
			ranked[i].Reason += "; " + pod.before(candidates[i+1])
		}
	}
	return ranked
}

// Spared returns the pods that the kubelet passes over, by namespace and name, with the reason.
func Spared(pods []Pod) []Ranked {
	spared := slices.DeleteFunc(slices.Clone(pods), func(pod Pod) bool { return !pod.Exempt() })
	slices.SortFunc(spared, compareNames)
	ranked := make([]Ranked, len(spared))
	for i, pod := range spared {
		ranked[i] = Ranked{Pod: pod, Reason: pod.stands()}
	}
	return ranked
}

// compareExceeding and compareUsage are 0 for two pods without statistics: the kubelet then knows of no usage.
func compareExceeding(a, b Pod) int {
	if !a.Measured && !b.Measured {
		return 0
	}
	return trueFirst(a.exceedsRequest(), b.exceedsRequest())
}

func compareUsage(a, b Pod) int {
	if !a.Measured && !b.Measured {
		return 0
	}
	return cmp.Compare(b.aboveRequest(), a.aboveRequest())
}

func compareNames(a, b Pod) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

func trueFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}
