// SPDX-License-Identifier: Apache-2.0

// Package manifest makes the pod that the API server would make of a manifest, as far as a scheduler looks at it.
package manifest

import (
	"errors"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	corev1defaults "k8s.io/kubernetes/pkg/apis/core/v1"
)

// Found is a pod of a manifest.
type Found struct {
	Pod *corev1.Pod
	// Replicas is how many of it the manifest wants; 1 for a Pod.
	Replicas int
	// OverQuota says which quota of the namespace refuses the pod, or one of so many, and why; "" is none. Admit sets it.
	OverQuota string
	// Notes say what a controller does beyond the pod.
	Notes []string
}

// Read reads a manifest, YAML or JSON, of a Pod or of an object with a pod template. namespace is that of an object that names
// none. The pod has the API's defaults.
func Read(text []byte, namespace string) (*Found, error) {
	object, kind, err := decode(text)
	if err != nil {
		return nil, err
	}
	found := podOf(object)
	if found == nil {
		return nil, fmt.Errorf("it is a %s, want a Pod or an object with a pod template", kind.Kind)
	}
	if found.Pod.Namespace == "" {
		found.Pod.Namespace = namespace
	}
	if found.Pod.Name == "" {
		found.Pod.Name = strings.TrimSuffix(found.Pod.GenerateName, "-")
	}
	if len(found.Pod.Spec.Containers) == 0 {
		return nil, errors.New("the pod has no containers")
	}
	if err := found.own(object); err != nil {
		return nil, fmt.Errorf("the pod of its controller: %w", err)
	}
	corev1defaults.SetObjectDefaults_Pod(found.Pod)
	mergeLabelKeys(found.Pod)
	if err := check(found.Pod); err != nil {
		return nil, err
	}
	return found, nil
}

// podOf returns the pod that an object is or makes, or nil.
func podOf(object runtime.Object) *Found {
	found := &Found{Replicas: 1}
	var template *corev1.PodTemplateSpec
	var owner metav1.ObjectMeta
	switch object := object.(type) {
	case *corev1.Pod:
		found.Pod = object
		asNew(found.Pod)
	case *appsv1.Deployment:
		template, owner, found.Replicas = &object.Spec.Template, object.ObjectMeta, count(object.Spec.Replicas)
	case *appsv1.ReplicaSet:
		template, owner, found.Replicas = &object.Spec.Template, object.ObjectMeta, count(object.Spec.Replicas)
	case *corev1.ReplicationController:
		if object.Spec.Template == nil {
			return nil
		}
		template, owner, found.Replicas = object.Spec.Template, object.ObjectMeta, count(object.Spec.Replicas)
	case *appsv1.StatefulSet:
		template, owner, found.Replicas = &object.Spec.Template, object.ObjectMeta, count(object.Spec.Replicas)
	case *appsv1.DaemonSet:
		template, owner = &object.Spec.Template, object.ObjectMeta
	case *batchv1.Job:
		template, owner, found.Replicas = &object.Spec.Template, object.ObjectMeta, atOnce(&object.Spec)
	case *batchv1.CronJob:
		template, owner, found.Replicas = &object.Spec.JobTemplate.Spec.Template, object.ObjectMeta, atOnce(&object.Spec.JobTemplate.Spec)
	default:
		return nil
	}
	if template != nil {
		found.Pod = &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
		found.Pod.Name, found.Pod.Namespace = owner.Name, owner.Namespace
	}
	return found
}

// own makes the pod that of its controller.
func (f *Found) own(object runtime.Object) error {
	switch object := object.(type) {
	case *appsv1.Deployment:
		return f.ofDeployment(object)
	case *appsv1.ReplicaSet:
		f.ownedBy("apps/v1", "ReplicaSet", object.Name)
	case *corev1.ReplicationController:
		f.ownedBy("v1", "ReplicationController", object.Name)
	case *appsv1.StatefulSet:
		f.ofStatefulSet(object)
	case *appsv1.DaemonSet:
		f.ofDaemonSet(object)
	case *batchv1.Job:
		f.ofJob(object.Name, &object.Spec)
	case *batchv1.CronJob:
		f.ofJob(object.Name, &object.Spec.JobTemplate.Spec)
	}
	return nil
}

func count(replicas *int32) int {
	if replicas == nil {
		return 1
	}
	return int(*replicas)
}

// atOnce is how many pods of a Job run at the same time: no more than are to complete.
func atOnce(job *batchv1.JobSpec) int {
	parallel := count(job.Parallelism)
	if job.Completions != nil {
		parallel = min(parallel, int(*job.Completions))
	}
	return parallel
}
