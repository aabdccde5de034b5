// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// What a pod asks for again is a fifth more than it held or asked for, and no more than its limits let it hold, while it starts or then.
func TestAPodOfWhichAContainerWasKilledAsksForMoreAgain(t *testing.T) {
	const mi = int64(1) << 20
	container := func(limit string) corev1.Container {
		made := corev1.Container{Name: "c"}
		if limit != "" {
			made.Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(limit)}
		}
		return made
	}
	sidecar := func(limit string) corev1.Container {
		made := container(limit)
		made.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
		return made
	}
	killed := []corev1.ContainerStatus{{LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "OOMKilled"}}}}
	for _, test := range []struct {
		name          string
		init, regular []corev1.Container
		ofAll         string
		status        corev1.PodStatus
		held, want    int64 // MiB; it requests 1000
	}{
		{"none was", nil, []corev1.Container{container("")}, "", corev1.PodStatus{}, 1500, 0},
		{"without a limit", nil, []corev1.Container{container("")}, "", corev1.PodStatus{ContainerStatuses: killed}, 1500, 1800},
		{"it held less than it asked for", nil, []corev1.Container{container("")}, "", corev1.PodStatus{ContainerStatuses: killed}, 500, 1200},
		{"up to the limits of all", nil, []corev1.Container{container("600Mi"), container("500Mi")}, "", corev1.PodStatus{ContainerStatuses: killed}, 1050, 1100},
		{"with a sidecar's", []corev1.Container{sidecar("100Mi")}, []corev1.Container{container("1000Mi")}, "", corev1.PodStatus{ContainerStatuses: killed}, 1050, 1100},
		{"one of them without", []corev1.Container{sidecar("")}, []corev1.Container{container("1000Mi")}, "", corev1.PodStatus{ContainerStatuses: killed}, 1050, 1260},
		{"up to the pod's limit", nil, []corev1.Container{container("")}, "1100Mi", corev1.PodStatus{ContainerStatuses: killed}, 1050, 1100},
		{"what starts without a limit was not killed", []corev1.Container{container("")}, []corev1.Container{container("1100Mi")}, "", corev1.PodStatus{ContainerStatuses: killed}, 1050, 1100},
		{"while it starts: up to that container's limit, beside a sidecar", []corev1.Container{sidecar("100Mi"), container("2Gi")}, []corev1.Container{container("200Mi")}, "",
			corev1.PodStatus{InitContainerStatuses: killed}, 900, 1200},
		{"while it starts, at its limit", []corev1.Container{container("1100Mi")}, []corev1.Container{container("200Mi")}, "", corev1.PodStatus{InitContainerStatuses: killed}, 1050, 1100},
		{"while it starts, without a limit", []corev1.Container{container("")}, []corev1.Container{container("200Mi")}, "", corev1.PodStatus{InitContainerStatuses: killed}, 1050, 1260},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := &corev1.Pod{Spec: corev1.PodSpec{InitContainers: test.init, Containers: test.regular}, Status: test.status}
			if test.ofAll != "" {
				pod.Spec.Resources = &corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(test.ofAll)}}
			}
			if got := forecast.Raised(pod, forecast.Demand{RequestBytes: 1000 * mi}, test.held*mi) / mi; got != test.want {
				t.Errorf("it asks for %dMi again, want %dMi", got, test.want)
			}
		})
	}
}
