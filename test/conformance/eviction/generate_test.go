// SPDX-License-Identifier: Apache-2.0

package eviction_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
)

const mi = int64(1) << 20

// drawPods makes pods as a node may have them: with and without requests, limits, sidecars, pod-level resources and
// overhead, static and critical ones, and such without a running container. usage has those that run.
func drawPods(t *rapid.T) (pods []*corev1.Pod, usage map[string]int64) {
	usage = map[string]int64{}
	for i := range rapid.IntRange(1, 8).Draw(t, "pods") {
		pod := drawPod(t, fmt.Sprintf("pod-%d", i))
		if len(pod.Status.ContainerStatuses) > 0 {
			usage[pod.Name] = rapid.Int64Range(0, 600).Draw(t, "usage") * mi
		}
		pods = append(pods, pod)
	}
	return pods, usage
}

func drawPod(t *rapid.T, name string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "d", Name: name, UID: types.UID("uid-" + name), Annotations: map[string]string{}}}
	if rapid.IntRange(0, 3).Draw(t, "priority") > 0 {
		priority := rapid.SampledFrom([]int32{-1, 0, 1, 1000, 1999999999, 2000000000, 2000001000}).Draw(t, "priority")
		pod.Spec.Priority = &priority
		pod.Spec.PriorityClassName = rapid.SampledFrom([]string{"", "high", "system-node-critical", "system-cluster-critical"}).Draw(t, "class")
	}
	switch rapid.IntRange(0, 15).Draw(t, "source") {
	case 0:
		pod.Annotations["kubernetes.io/config.mirror"] = "hash"
	case 1:
		pod.Annotations["kubernetes.io/config.source"] = "file"
	case 2, 3:
		pod.Annotations["kubernetes.io/config.source"] = "api"
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "init containers") {
		container := drawContainer(t, fmt.Sprintf("init-%d", i))
		if rapid.Bool().Draw(t, "sidecar") {
			always := corev1.ContainerRestartPolicyAlways
			container.RestartPolicy = &always
		}
		pod.Spec.InitContainers = append(pod.Spec.InitContainers, container)
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "containers") {
		pod.Spec.Containers = append(pod.Spec.Containers, drawContainer(t, fmt.Sprintf("main-%d", i)))
	}
	if rapid.IntRange(0, 3).Draw(t, "pod level") == 0 {
		resources := drawResources(t)
		pod.Spec.Resources = &resources
	}
	if rapid.IntRange(0, 3).Draw(t, "overhead") == 0 {
		pod.Spec.Overhead = corev1.ResourceList{corev1.ResourceMemory: quantity(20 * mi)}
	}
	if rapid.IntRange(0, 4).Draw(t, "runs") > 0 {
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
			Name: "main-0", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
		}}
	}
	return pod
}

func drawContainer(t *rapid.T, name string) corev1.Container {
	return corev1.Container{Name: name, Resources: drawResources(t)}
}

// drawResources makes a guaranteed, a burstable or a best-effort set.
func drawResources(t *rapid.T) corev1.ResourceRequirements {
	var resources corev1.ResourceRequirements
	set := func(list *corev1.ResourceList, name corev1.ResourceName, value int64) {
		if *list == nil {
			*list = corev1.ResourceList{}
		}
		(*list)[name] = quantity(value)
	}
	request := rapid.Int64Range(0, 300).Draw(t, "request") * mi
	switch rapid.SampledFrom([]string{"guaranteed", "request", "limited", "cpu", "none"}).Draw(t, "resources") {
	case "guaranteed":
		set(&resources.Requests, corev1.ResourceMemory, request)
		set(&resources.Limits, corev1.ResourceMemory, request)
		set(&resources.Requests, corev1.ResourceCPU, 1)
		set(&resources.Limits, corev1.ResourceCPU, 1)
	case "request":
		set(&resources.Requests, corev1.ResourceMemory, request)
	case "limited":
		set(&resources.Requests, corev1.ResourceMemory, request)
		set(&resources.Limits, corev1.ResourceMemory, request+100*mi)
	case "cpu":
		set(&resources.Requests, corev1.ResourceCPU, 1)
	}
	return resources
}
