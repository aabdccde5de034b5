// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

const mi = int64(1) << 20

func memory(text string) corev1.ResourceList {
	if text == "" {
		return nil
	}
	return corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(text)}
}

func container(request, limit string) corev1.Container {
	return corev1.Container{Resources: corev1.ResourceRequirements{Requests: memory(request), Limits: memory(limit)}}
}

func sidecar(request, limit string) corev1.Container {
	made := container(request, limit)
	made.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
	return made
}

func TestDemand(t *testing.T) {
	prior := forecast.Prior{LimitPercent: 50, DefaultContainerBytes: 200 * mi}
	for _, test := range []struct {
		name string
		spec corev1.PodSpec
		want forecast.Demand
	}{
		{"request and limit: between them", corev1.PodSpec{Containers: []corev1.Container{container("100Mi", "300Mi")}},
			forecast.Demand{RequestBytes: 100 * mi, PeakBytes: 200 * mi, PeakSource: forecast.SourceLimit}},
		{"request equals limit", corev1.PodSpec{Containers: []corev1.Container{container("300Mi", "300Mi")}},
			forecast.Demand{RequestBytes: 300 * mi, PeakBytes: 300 * mi, PeakSource: forecast.SourceLimit}},
		{"request only", corev1.PodSpec{Containers: []corev1.Container{container("100Mi", "")}},
			forecast.Demand{RequestBytes: 100 * mi, PeakBytes: 100 * mi, PeakSource: forecast.SourceRequest}},
		{"neither", corev1.PodSpec{Containers: []corev1.Container{container("", "")}},
			forecast.Demand{PeakBytes: 200 * mi, PeakSource: forecast.SourceDefault}},
		{"containers add up; the weakest source names the sum", corev1.PodSpec{Containers: []corev1.Container{container("100Mi", "300Mi"), container("", "")}},
			forecast.Demand{RequestBytes: 100 * mi, PeakBytes: 400 * mi, PeakSource: forecast.SourceDefault}},
		{"a large init container sets the peak", corev1.PodSpec{
			InitContainers: []corev1.Container{container("900Mi", "900Mi")}, Containers: []corev1.Container{container("100Mi", "100Mi")}},
			forecast.Demand{RequestBytes: 900 * mi, PeakBytes: 900 * mi, PeakSource: forecast.SourceLimit}},
		{"sidecars count with the containers", corev1.PodSpec{
			InitContainers: []corev1.Container{sidecar("50Mi", "50Mi"), container("60Mi", "60Mi")}, Containers: []corev1.Container{container("100Mi", "100Mi")}},
			forecast.Demand{RequestBytes: 150 * mi, PeakBytes: 150 * mi, PeakSource: forecast.SourceLimit}},
		{"overhead is added", corev1.PodSpec{Overhead: memory("10Mi"), Containers: []corev1.Container{container("100Mi", "100Mi")}},
			forecast.Demand{RequestBytes: 110 * mi, PeakBytes: 110 * mi, PeakSource: forecast.SourceLimit}},
		{"a pod-level limit bounds the peak", corev1.PodSpec{
			Resources:  &corev1.ResourceRequirements{Requests: memory("100Mi"), Limits: memory("250Mi")},
			Containers: []corev1.Container{container("", ""), container("", "")}},
			forecast.Demand{RequestBytes: 100 * mi, PeakBytes: 250 * mi, PeakSource: forecast.SourceDefault}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, prior.Demand(&corev1.Pod{Spec: test.spec})); diff != "" {
				t.Errorf("demand (-want +got):\n%s", diff)
			}
		})
	}
}
