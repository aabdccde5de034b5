// SPDX-License-Identifier: Apache-2.0

package explain

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// asSibling gives a pod of a file the revision of those of its controller that run the same containers: a StatefulSet's and a DaemonSet's
// are labelled with the hash of a revision that their controller keeps, by which what was learned of them is known.
func (s *Scheduler) asSibling(pod *corev1.Pod) *corev1.Pod {
	controller := metav1.GetControllerOf(pod)
	if pod.UID != "" || controller == nil || pod.Labels[appsv1.ControllerRevisionHashLabelKey] != "" {
		return pod
	}
	workload := unlabelled(pod)
	for _, other := range s.pods {
		revision := other.Labels[appsv1.ControllerRevisionHashLabelKey]
		if revision == "" || other.Namespace != pod.Namespace || unlabelled(other) != workload {
			continue
		}
		sibling := pod.DeepCopy()
		metav1.SetMetaDataLabel(&sibling.ObjectMeta, appsv1.ControllerRevisionHashLabelKey, revision)
		return sibling
	}
	return pod
}

// unlabelled is the workload of a pod by its controller and its containers.
func unlabelled(pod *corev1.Pod) forecast.Workload {
	return forecast.WorkloadOf(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, OwnerReferences: pod.OwnerReferences}, Spec: pod.Spec,
	})
}
