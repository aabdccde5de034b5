// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/memory/quantity"
)

// largestPod bounds what is thought of a pod, in bytes: a limit may be any number, and the sums over a node's pods must not
// overflow.
const largestPod = int64(1) << 50

// Prior estimates pods of which nothing was learned.
type Prior struct {
	// LimitPercent places a container's expected peak between its request (0) and its limit (100).
	LimitPercent int64
	// DefaultContainerBytes is the expected peak of a container with neither request nor limit.
	DefaultContainerBytes int64
}

var _ Estimator = Prior{}

// Demand returns the pod's demand. A pod that declares its peak gets what it declares. Otherwise the peak of a pod is
// composed of its containers' as its effective request is: the larger of what the regular containers with the sidecars hold
// and of what the init containers hold one after the other, plus memory-backed volumes and overhead
// (k8s.io/component-helpers resource/helpers.go:152-289). A pod-level limit bounds it.
//
// Of a pod that is on a node already, a resize that is under way counts: the largest of what is wanted, what its kubelet has
// admitted and what is in force (resource/helpers.go:295-332).
func (p Prior) Demand(pod *corev1.Pod) Demand {
	demand := Demand{RequestBytes: requestOf(pod), FirmSource: SourceRequest, PeakSource: SourceRequest}
	demand.FirmBytes = demand.RequestBytes
	if bytes, declared, err := DeclaredPeak(pod); declared && err == nil {
		bytes = min(bytes, largestPod)
		demand.FirmBytes, demand.FirmSource = bytes, SourceDeclared
		demand.PeakBytes, demand.PeakSource = bytes, SourceDeclared
		return demand
	}
	demand.PeakBytes = max(min(p.peak(pod, &demand.PeakSource), largestPod), demand.RequestBytes)
	return demand
}

// peak composes the pod's peak and weakens the source to what it is known by.
func (p Prior) peak(pod *corev1.Pod, source *Source) int64 {
	var regular, sidecars, initPeak int64
	ofAll := podLimit(pod)
	for i := range pod.Spec.InitContainers {
		container := &pod.Spec.InitContainers[i]
		peak := p.container(container, statusOf(pod.Status.InitContainerStatuses, container.Name), ofAll, source)
		if isSidecar(container) {
			sidecars += peak
			initPeak = max(initPeak, sidecars)
		} else {
			initPeak = max(initPeak, sidecars+peak)
		}
	}
	for i := range pod.Spec.Containers {
		container := &pod.Spec.Containers[i]
		regular += p.container(container, statusOf(pod.Status.ContainerStatuses, container.Name), ofAll, source)
	}
	peak := max(regular+sidecars, initPeak) + memoryVolumes(pod)
	if ofAll > 0 {
		peak = min(peak, ofAll)
	}
	if overhead, ok := pod.Spec.Overhead[corev1.ResourceMemory]; ok {
		peak += min(quantity.Bytes(overhead), largestPod)
	}
	return peak
}

// podLimit is the limit of all containers together, in bytes, or 0 for none.
func podLimit(pod *corev1.Pod) int64 {
	if pod.Spec.Resources == nil {
		return 0
	}
	limit := pod.Spec.Resources.Limits[corev1.ResourceMemory]
	return quantity.Bytes(limit)
}

// container returns the expected peak of one container and weakens the source to what this container is known by. podLimit is
// that of all containers together, or 0.
func (p Prior) container(container *corev1.Container, status *corev1.ContainerStatus, podLimit int64, source *Source) int64 {
	request := min(quantity.Bytes(*container.Resources.Requests.Memory()), largestPod)
	limit, limited := limitOf(container, status)
	if status != nil && oomKilled(status) {
		*source = SourceOOMKilled
		if limited { // It wanted more than it held when it was killed, which was up to its limit.
			return limit
		}
		if podLimit > 0 {
			return podLimit
		}
		return raised(max(request, p.DefaultContainerBytes))
	}
	switch {
	case limited:
		source.weaken(SourceLimit)
		// By parts: percent times a limit of many exabytes would overflow.
		span := limit - request
		return request + span/100*p.LimitPercent + span%100*p.LimitPercent/100
	case request > 0:
		return request
	default:
		source.weaken(SourceDefault)
		return p.DefaultContainerBytes
	}
}

// weaken makes the source the weaker of itself and of another one. An OOM kill tells more than any of them.
func (s *Source) weaken(other Source) {
	if *s == SourceRequest || (*s == SourceLimit && other == SourceDefault) {
		*s = other
	}
}

// Limited reports whether resources limit memory: a limit of zero, which the API takes, is none to a kubelet
// (k8s.io/kubernetes pkg/kubelet/kuberuntime/kuberuntime_container_linux.go, generateLinuxContainerResources).
func Limited(resources *corev1.ResourceRequirements) bool {
	limit := resources.Limits[corev1.ResourceMemory]
	return limit.Sign() > 0
}

// limitOf returns a container's memory limit in bytes: the larger one while it is being lowered.
func limitOf(container *corev1.Container, status *corev1.ContainerStatus) (int64, bool) {
	limit, limited := container.Resources.Limits[corev1.ResourceMemory], Limited(&container.Resources)
	if !limited || status == nil || status.Resources == nil {
		return min(quantity.Bytes(limit), largestPod), limited
	}
	return min(max(quantity.Bytes(limit), quantity.Bytes(*status.Resources.Limits.Memory())), largestPod), true
}

// raised is what is expected of what was killed for want of memory while it held so many bytes: a fifth more
// (VerticalPodAutoscaler, recommender/model/cluster.go: OOMBumpUpRatio).
func raised(bytes int64) int64 { return bytes + bytes/5 }

// Raised returns what a pod of which a container was killed for want of memory will surely ask for again, in bytes: a fifth
// more than the larger of its request and what was measured of it at most, and no more than its limits. It is 0 for other
// pods. That it was killed does not say that it had reached a limit: its node may have been short.
func Raised(pod *corev1.Pod, demand Demand, measuredPeak int64) int64 {
	starting, running := killedContainers(pod)
	if !starting && !running {
		return 0
	}
	return min(raised(max(measuredPeak, demand.RequestBytes)), limitOfPod(pod, starting, running))
}

// killedContainers reports whether a container was killed that ends before others start, and whether one of those that run together.
func killedContainers(pod *corev1.Pod) (starting, running bool) {
	for i := range pod.Status.ContainerStatuses {
		running = running || oomKilled(&pod.Status.ContainerStatuses[i])
	}
	for i := range pod.Status.InitContainerStatuses {
		status := &pod.Status.InitContainerStatuses[i]
		sidecar := slices.ContainsFunc(pod.Spec.InitContainers, func(container corev1.Container) bool { return container.Name == status.Name && isSidecar(&container) })
		starting = starting || oomKilled(status) && !sidecar
		running = running || oomKilled(status) && sidecar
	}
	return starting, running
}

func isSidecar(container *corev1.Container) bool {
	return container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// limitOfPod returns what the limits of a pod's containers let it hold at most, while it starts, while it runs, or both, or its own limit,
// in bytes; largestPod where one of them has none.
func limitOfPod(pod *corev1.Pod, whileStarting, whileRunning bool) int64 {
	if limit := podLimit(pod); limit > 0 {
		return limit
	}
	var regular, sidecars, starting, most int64
	for i := range pod.Spec.InitContainers {
		container := &pod.Spec.InitContainers[i]
		limit := limitOrLargest(&container.Resources)
		if isSidecar(container) {
			sidecars = min(sidecars+limit, largestPod)
			limit = 0
		}
		starting = max(starting, sidecars+limit)
	}
	for i := range pod.Spec.Containers {
		regular = min(regular+limitOrLargest(&pod.Spec.Containers[i].Resources), largestPod)
	}
	if whileStarting {
		most = starting
	}
	if whileRunning {
		most = max(most, regular+sidecars)
	}
	return min(most, largestPod)
}

func limitOrLargest(resources *corev1.ResourceRequirements) int64 {
	if !Limited(resources) {
		return largestPod
	}
	return min(quantity.Bytes(*resources.Limits.Memory()), largestPod)
}

func oomKilled(status *corev1.ContainerStatus) bool {
	for _, state := range []*corev1.ContainerStateTerminated{status.State.Terminated, status.LastTerminationState.Terminated} {
		if state != nil && state.Reason == "OOMKilled" {
			return true
		}
	}
	return false
}

// memoryVolumes returns the size limits, in bytes, of memory-backed volumes that no container's limit bounds: what is written to them is
// charged to the container that writes, and where all of a pod is limited, its kubelet makes none larger than that
// (k8s.io/kubernetes pkg/volume/emptydir/empty_dir.go: calculateEmptyDirMemorySize). A volume without a size limit adds nothing: nobody
// knows what will be in it.
func memoryVolumes(pod *corev1.Pod) int64 {
	var sum int64
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if volume.EmptyDir == nil || volume.EmptyDir.Medium != corev1.StorageMediumMemory || volume.EmptyDir.SizeLimit == nil {
			continue
		}
		if mountedWithoutLimit(pod, volume.Name) {
			sum += min(quantity.Bytes(*volume.EmptyDir.SizeLimit), largestPod)
		}
	}
	return sum
}

func mountedWithoutLimit(pod *corev1.Pod, volume string) bool {
	for _, containers := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range containers {
			if Limited(&containers[i].Resources) {
				continue
			}
			for _, mount := range containers[i].VolumeMounts {
				if mount.Name == volume {
					return true
				}
			}
		}
	}
	return false
}

func statusOf(statuses []corev1.ContainerStatus, name string) *corev1.ContainerStatus {
	for i := range statuses {
		if statuses[i].Name == name {
			return &statuses[i]
		}
	}
	return nil
}
