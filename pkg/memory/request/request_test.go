// SPDX-License-Identifier: Apache-2.0

package request_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"

	"github.com/headroom-dev/headroom/pkg/memory/request"
)

// asking are containers that request what the texts say; "" requests nothing.
func asking(texts ...string) []corev1.Container {
	containers := make([]corev1.Container, len(texts))
	for i, text := range texts {
		if text != "" {
			containers[i].Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(text), corev1.ResourceCPU: resource.MustParse("1")}
		}
	}
	return containers
}

func TestAPlainPodRequestsWhatItsContainersDo(t *testing.T) {
	requests := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")}
	for _, test := range []struct {
		name  string
		spec  corev1.PodSpec
		plain bool
		want  int64
	}{
		{"no container asks", corev1.PodSpec{Containers: asking("", "")}, true, 0},
		{"some ask", corev1.PodSpec{Containers: asking("100Mi", "", "50Mi")}, true, 150 << 20},
		{"parts of a byte add up", corev1.PodSpec{Containers: asking("400m", "400m")}, true, 1},
		{"init containers", corev1.PodSpec{InitContainers: asking("1Gi"), Containers: asking("100Mi")}, false, 0},
		{"a request of the pod's own", corev1.PodSpec{Resources: &corev1.ResourceRequirements{Requests: requests}, Containers: asking("100Mi")}, false, 0},
		{"overhead", corev1.PodSpec{Overhead: requests, Containers: asking("100Mi")}, false, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, plain := request.OfPlain(&test.spec)
			if plain != test.plain || got.Value() != test.want {
				t.Errorf("%s, plain: %t; want %d, %t", got.String(), plain, test.want, test.plain)
			}
			whole := resourcehelper.PodRequests(&corev1.Pod{Spec: test.spec}, resourcehelper.PodResourcesOptions{})
			if plain && got.Value() != whole.Memory().Value() {
				t.Errorf("%d bytes; as the scheduler counts them %d", got.Value(), whole.Memory().Value())
			}
		})
	}
}

func TestItAllocatesNothing(t *testing.T) {
	spec := corev1.PodSpec{Containers: asking("100Mi", "50Mi")}
	if got := testing.AllocsPerRun(100, func() { request.OfPlain(&spec) }); got != 0 {
		t.Errorf("%v allocations, want none", got)
	}
}
