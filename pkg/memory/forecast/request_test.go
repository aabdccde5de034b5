// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// drawMemory draws a list with memory, with something else only, or none.
func drawMemory(t *rapid.T, label string) corev1.ResourceList {
	switch text := rapid.SampledFrom([]string{"", "cpu", "100Mi", "200Mi", "0", "400m"}).Draw(t, label); text {
	case "":
		return nil
	case "cpu":
		return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}
	default:
		return corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(text)}
	}
}

// drawContainers draws containers and what their statuses say of them, if there are any.
func drawContainers(t *rapid.T, kind string) (containers []corev1.Container, statuses []corev1.ContainerStatus) {
	for i := range rapid.IntRange(0, 3).Draw(t, kind) {
		name := fmt.Sprint(kind, i)
		container := corev1.Container{Name: name, Resources: corev1.ResourceRequirements{Requests: drawMemory(t, name+" asks for")}}
		if kind == "init" && rapid.Bool().Draw(t, name+" is a sidecar") {
			container.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
		}
		containers = append(containers, container)
		if !rapid.Bool().Draw(t, name+" has a status") {
			continue
		}
		status := corev1.ContainerStatus{Name: name, AllocatedResources: drawMemory(t, name+" is admitted with")}
		if rapid.Bool().Draw(t, name+" has resources in force") {
			status.Resources = &corev1.ResourceRequirements{Requests: drawMemory(t, name+" has")}
		}
		statuses = append(statuses, status)
	}
	return containers, statuses
}

// What a status does not change is not looked up in it: the request stays the one that the scheduler counts.
func TestRequestsAreThoseOfTheScheduler(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := &corev1.Pod{}
		pod.Spec.NodeName = rapid.SampledFrom([]string{"node", "node", "node", ""}).Draw(t, "node")
		pod.Spec.Containers, pod.Status.ContainerStatuses = drawContainers(t, "main")
		pod.Spec.InitContainers, pod.Status.InitContainerStatuses = drawContainers(t, "init")
		if rapid.IntRange(0, 4).Draw(t, "has a request of its own") == 4 {
			pod.Spec.Resources = &corev1.ResourceRequirements{Requests: drawMemory(t, "pod asks for")}
			pod.Status.AllocatedResources = drawMemory(t, "pod is admitted with")
			if rapid.Bool().Draw(t, "has resources in force") {
				pod.Status.Resources = &corev1.ResourceRequirements{Requests: drawMemory(t, "pod has")}
			}
		}
		if rapid.IntRange(0, 4).Draw(t, "a resize is infeasible") == 4 {
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodResizePending, Status: corev1.ConditionTrue, Reason: corev1.PodReasonInfeasible}}
		}
		placed := pod.Spec.NodeName != ""
		want := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{
			UseStatusResources: placed, InPlacePodLevelResourcesVerticalScalingEnabled: placed,
		})
		if got := (forecast.Prior{}).Demand(pod).RequestBytes; got != want.Memory().Value() {
			t.Errorf("%d bytes, want %d", got, want.Memory().Value())
		}
	})
}
