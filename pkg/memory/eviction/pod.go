// SPDX-License-Identifier: Apache-2.0

package eviction

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	v1resource "k8s.io/kubernetes/pkg/api/v1/resource"
	"k8s.io/utils/ptr"

	"github.com/headroom-dev/headroom/pkg/memory/request"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

const (
	// configSource names where a kubelet has a pod from (k8s.io/kubernetes pkg/kubelet/types/pod_update.go:30, 102-110).
	configSource = "kubernetes.io/config.source"
	// fromAPI is its value for a pod that is not static.
	fromAPI = "api"
)

// PodOf returns what the kubelet's order looks at in a pod. measured is the working set of the pod's cgroup; it need not be
// Known. A pod without a running container counts as one without statistics, whatever was measured of it before; one that
// runs and was not measured is taken to use what it requests, and says so by Guessed.
//
// The request is that of the kubelet's own order, k8s.io/kubernetes pkg/api/v1/resource/helpers.go:33-62, of the resources
// that the kubelet has allocated to the pod, where its status tells them. The caller leaves out pods that have ended.
func PodOf(pod *corev1.Pod, measured sample.Measurement) Pod {
	made := Pod{
		Namespace: pod.Namespace, Name: pod.Name,
		Priority:     ptr.Deref(pod.Spec.Priority, 0),
		Static:       isStatic(pod),
		Measured:     runs(pod),
		RequestBytes: requestOf(allocated(pod)),
	}
	switch {
	case !made.Measured:
	case measured.Known():
		made.UsageBytes = measured.Bytes
	default:
		made.UsageBytes, made.Guessed = made.RequestBytes, true
	}
	return made
}

// requestOf returns what the pod requests, in bytes, as PodOf has it.
func requestOf(pod *corev1.Pod) int64 {
	memory, plain := request.OfPlain(&pod.Spec)
	if !plain {
		memory = v1resource.GetResourceRequestQuantity(pod, corev1.ResourceMemory)
	}
	return memory.Value()
}

// isStatic reports whether the pod is static, or the API server's mirror of a static pod
// (k8s.io/kubernetes pkg/kubelet/types/pod_update.go:141-155).
func isStatic(pod *corev1.Pod) bool {
	_, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]
	source, known := pod.Annotations[configSource]
	return mirror || known && source != fromAPI
}

// runs reports whether any container of the pod runs.
func runs(pod *corev1.Pod) bool {
	for _, statuses := range [][]corev1.ContainerStatus{
		pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses, pod.Status.EphemeralContainerStatuses,
	} {
		if slices.ContainsFunc(statuses, func(status corev1.ContainerStatus) bool { return status.State.Running != nil }) {
			return true
		}
	}
	return false
}

// allocated returns the pod with the memory requests that the kubelet has allocated, which is what it decides by: while a
// resize is pending, the spec has those that are asked for (k8s.io/kubernetes pkg/kubelet/kubelet_pods.go:216-229). The pod
// that was passed in is not changed.
func allocated(pod *corev1.Pod) *corev1.Pod {
	containers, resized := allocatedContainers(pod.Spec.Containers, pod.Status.ContainerStatuses)
	starting, resizedToo := allocatedContainers(pod.Spec.InitContainers, pod.Status.InitContainerStatuses)
	resources := allocatedResources(pod)
	if !resized && !resizedToo && resources == pod.Spec.Resources {
		return pod
	}
	copied := *pod
	copied.Spec.Containers, copied.Spec.InitContainers, copied.Spec.Resources = containers, starting, resources
	return &copied
}

// allocatedResources returns those of the pod itself.
func allocatedResources(pod *corev1.Pod) *corev1.ResourceRequirements {
	if pod.Spec.Resources == nil {
		return nil
	}
	memory, ok := pod.Status.AllocatedResources[corev1.ResourceMemory]
	if _, asked := pod.Spec.Resources.Requests[corev1.ResourceMemory]; !ok || !asked {
		return pod.Spec.Resources
	}
	// The status has the pod's overhead in it (k8s.io/kubernetes pkg/kubelet/kubelet_pods.go:2178-2182).
	memory = memory.DeepCopy()
	memory.Sub(pod.Spec.Overhead[corev1.ResourceMemory])
	resources := pod.Spec.Resources.DeepCopy()
	resources.Requests[corev1.ResourceMemory] = memory
	return resources
}

// allocatedContainers returns the containers, and whether one of them has another request than it asks for.
func allocatedContainers(containers []corev1.Container, statuses []corev1.ContainerStatus) (allocated []corev1.Container, resized bool) {
	var copied []corev1.Container
	for i := range containers {
		memory, ok := allocatedMemory(statuses, containers[i].Name)
		if !ok || memory.Equal(containers[i].Resources.Requests[corev1.ResourceMemory]) {
			continue
		}
		if copied == nil {
			copied = slices.Clone(containers)
		}
		requests := maps.Clone(containers[i].Resources.Requests)
		if requests == nil {
			requests = corev1.ResourceList{}
		}
		requests[corev1.ResourceMemory] = memory
		copied[i].Resources.Requests = requests
	}
	if copied == nil {
		return containers, false
	}
	return copied, true
}

func allocatedMemory(statuses []corev1.ContainerStatus, name string) (memory resource.Quantity, ok bool) {
	i := slices.IndexFunc(statuses, func(status corev1.ContainerStatus) bool { return status.Name == name })
	if i < 0 {
		return resource.Quantity{}, false
	}
	memory, ok = statuses[i].AllocatedResources[corev1.ResourceMemory]
	return memory, ok
}
