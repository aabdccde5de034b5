// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"

	"github.com/headroom-dev/headroom/pkg/memory/quantity"
	"github.com/headroom-dev/headroom/pkg/memory/request"
)

// requestOf returns the pod's effective memory request, as the scheduler counts it: by its spec before it has a node, and with
// its status after that. A status that asks for what the spec does, as nearly all do, changes nothing, and takes three times as long.
func requestOf(pod *corev1.Pod) int64 {
	placed := pod.Spec.NodeName != "" && !settled(pod)
	if memory, plain := request.OfPlain(&pod.Spec); plain && !placed {
		return min(quantity.Bytes(memory), largestPod)
	}
	requests := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{
		UseStatusResources: placed,
		InPlacePodLevelResourcesVerticalScalingEnabled: placed,
	})
	return min(quantity.Bytes(*requests.Memory()), largestPod)
}

// settled reports whether the pod's status has just the memory requests of its spec: no resize is under way.
func settled(pod *corev1.Pod) bool {
	if pod.Status.Resources != nil || pod.Status.AllocatedResources != nil || resourcehelper.IsPodResizeInfeasible(pod) {
		return false
	}
	for _, of := range []struct {
		containers []corev1.Container
		statuses   []corev1.ContainerStatus
	}{{pod.Spec.Containers, pod.Status.ContainerStatuses}, {pod.Spec.InitContainers, pod.Status.InitContainerStatuses}} {
		for i := range of.containers {
			status := statusOf(of.statuses, of.containers[i].Name)
			if status == nil {
				continue
			}
			wanted := of.containers[i].Resources.Requests
			if status.AllocatedResources != nil && !sameMemory(wanted, status.AllocatedResources) {
				return false
			}
			if status.Resources != nil && status.Resources.Requests != nil && !sameMemory(wanted, status.Resources.Requests) {
				return false
			}
		}
	}
	return true
}

func sameMemory(a, b corev1.ResourceList) bool {
	of, other := a[corev1.ResourceMemory], b[corev1.ResourceMemory]
	return of.Cmp(other) == 0
}
