// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"time"

	corev1 "k8s.io/api/core/v1"
)

// ended reports whether the pod holds no memory any more: its final phase is published only after its containers have
// stopped (k8s.io/kubernetes pkg/kubelet/status/status_manager.go:1495-1508). A terminating pod has not ended.
func ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// coveredBy reports whether a sample taken at the given time, known by the pod's name only, is of this pod and not of one
// that had its name before: the kubelet must have taken the pod in by then.
func coveredBy(pod *corev1.Pod, taken time.Time) bool {
	return pod.Status.StartTime != nil && !taken.Before(pod.Status.StartTime.Time)
}

// warming reports whether a pod that a sample taken at the given time covers may still grow to what it asks for, so that
// the sample is no upper bound: it is not ready, is ready for less than the warm-up, or has a container that is not
// running or was started again after the sample.
func (b *Builder) warming(now time.Time, pod *corev1.Pod, taken time.Time) bool {
	if pod.DeletionTimestamp != nil { // On its way out: it will not grow.
		return false
	}
	ready := false
	for i := range pod.Status.Conditions {
		condition := &pod.Status.Conditions[i]
		if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
			ready = now.Sub(condition.LastTransitionTime.Time) >= b.options.WarmUp
		}
	}
	if !ready {
		return true
	}
	for i := range pod.Status.ContainerStatuses {
		running := pod.Status.ContainerStatuses[i].State.Running
		if running == nil || running.StartedAt.After(taken) {
			return true
		}
	}
	return false
}
