// SPDX-License-Identifier: Apache-2.0

package eviction

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"
	v1qos "k8s.io/kubernetes/pkg/apis/core/v1/helper/qos"
	"k8s.io/kubernetes/pkg/apis/scheduling"
	"k8s.io/utils/ptr"
)

// The kubelet's oom_score_adj values (k8s.io/kubernetes pkg/kubelet/qos/policy.go:30-38).
const (
	guaranteedOOMScoreAdjust = -997
	bestEffortOOMScoreAdjust = 1000
)

// OOMScoreAdjust returns the oom_score_adj, -997 to 1000, that the kubelet gives the named container of the pod when it
// starts (k8s.io/kubernetes pkg/kubelet/qos/policy.go:47-122). capacityBytes is the machine's memory, more than 0. A later
// resize does not reach the processes that run. Memory that the pod claims as a device is not counted.
func OOMScoreAdjust(pod *corev1.Pod, container string, capacityBytes int64) int64 {
	return scoreAdjust(allocated(pod), container, capacityBytes)
}

// ContainersOf returns the pod's containers as the kernel's order sees them: those that run, and those of which usage, by
// container name in bytes, tells. capacityBytes is the machine's memory, more than 0.
func ContainersOf(pod *corev1.Pod, usage map[string]int64, capacityBytes int64) []Container {
	pod = allocated(pod)
	var containers []Container
	for _, name := range containerNames(pod) {
		bytes, measured := usage[name]
		if measured || runsContainer(pod, name) {
			containers = append(containers, Container{
				Namespace: pod.Namespace, Pod: pod.Name, Name: name,
				UsageBytes: bytes, Unmeasured: !measured,
				OOMScoreAdjust: scoreAdjust(pod, name, capacityBytes),
			})
		}
	}
	return containers
}

func scoreAdjust(pod *corev1.Pod, container string, capacityBytes int64) int64 {
	if isCritical(isStatic(pod), ptr.Deref(pod.Spec.Priority, 0)) && pod.Spec.PriorityClassName == scheduling.SystemNodeCritical {
		return guaranteedOOMScoreAdjust
	}
	switch v1qos.GetPodQOS(pod) {
	case corev1.PodQOSGuaranteed:
		return guaranteedOOMScoreAdjust
	case corev1.PodQOSBestEffort:
		return bestEffortOOMScoreAdjust
	}
	request, sidecar := containerRequest(pod, container)
	share := podShare(pod)
	adjust := 1000 - 1000*(request+share)/capacityBytes
	if sidecar { // It is to outlive what it serves.
		adjust = min(adjust, 1000-1000*(leastRequest(pod)+share)/capacityBytes)
	}
	// A burstable container stays above every guaranteed one and below every best-effort one.
	return min(max(adjust, 1000+guaranteedOOMScoreAdjust), bestEffortOOMScoreAdjust-1)
}

// containerRequest returns the memory request of the named container, 0 for an ephemeral one, and whether it is a sidecar.
func containerRequest(pod *corev1.Pod, name string) (request int64, sidecar bool) {
	for i := range pod.Spec.InitContainers {
		container := &pod.Spec.InitContainers[i]
		if container.Name == name {
			restarts := container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways
			return container.Resources.Requests.Memory().Value(), restarts
		}
	}
	for i := range pod.Spec.Containers {
		if pod.Spec.Containers[i].Name == name {
			return pod.Spec.Containers[i].Resources.Requests.Memory().Value(), false
		}
	}
	return 0, false
}

// podShare is what each container has of a pod-level request beyond those of the containers
// (k8s.io/kubernetes pkg/kubelet/qos/helpers.go:59-74).
func podShare(pod *corev1.Pod) int64 {
	containers := int64(len(pod.Spec.Containers) + len(pod.Spec.InitContainers))
	if !resourcehelper.IsPodLevelRequestsSet(pod) || pod.Spec.Resources.Requests.Memory().IsZero() || containers == 0 {
		return 0
	}
	ofContainers := resourcehelper.AggregateContainerRequests(pod, resourcehelper.PodResourcesOptions{})
	return max(pod.Spec.Resources.Requests.Memory().Value()-ofContainers.Memory().Value(), 0) / containers
}

// leastRequest is the smallest memory request of the regular containers (k8s.io/kubernetes pkg/kubelet/qos/helpers.go:38-47).
func leastRequest(pod *corev1.Pod) int64 {
	var least int64
	for i := range pod.Spec.Containers {
		request := pod.Spec.Containers[i].Resources.Requests.Memory().Value()
		if i == 0 || request < least {
			least = request
		}
	}
	return least
}

func containerNames(pod *corev1.Pod) []string {
	var names []string
	for i := range pod.Spec.InitContainers {
		names = append(names, pod.Spec.InitContainers[i].Name)
	}
	for i := range pod.Spec.Containers {
		names = append(names, pod.Spec.Containers[i].Name)
	}
	for i := range pod.Spec.EphemeralContainers {
		names = append(names, pod.Spec.EphemeralContainers[i].Name)
	}
	return names
}

func runsContainer(pod *corev1.Pod, name string) bool {
	for _, statuses := range [][]corev1.ContainerStatus{
		pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses, pod.Status.EphemeralContainerStatuses,
	} {
		if slices.ContainsFunc(statuses, func(status corev1.ContainerStatus) bool {
			return status.Name == name && status.State.Running != nil
		}) {
			return true
		}
	}
	return false
}
