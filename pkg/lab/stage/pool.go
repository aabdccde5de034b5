// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"fmt"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
	"github.com/headroom-dev/headroom/pkg/lab/kubelet"
)

const (
	// PoolLabel keeps the pods of a pool on its nodes. Every pod has it as a nodeSelector, whichever its scheduler.
	PoolLabel = "lab.headroom.dev/pool"
	// AppLabel names a pod's workload.
	AppLabel = "app"
	// podCPU is what every pod requests: enough that requests spread pods, too little to ever bind.
	podCPU = "100m"
	// image is never pulled: fake nodes run nothing.
	image = "registry.k8s.io/pause"
)

// Pool is a set of nodes with the scheduler that fills it. Its name is the namespace of its pods, too.
type Pool struct {
	// Name is a DNS label. Scheduler is the schedulerName of the pool's pods.
	Name, Scheduler string
}

// NodeName is the name of a node by its number, from 1.
func (p Pool) NodeName(number int) string { return fmt.Sprintf("%s-%d", p.Name, number) }

// Nodes returns the pool's node objects.
func (p Pool) Nodes(spec NodesSpec) []*corev1.Node {
	nodes := make([]*corev1.Node, spec.Count)
	for i := range nodes {
		node := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{
				Name:        p.NodeName(i + 1),
				Labels:      map[string]string{PoolLabel: p.Name},
				Annotations: map[string]string{cluster.SystemMemoryAnnotation: spec.SystemMemory.String()},
			},
			Status: corev1.NodeStatus{
				Capacity:    corev1.ResourceList{corev1.ResourceCPU: spec.CPU, corev1.ResourceMemory: spec.Memory},
				Allocatable: corev1.ResourceList{corev1.ResourceCPU: spec.CPU, corev1.ResourceMemory: spec.Allocatable()},
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

// Template is what pods of a workload are made from: one container of its name, on the pool's nodes only.
func (p Pool) Template(workload string, request, limit resource.Quantity, profile string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{AppLabel: workload},
			Annotations: map[string]string{kubelet.ProfileAnnotation: profile},
		},
		Spec: corev1.PodSpec{
			SchedulerName: p.Scheduler,
			NodeSelector:  map[string]string{PoolLabel: p.Name},
			Containers: []corev1.Container{{
				Name: workload, Image: image,
				Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(podCPU), corev1.ResourceMemory: request},
					Limits:   corev1.ResourceList{corev1.ResourceMemory: limit},
				},
			}},
		},
	}
}

// Deployment is a Deployment in the pool's namespace of pods made from a template of Template.
func (p Pool) Deployment(workload string, replicas int32, template corev1.PodTemplateSpec) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: workload, Namespace: p.Name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{AppLabel: workload}},
			Template: template,
		},
	}
}
