// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
	"github.com/headroom-dev/headroom/pkg/lab/kubelet"
)

const (
	kindDeployment = "Deployment"
	kindJob        = "Job"

	// poolLabel keeps the pods of a pool on its nodes. Every pod has it as a nodeSelector, whichever its scheduler.
	poolLabel = "lab.headroom.dev/pool"
	// appLabel names a pod's workload.
	appLabel = "app"
	// poolVariable in an affinity stands for the pool's name.
	poolVariable = "$(POOL)"
	// podCPU is what every pod requests: enough that requests spread pods, too little to ever bind.
	podCPU = "100m"
	// image is never pulled: fake nodes run nothing.
	image = "registry.k8s.io/pause"
)

// pool is a set of nodes with the scheduler that fills it. Its name is the namespace of its pods, too.
type pool struct {
	name, scheduler string
}

func (p pool) nodeName(number int) string { return fmt.Sprintf("%s-%d", p.name, number) }

// nodes returns the pool's node objects.
func (p pool) nodes(spec NodesSpec) []*corev1.Node {
	nodes := make([]*corev1.Node, spec.Count)
	for i := range nodes {
		node := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{
				Name:        p.nodeName(i + 1),
				Labels:      map[string]string{poolLabel: p.name},
				Annotations: map[string]string{cluster.SystemMemoryAnnotation: spec.SystemMemory.String()},
			},
			Status: corev1.NodeStatus{
				Capacity:    corev1.ResourceList{corev1.ResourceCPU: spec.CPU, corev1.ResourceMemory: spec.Memory},
				Allocatable: corev1.ResourceList{corev1.ResourceCPU: spec.CPU, corev1.ResourceMemory: spec.allocatable()},
			},
		}
		for _, labels := range spec.Labels {
			for _, number := range labels.Nodes {
				if number == i+1 {
					maps.Copy(node.Labels, labels.Labels)
				}
			}
		}
		nodes[i] = node
	}
	return nodes
}

// create makes a workload in the pool's namespace.
func (p pool) create(ctx context.Context, client kubernetes.Interface, workload *WorkloadSpec) error {
	template, err := p.template(workload)
	if err != nil {
		return err
	}
	meta := metav1.ObjectMeta{Name: workload.Name, Namespace: p.name}
	switch workload.Kind {
	case kindJob:
		template.Spec.RestartPolicy = corev1.RestartPolicyNever
		template.Annotations[cluster.DurationAnnotation] = workload.Duration.Duration.String()
		_, err = client.BatchV1().Jobs(p.name).Create(ctx, &batchv1.Job{ObjectMeta: meta, Spec: batchv1.JobSpec{
			Parallelism: &workload.Replicas, Completions: &workload.Replicas,
			BackoffLimit: ptr.To[int32](100), // an evicted pod is run again
			Template:     template,
		}}, metav1.CreateOptions{})
	default:
		_, err = client.AppsV1().Deployments(p.name).Create(ctx, &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{
			Replicas: &workload.Replicas,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{appLabel: workload.Name}},
			Template: template,
		}}, metav1.CreateOptions{})
	}
	if err != nil {
		return fmt.Errorf("create %s %s/%s: %w", workload.Kind, p.name, workload.Name, err)
	}
	return nil
}

func (p pool) template(workload *WorkloadSpec) (corev1.PodTemplateSpec, error) {
	affinity, err := p.affinity(workload.Affinity)
	if err != nil {
		return corev1.PodTemplateSpec{}, fmt.Errorf("workload %q: affinity: %w", workload.Name, err)
	}
	selector := map[string]string{poolLabel: p.name}
	maps.Copy(selector, workload.NodeSelector)
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{appLabel: workload.Name},
			Annotations: map[string]string{kubelet.ProfileAnnotation: workload.Profile},
		},
		Spec: corev1.PodSpec{
			SchedulerName: p.scheduler,
			NodeSelector:  selector,
			Affinity:      affinity,
			Containers: []corev1.Container{{
				Name: workload.Name, Image: image,
				Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(podCPU), corev1.ResourceMemory: workload.Request},
					Limits:   corev1.ResourceList{corev1.ResourceMemory: workload.Limit},
				},
			}},
		},
	}, nil
}

// affinity puts the pool's name where the spec has its variable.
func (p pool) affinity(affinity *corev1.Affinity) (*corev1.Affinity, error) {
	if affinity == nil {
		return nil, nil
	}
	text, err := json.Marshal(affinity)
	if err != nil {
		return nil, err
	}
	own := &corev1.Affinity{}
	return own, json.Unmarshal([]byte(strings.ReplaceAll(string(text), poolVariable, p.name)), own)
}
