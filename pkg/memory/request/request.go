// SPDX-License-Identifier: Apache-2.0

// Package request tells what plain pods request, which nearly all are, without the lists that are made to compose what others do.
package request

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// OfPlain returns the memory that a pod requests, in bytes, if nothing but its containers asks for any, all at the same time: what they
// request together (k8s.io/component-helpers resource/helpers.go: AggregateContainerRequests). plain is false for another pod.
func OfPlain(spec *corev1.PodSpec) (memory resource.Quantity, plain bool) {
	if len(spec.InitContainers) > 0 || spec.Resources != nil || len(spec.Overhead) > 0 {
		return resource.Quantity{}, false
	}
	for i := range spec.Containers {
		memory.Add(*spec.Containers[i].Resources.Requests.Memory())
	}
	return memory, true
}
