// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// ended reports whether the pod holds no memory any more: its final phase is published only after its containers have
// stopped (k8s.io/kubernetes pkg/kubelet/status/status_manager.go:1495-1508). A terminating pod has not ended.
func ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// startedBy reports whether the pod's kubelet had taken it in at the given time: a sample of then, known by the pod's name
// only, is of this pod and not of one that had its name before.
func startedBy(pod *corev1.Pod, taken time.Time) bool {
	return pod.Status.StartTime != nil && !taken.Before(pod.Status.StartTime.Time)
}

// isOf reports whether a kubelet calls the pod by the UID. It calls a static pod by the hash of its file, and the API
// server calls the mirror of that pod otherwise (k8s.io/kubernetes pkg/kubelet/types/pod_update.go).
func isOf(uid types.UID, pod *corev1.Pod) bool {
	return uid == pod.UID || string(uid) == pod.Annotations["kubernetes.io/config.hash"] ||
		string(uid) == pod.Annotations[corev1.MirrorPodAnnotationKey]
}

// warming reports whether a pod that a sample taken at the given time covers may still grow to what it asks for, so that
// the sample is no upper bound: it is not ready, had been for less than the warm-up by then, or has a container that is not
// running or was started again after the sample. Readiness falls with a failing probe too: what such a pod will do is not
// known.
func (b *build) warming(pod *corev1.Pod, taken time.Time) bool {
	if pod.DeletionTimestamp != nil { // On its way out: it will not grow.
		return false
	}
	ready := false
	for i := range pod.Status.Conditions {
		condition := &pod.Status.Conditions[i]
		if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
			ready = taken.Sub(condition.LastTransitionTime.Time) >= b.options.WarmUp
		}
	}
	if !ready {
		return true
	}
	for i := range pod.Status.ContainerStatuses {
		if b.unsettled(&pod.Status.ContainerStatuses[i], taken) {
			return true
		}
	}
	for i := range pod.Status.InitContainerStatuses { // Sidecars run on; the others have done their work.
		status := &pod.Status.InitContainerStatuses[i]
		if status.State.Terminated == nil && b.unsettled(status, taken) {
			return true
		}
	}
	return false
}

// unsettled reports whether a container does not run, or ran for so short a time at the given one that a sample of then tells little of it.
func (b *build) unsettled(status *corev1.ContainerStatus, taken time.Time) bool {
	running := status.State.Running
	return running == nil || running.StartedAt.After(taken) || (status.RestartCount > 0 && taken.Sub(running.StartedAt.Time) < b.options.WarmUp)
}

// stopSlack is how long after a pod's grace its kubelet may take to tell that its containers have stopped.
const stopSlack = 30 * time.Second

// StopsBy returns until when a pod that is on its way out is gone because its containers have stopped: its kubelet kills what still runs
// when the grace is over (k8s.io/kubernetes pkg/kubelet/kuberuntime/kuberuntime_container.go: killContainer), and tells so. One that is still
// there has a kubelet that does not answer, and is then deleted by force. It is zero for a pod that is not on its way out, or
// without grace: that is deleted by force too.
func StopsBy(pod *corev1.Pod) time.Time {
	if pod.DeletionTimestamp == nil || pod.DeletionGracePeriodSeconds == nil || *pod.DeletionGracePeriodSeconds <= 0 {
		return time.Time{}
	}
	return pod.DeletionTimestamp.Add(stopSlack) // the grace is in it (k8s.io/apiserver pkg/registry/rest/delete.go: BeforeDelete)
}

// LetGo reports whether a pod that would have stopped by the time given has done so: nothing is left of its grace before that is over. Who
// deletes it then, as its kubelet does once its containers have stopped, has the API server take away what is left of the grace, and
// that is sent before the pod is gone (k8s.io/apiserver pkg/registry/rest/delete.go: BeforeDelete): a pod that is sent as deleted never has a
// grace. One that is deleted by force in its grace looks the same.
func LetGo(stopsBy time.Time, pod *corev1.Pod, now time.Time) bool {
	return pod.DeletionTimestamp != nil && StopsBy(pod).IsZero() && now.Before(stopsBy)
}

// StoppedAt returns when the last of a pod's containers stopped, by its node's clock and to the second below, or zero if its kubelet has
// not told that all of them did. It tells so before it deletes a pod, whose memory is free by then (k8s.io/kubernetes
// pkg/kubelet/status/status_manager.go:1334, canBeDeleted).
func StoppedAt(pod *corev1.Pod) (last time.Time) {
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range statuses {
			stopped := statuses[i].State.Terminated
			if stopped == nil {
				return time.Time{}
			}
			if stopped.FinishedAt.After(last) {
				last = stopped.FinishedAt.Time
			}
		}
	}
	return last
}
