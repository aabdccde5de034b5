// SPDX-License-Identifier: Apache-2.0

// Package forecast says what a workload will hold at its peak, in bytes, and which source the figure comes from.
package forecast

import (
	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"
)

// Source names where an expected peak comes from.
type Source string

const (
	// SourceLimit: between request and limit, by the limit prior, in at least one container.
	SourceLimit Source = "limit prior"
	// SourceRequest: every container has a request and no limit; the request is all that is known.
	SourceRequest Source = "request"
	// SourceDefault: at least one container has neither request nor limit.
	SourceDefault Source = "default"
)

// Demand is what a pod is expected to hold.
type Demand struct {
	// RequestBytes is what the pod itself asks for: its effective memory request, overhead included. 0 if it asks for none.
	RequestBytes int64
	// PeakBytes is what it is expected to hold at its peak. At least RequestBytes.
	PeakBytes int64
	// PeakSource names where PeakBytes comes from.
	PeakSource Source
}

// Prior estimates pods of which nothing has been measured.
type Prior struct {
	// LimitPercent places a container's expected peak between its request (0) and its limit (100).
	LimitPercent int64
	// DefaultContainerBytes is the expected peak of a container with neither request nor limit.
	DefaultContainerBytes int64
}

// Demand returns the pod's demand. The peak of a pod is composed of its containers' as its effective request is: the larger
// of what the regular containers with the sidecars hold and of what the init containers hold one after the other,
// plus overhead (k8s.io/component-helpers resource/helpers.go:152-289). A pod-level limit bounds it.
func (p Prior) Demand(pod *corev1.Pod) Demand {
	requests := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{})
	request := requests.Memory().Value()

	source := SourceRequest
	var regular, sidecars, initPeak int64
	for i := range pod.Spec.InitContainers {
		container := &pod.Spec.InitContainers[i]
		peak := p.container(container, &source)
		if container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			sidecars += peak
			initPeak = max(initPeak, sidecars)
		} else {
			initPeak = max(initPeak, sidecars+peak)
		}
	}
	for i := range pod.Spec.Containers {
		regular += p.container(&pod.Spec.Containers[i], &source)
	}
	peak := max(regular+sidecars, initPeak)
	if podLevel := pod.Spec.Resources; podLevel != nil {
		if limit, ok := podLevel.Limits[corev1.ResourceMemory]; ok {
			peak = min(peak, limit.Value())
		}
	}
	if overhead, ok := pod.Spec.Overhead[corev1.ResourceMemory]; ok {
		peak += overhead.Value()
	}
	return Demand{RequestBytes: request, PeakBytes: max(peak, request), PeakSource: source}
}

// container returns the expected peak of one container and weakens the source to what this container is known by.
func (p Prior) container(container *corev1.Container, source *Source) int64 {
	request, hasRequest := container.Resources.Requests[corev1.ResourceMemory]
	limit, hasLimit := container.Resources.Limits[corev1.ResourceMemory]
	switch {
	case hasLimit:
		if *source == SourceRequest {
			*source = SourceLimit
		}
		low := int64(0)
		if hasRequest {
			low = request.Value()
		}
		// By parts: percent times a limit of many exabytes would overflow.
		span := limit.Value() - low
		return low + span/100*p.LimitPercent + span%100*p.LimitPercent/100
	case hasRequest && request.Sign() > 0:
		return request.Value()
	default:
		*source = SourceDefault
		return p.DefaultContainerBytes
	}
}
