// SPDX-License-Identifier: Apache-2.0

// Package forecast says what a workload will hold at its peak, in bytes, and which source the figure comes from.
package forecast

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/memory/quantity"
)

// Source names where an expected peak comes from.
type Source string

const (
	// SourceDeclared: the pod says so itself, by PeakAnnotation.
	SourceDeclared Source = "declared"
	// SourceOOMKilled: a container was killed for want of memory, and held more than it was thought to.
	SourceOOMKilled Source = "OOM-killed before"
	// SourceLimit: between request and limit, by the limit prior, in at least one container.
	SourceLimit Source = "limit prior"
	// SourceRequest: every container has a request and no limit; the request is all that is known.
	SourceRequest Source = "request"
	// SourceDefault: at least one container has neither request nor limit.
	SourceDefault Source = "default"
)

// PeakAnnotation is the pod annotation by which a pod declares its peak, a quantity of bytes such as 1536Mi.
const PeakAnnotation = "headroom.dev/memory-peak"

// Demand is what a pod is expected to hold.
type Demand struct {
	// RequestBytes is what the pod itself asks for: its effective memory request, overhead included. 0 if it asks for none.
	RequestBytes int64
	// FirmBytes is what a node must have left for the pod, by the Filter: what is declared, or else the request, or what pods
	// of its workload were measured to hold of late if that is more. What is only expected never gets in here.
	FirmBytes int64
	// FirmSource names where FirmBytes comes from: SourceDeclared, SourceRequest or SourceSiblings.
	FirmSource Source
	// PeakBytes is what it is expected to hold at its peak. Less than FirmBytes only if siblings are known to hold less than
	// they request.
	PeakBytes int64
	// PeakSource names where PeakBytes comes from.
	PeakSource Source

	// Learned is what was learned of the pod's workload, and PriorBytes what PeakBytes was without it. Nil: nothing was.
	Learned    *Learned
	PriorBytes int64
}

// Estimator says what a pod is expected to hold. It is asked by several goroutines at once.
type Estimator interface {
	Demand(pod *corev1.Pod) Demand
}

// DeclaredPeak returns the peak that the pod declares, in bytes, more than 0. declared is false where it declares none. A
// declaration that cannot be read is an error that names the annotation and says what is expected.
func DeclaredPeak(pod *corev1.Pod) (bytes int64, declared bool, err error) {
	text, declared := pod.Annotations[PeakAnnotation]
	if !declared {
		return 0, false, nil
	}
	bytes, err = quantity.Parse(text)
	if err != nil || bytes == 0 {
		return 0, false, fmt.Errorf("annotation %s: %.40q is not a quantity of bytes above 0, such as 1536Mi", PeakAnnotation, text)
	}
	return bytes, true, nil
}
