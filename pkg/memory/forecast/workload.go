// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"fmt"
	"hash/fnv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Workload names the pods that can be expected to hold alike: those of one owner, made from one template.
type Workload struct {
	Namespace string
	// Kind and Owner of the controller; both empty for a pod without one.
	Kind, Owner string
	// Template tells the owner's revisions apart: the hash that its controller labels its pods with, or, where there is no
	// such label, a hash of the pod's containers.
	Template string
}

// WorkloadOf returns the workload of a pod.
func WorkloadOf(pod *corev1.Pod) Workload {
	workload := Workload{Namespace: pod.Namespace}
	if owner := metav1.GetControllerOfNoCopy(pod); owner != nil {
		workload.Kind, workload.Owner = owner.Kind, owner.Name
		if owner.Kind == "Job" {
			workload.Owner = withoutRun(owner.Name)
		}
	}
	for _, label := range []string{appsv1.DefaultDeploymentUniqueLabelKey, appsv1.ControllerRevisionHashLabelKey} {
		if hash := pod.Labels[label]; hash != "" {
			workload.Template = hash
			return workload
		}
	}
	workload.Template = containersHash(pod)
	return workload
}

// withoutRun returns the name of a Job without the minute of its run, which a CronJob appends (k8s.io/kubernetes
// pkg/controller/cronjob/cronjob_controllerv2.go: getJobName): its runs are one workload.
func withoutRun(job string) string {
	const digits = 8 // minutes since 1970, until 2160
	dash := len(job) - digits - 1
	if dash < 1 || job[dash] != '-' || strings.Trim(job[dash+1:], "0123456789") != "" {
		return job
	}
	return job[:dash]
}

// containersHash tells containers apart by what runs in them and what it may use.
func containersHash(pod *corev1.Pod) string {
	hash := fnv.New64a()
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			container := &containers[i]
			request, limit := container.Resources.Requests.Memory(), container.Resources.Limits.Memory()
			// A hash takes any write.
			_, _ = fmt.Fprintf(hash, "%q %q %q %q %d %d\n", container.Name, container.Image, container.Command, container.Args, request.Value(), limit.Value())
		}
	}
	return fmt.Sprintf("%016x", hash.Sum64())
}
