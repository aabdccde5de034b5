// SPDX-License-Identifier: Apache-2.0

// Package load makes the pods that already run on a cluster's nodes when a measurement begins.
package load

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Running returns a copy of the pod, of that name, which has been running on a node and ready for an hour.
func Running(pod *corev1.Pod, name, node string) *corev1.Pod {
	pod = pod.DeepCopy()
	started := metav1.NewTime(time.Now().Add(-time.Hour))
	pod.Name, pod.GenerateName, pod.Namespace, pod.UID = name, "", metav1.NamespaceDefault, types.UID(name)
	pod.CreationTimestamp, pod.Labels = started, nil
	pod.Spec.SchedulerName, pod.Spec.NodeName = corev1.DefaultSchedulerName, node
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, StartTime: &started,
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: started}},
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: pod.Spec.Containers[0].Name, Ready: true,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: started}},
		}},
	}
	return pod
}
