// SPDX-License-Identifier: Apache-2.0

package eviction

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"
	v1qos "k8s.io/kubernetes/pkg/apis/core/v1/helper/qos"
)

// DomainKind says whose memory ran out.
type DomainKind string

const (
	// DomainContainer is one container's memory.max: only it dies.
	DomainContainer DomainKind = "container"
	// DomainPod is one pod's memory.max.
	DomainPod DomainKind = "pod"
	// DomainKubepods is the memory.max of all pods together. The machine may have memory left.
	DomainKubepods DomainKind = "kubepods"
	// DomainMachine is the machine. Processes outside pods are in it too, and are not ranked here.
	DomainMachine DomainKind = "machine"
)

// Domain is the memory among whose users the kernel chooses when it runs out.
type Domain struct {
	Kind DomainKind
	// Namespace, Pod and Container name what the limit belongs to, as far as the kind goes.
	Namespace, Pod, Container string
	// LimitBytes is all there is in it.
	LimitBytes int64
}

// Machine returns the domain of a whole node with that much memory, swap included.
func Machine(capacityBytes int64) Domain {
	return Domain{Kind: DomainMachine, LimitBytes: capacityBytes}
}

// Kubepods returns the domain of all pods of a node; its limit is threshold.Thresholds.PodsLimit.
func Kubepods(limitBytes int64) Domain {
	return Domain{Kind: DomainKubepods, LimitBytes: limitBytes}
}

// Contains reports whether the container may die when the domain runs out.
func (d Domain) Contains(c Container) bool {
	switch d.Kind {
	case DomainContainer:
		return d.Namespace == c.Namespace && d.Pod == c.Pod && d.Container == c.Name
	case DomainPod:
		return d.Namespace == c.Namespace && d.Pod == c.Pod
	default:
		return true
	}
}

// DomainsOf returns the domains that a pod has for itself: one of each container with a limit, then that of the pod.
//
// A container without a limit of its own gets the pod-level one
// (k8s.io/kubernetes pkg/kubelet/kuberuntime/kuberuntime_container_linux.go:127-149). The pod is limited if it is guaranteed,
// has a pod-level limit, or every container has one (pkg/kubelet/cm/helpers_linux.go:198-262). Limits that were really set are
// taken from the status where it tells them.
func DomainsOf(pod *corev1.Pod) []Domain {
	var domains []Domain
	for _, part := range []struct {
		containers []corev1.Container
		statuses   []corev1.ContainerStatus
	}{{pod.Spec.InitContainers, pod.Status.InitContainerStatuses}, {pod.Spec.Containers, pod.Status.ContainerStatuses}} {
		for i := range part.containers {
			if limit := containerLimit(pod, &part.containers[i], part.statuses); limit > 0 {
				domains = append(domains, Domain{
					Kind: DomainContainer, Namespace: pod.Namespace, Pod: pod.Name, Container: part.containers[i].Name, LimitBytes: limit,
				})
			}
		}
	}
	if limit := podLimit(pod); limit > 0 {
		domains = append(domains, Domain{Kind: DomainPod, Namespace: pod.Namespace, Pod: pod.Name, LimitBytes: limit})
	}
	return domains
}

func containerLimit(pod *corev1.Pod, container *corev1.Container, statuses []corev1.ContainerStatus) int64 {
	i := slices.IndexFunc(statuses, func(status corev1.ContainerStatus) bool { return status.Name == container.Name })
	if i >= 0 && statuses[i].Resources != nil && !statuses[i].Resources.Limits.Memory().IsZero() {
		return statuses[i].Resources.Limits.Memory().Value()
	}
	if limit := container.Resources.Limits.Memory().Value(); limit > 0 || !resourcehelper.IsPodLevelResourcesSet(pod) {
		return limit
	}
	return pod.Spec.Resources.Limits.Memory().Value()
}

// podLimit returns the pod's memory.max, 0 for none.
func podLimit(pod *corev1.Pod) int64 {
	limited := false
	switch v1qos.GetPodQOS(pod) {
	case corev1.PodQOSGuaranteed:
		limited = true
	case corev1.PodQOSBurstable:
		limited = everyContainerLimited(pod) || resourcehelper.IsPodLevelResourcesSet(pod) && !pod.Spec.Resources.Limits.Memory().IsZero()
	}
	if !limited {
		return 0
	}
	if pod.Status.Resources != nil && !pod.Status.Resources.Limits.Memory().IsZero() {
		return pod.Status.Resources.Limits.Memory().Value()
	}
	limits := resourcehelper.PodLimits(pod, resourcehelper.PodResourcesOptions{})
	return limits.Memory().Value()
}

func everyContainerLimited(pod *corev1.Pod) bool {
	unlimited := func(container corev1.Container) bool { return container.Resources.Limits.Memory().IsZero() }
	return !slices.ContainsFunc(pod.Spec.InitContainers, unlimited) && !slices.ContainsFunc(pod.Spec.Containers, unlimited)
}
