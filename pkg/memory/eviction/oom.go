// SPDX-License-Identifier: Apache-2.0

package eviction

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// The kubelet's oom_score_adj values (k8s.io/kubernetes pkg/kubelet/qos/policy.go:26-45).
const (
	guaranteedOOMScoreAdjust = -997
	bestEffortOOMScoreAdjust = 1000
	nodeCriticalPriority     = "system-node-critical"
)

// OOMScoreAdjust returns the oom_score_adj that the kubelet gives a container (pkg/kubelet/qos/policy.go:47-122).
// requestBytes is the container's memory request, capacityBytes the machine's memory (more than 0), priorityClass the
// pod's. Pod-level requests and sidecars are not taken into account.
func OOMScoreAdjust(qos corev1.PodQOSClass, priorityClass string, requestBytes, capacityBytes int64) int64 {
	if priorityClass == nodeCriticalPriority || qos == corev1.PodQOSGuaranteed {
		return guaranteedOOMScoreAdjust
	}
	if qos == corev1.PodQOSBestEffort {
		return bestEffortOOMScoreAdjust
	}
	adjust := 1000 - 1000*requestBytes/capacityBytes
	// A burstable container stays above every guaranteed one and below every best-effort one.
	return min(max(adjust, 1000+guaranteedOOMScoreAdjust), bestEffortOOMScoreAdjust-1)
}

// Container is what the kernel's order looks at, one process to a container: memory.oom.group makes the whole container
// die with any of its processes (cgroup v2).
type Container struct {
	Namespace, Pod, Name string
	UsageBytes           int64
	OOMScoreAdjust       int64
}

// Badness is the kernel's score in bytes: memory held plus oom_score_adj thousandths of all memory
// (mm/oom_kill.c, oom_badness). capacityBytes is the memory of the domain that ran out.
func (c Container) Badness(capacityBytes int64) int64 {
	return c.UsageBytes + c.OOMScoreAdjust*(capacityBytes/1000)
}

// RankOOM returns the containers in the order in which the kernel would kill them, first victim first. Ties go by name, so
// that equal input gives equal output.
func RankOOM(containers []Container, capacityBytes int64) []Container {
	ranked := slices.Clone(containers)
	slices.SortFunc(ranked, func(a, b Container) int {
		return cmp.Or(
			cmp.Compare(b.Badness(capacityBytes), a.Badness(capacityBytes)),
			cmp.Compare(a.Namespace, b.Namespace),
			cmp.Compare(a.Pod, b.Pod),
			cmp.Compare(a.Name, b.Name),
		)
	})
	return ranked
}
