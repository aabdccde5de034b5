// SPDX-License-Identifier: Apache-2.0

// Package eviction says who dies first: the kubelet's eviction order and the kernel's OOM order of a node's pods.
package eviction

import (
	"cmp"
	"slices"
)

// criticalPriority is the priority from which on the kubelet never evicts a pod
// (k8s.io/kubernetes pkg/kubelet/types/pod_update.go:158-169, pkg/apis/scheduling/types.go SystemCriticalPriority).
const criticalPriority = 2_000_000_000

// Pod is what the kubelet's order looks at.
type Pod struct {
	Namespace, Name string
	// Priority of spec.priority, 0 when it is nil.
	Priority int32
	// Static pods, by file or mirrored, are never evicted.
	Static bool
	// Measured is false for a pod with no running container: the kubelet has no statistics of it and ranks it first.
	Measured bool
	// UsageBytes is the working set of the pod's cgroup; RequestBytes its memory request, overhead included.
	UsageBytes, RequestBytes int64
}

// Exempt reports whether the kubelet passes the pod over.
func (p Pod) Exempt() bool { return p.Static || p.Priority >= criticalPriority }

func (p Pod) exceedsRequest() bool { return p.UsageBytes > p.RequestBytes }

// Reason says in words why a pod stands where it does among its neighbours.
func (p Pod) Reason() string {
	switch {
	case p.Exempt():
		return "never evicted: static or critical"
	case !p.Measured:
		return "no statistics: ranked first"
	case p.exceedsRequest():
		return "uses more than it requests"
	default:
		return "uses no more than it requests"
	}
}

// Rank returns the pods that the kubelet may evict for memory, first victim first: pods without statistics, then those
// above their request, then by lower priority, then by how far they are above their request
// (k8s.io/kubernetes pkg/kubelet/eviction/helpers.go:680-731, 819-821). Where the kubelet leaves ties to chance, the order
// of namespace and name is taken, so that equal input gives equal output.
func Rank(pods []Pod) []Pod {
	candidates := slices.DeleteFunc(slices.Clone(pods), Pod.Exempt)
	slices.SortFunc(candidates, func(a, b Pod) int {
		return cmp.Or(
			trueFirst(!a.Measured, !b.Measured),
			trueFirst(a.exceedsRequest(), b.exceedsRequest()),
			cmp.Compare(a.Priority, b.Priority),
			cmp.Compare(b.UsageBytes-b.RequestBytes, a.UsageBytes-a.RequestBytes),
			cmp.Compare(a.Namespace, b.Namespace),
			cmp.Compare(a.Name, b.Name),
		)
	})
	return candidates
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
