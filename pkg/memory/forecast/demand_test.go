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
	killed := corev1.ContainerStatus{LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "OOMKilled"}}}
	scratch := func(size string) []corev1.Volume {
		volume := corev1.Volume{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}}}
		if size != "" {
			volume.EmptyDir.SizeLimit = new(resource.MustParse(size))
		}
		return []corev1.Volume{volume}
	}
	mounting := func(container corev1.Container) []corev1.Container {
		container.VolumeMounts = []corev1.VolumeMount{{Name: "scratch", MountPath: "/scratch"}}
		return []corev1.Container{container}
	}
	for _, test := range []struct {
		name   string
		spec   corev1.PodSpec
		status corev1.PodStatus
		want   forecast.Demand
	}{
		{"request and limit: between them", corev1.PodSpec{Containers: []corev1.Container{container("100Mi", "300Mi")}}, corev1.PodStatus{},
			forecast.Demand{RequestBytes: 100 * mi, FirmBytes: 100 * mi, PeakBytes: 200 * mi, PeakSource: forecast.SourceLimit}},
		{"request equals limit", corev1.PodSpec{Containers: []corev1.Container{container("300Mi", "300Mi")}}, corev1.PodStatus{},
			forecast.Demand{RequestBytes: 300 * mi, FirmBytes: 300 * mi, PeakBytes: 300 * mi, PeakSource: forecast.SourceLimit}},
		{"request only", corev1.PodSpec{Containers: []corev1.Container{container("100Mi", "")}}, corev1.PodStatus{},
			forecast.Demand{RequestBytes: 100 * mi, FirmBytes: 100 * mi, PeakBytes: 100 * mi, PeakSource: forecast.SourceRequest}},
		{"neither", corev1.PodSpec{Containers: []corev1.Container{container("", "")}}, corev1.PodStatus{},
			forecast.Demand{PeakBytes: 200 * mi, PeakSource: forecast.SourceDefault}},
		{"a limit of zero is none", corev1.PodSpec{Containers: []corev1.Container{container("", "0")}}, corev1.PodStatus{},
			forecast.Demand{PeakBytes: 200 * mi, PeakSource: forecast.SourceDefault}},
		{"one that was OOM-killed with a limit of zero wants a fifth more than it was thought to", corev1.PodSpec{Containers: []corev1.Container{container("500Mi", "0")}},
			corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{killed}},
			forecast.Demand{RequestBytes: 500 * mi, FirmBytes: 500 * mi, PeakBytes: 600 * mi, PeakSource: forecast.SourceOOMKilled}},
		{"a memory-backed volume of a container with a limit of zero is added",
			corev1.PodSpec{Volumes: scratch("1Gi"), Containers: mounting(container("100Mi", "0"))}, corev1.PodStatus{},
			forecast.Demand{RequestBytes: 100 * mi, FirmBytes: 100 * mi, PeakBytes: 1124 * mi, PeakSource: forecast.SourceRequest}},
		{"containers add up; the weakest source names the sum", corev1.PodSpec{Containers: []corev1.Container{container("100Mi", "300Mi"), container("", "")}}, corev1.PodStatus{},
			forecast.Demand{RequestBytes: 100 * mi, FirmBytes: 100 * mi, PeakBytes: 400 * mi, PeakSource: forecast.SourceDefault}},
		{"a large init container sets the peak", corev1.PodSpec{
			InitContainers: []corev1.Container{container("900Mi", "900Mi")}, Containers: []corev1.Container{container("100Mi", "100Mi")}}, corev1.PodStatus{},
			forecast.Demand{RequestBytes: 900 * mi, FirmBytes: 900 * mi, PeakBytes: 900 * mi, PeakSource: forecast.SourceLimit}},
		{"sidecars count with the containers", corev1.PodSpec{
			InitContainers: []corev1.Container{sidecar("50Mi", "50Mi"), container("60Mi", "60Mi")}, Containers: []corev1.Container{container("100Mi", "100Mi")}}, corev1.PodStatus{},
			forecast.Demand{RequestBytes: 150 * mi, FirmBytes: 150 * mi, PeakBytes: 150 * mi, PeakSource: forecast.SourceLimit}},
		{"overhead is added", corev1.PodSpec{Overhead: memory("10Mi"), Containers: []corev1.Container{container("100Mi", "100Mi")}}, corev1.PodStatus{},
			forecast.Demand{RequestBytes: 110 * mi, FirmBytes: 110 * mi, PeakBytes: 110 * mi, PeakSource: forecast.SourceLimit}},
		{"a pod-level limit bounds the peak", corev1.PodSpec{
			Resources:  &corev1.ResourceRequirements{Requests: memory("100Mi"), Limits: memory("250Mi")},
			Containers: []corev1.Container{container("", ""), container("", "")}}, corev1.PodStatus{},
			forecast.Demand{RequestBytes: 100 * mi, FirmBytes: 100 * mi, PeakBytes: 250 * mi, PeakSource: forecast.SourceDefault}},
		{"a container that was OOM-killed wants its limit", corev1.PodSpec{Containers: []corev1.Container{container("100Mi", "300Mi")}},
			corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{killed}},
			forecast.Demand{RequestBytes: 100 * mi, FirmBytes: 100 * mi, PeakBytes: 300 * mi, PeakSource: forecast.SourceOOMKilled}},
		{"one without a limit wants a fifth more than it was thought to", corev1.PodSpec{Containers: []corev1.Container{container("500Mi", "")}},
			corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{killed}},
			forecast.Demand{RequestBytes: 500 * mi, FirmBytes: 500 * mi, PeakBytes: 600 * mi, PeakSource: forecast.SourceOOMKilled}},
		{"one without a limit in a pod that has one wants that",
			corev1.PodSpec{Resources: &corev1.ResourceRequirements{Requests: memory("100Mi"), Limits: memory("4Gi")}, Containers: []corev1.Container{container("", ""), container("", "")}},
			corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{killed}},
			forecast.Demand{RequestBytes: 100 * mi, FirmBytes: 100 * mi, PeakBytes: 4096 * mi, PeakSource: forecast.SourceOOMKilled}},
		{"a memory-backed volume is charged to its container, whose limit bounds it",
			corev1.PodSpec{Volumes: scratch("1Gi"), Containers: mounting(container("100Mi", "300Mi"))}, corev1.PodStatus{},
			forecast.Demand{RequestBytes: 100 * mi, FirmBytes: 100 * mi, PeakBytes: 200 * mi, PeakSource: forecast.SourceLimit}},
		{"without that limit its own is added",
			corev1.PodSpec{Volumes: scratch("1Gi"), Containers: mounting(container("100Mi", ""))}, corev1.PodStatus{},
			forecast.Demand{RequestBytes: 100 * mi, FirmBytes: 100 * mi, PeakBytes: 1124 * mi, PeakSource: forecast.SourceRequest}},
		{"without any limit nothing is known of it",
			corev1.PodSpec{Volumes: scratch(""), Containers: mounting(container("100Mi", ""))}, corev1.PodStatus{},
			forecast.Demand{RequestBytes: 100 * mi, FirmBytes: 100 * mi, PeakBytes: 100 * mi, PeakSource: forecast.SourceRequest}},
		{"resized in place, admitted and not in force yet: the larger of the two",
			corev1.PodSpec{NodeName: "n1", Containers: []corev1.Container{container("100Mi", "100Mi")}},
			corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
				AllocatedResources: memory("100Mi"), Resources: &corev1.ResourceRequirements{Requests: memory("400Mi"), Limits: memory("400Mi")}}}},
			forecast.Demand{RequestBytes: 400 * mi, FirmBytes: 400 * mi, PeakBytes: 400 * mi, PeakSource: forecast.SourceLimit}},
	} {
		test.want.FirmSource = forecast.SourceRequest // Nothing else is firm of a pod that declares nothing.
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, prior.Demand(&corev1.Pod{Spec: test.spec, Status: test.status})); diff != "" {
				t.Errorf("demand (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPodMayDeclareItsPeak(t *testing.T) {
	prior := forecast.Prior{LimitPercent: 50, DefaultContainerBytes: 200 * mi}
	undeclared := forecast.Demand{RequestBytes: 100 * mi, FirmBytes: 100 * mi, FirmSource: forecast.SourceRequest, PeakBytes: 200 * mi, PeakSource: forecast.SourceLimit}
	for _, test := range []struct {
		name, annotation string
		want             forecast.Demand
		wantError        bool
	}{
		{"more than it requests", "250Mi", forecast.Demand{RequestBytes: 100 * mi, FirmBytes: 250 * mi, FirmSource: forecast.SourceDeclared, PeakBytes: 250 * mi, PeakSource: forecast.SourceDeclared}, false},
		{"less than it requests", "50Mi", forecast.Demand{RequestBytes: 100 * mi, FirmBytes: 50 * mi, FirmSource: forecast.SourceDeclared, PeakBytes: 50 * mi, PeakSource: forecast.SourceDeclared}, false},
		{"no quantity", "a lot", undeclared, true},
		{"nothing", "0", undeclared, true},
		{"negative", "-1Gi", undeclared, true},
		{"empty", "", undeclared, true},
		{"what takes minutes to read", "1e9999999", undeclared, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{container("100Mi", "300Mi")}}}
			pod.Annotations = map[string]string{forecast.PeakAnnotation: test.annotation}
			if diff := cmp.Diff(test.want, prior.Demand(pod)); diff != "" {
				t.Errorf("demand (-want +got):\n%s", diff)
			}
			if _, _, err := forecast.DeclaredPeak(pod); (err != nil) != test.wantError {
				t.Errorf("DeclaredPeak: error %v, want one: %v", err, test.wantError)
			}
		})
	}
}

// Nobody compares a limit with what nodes have.
func TestNoLimitIsTooLargeToAddUp(t *testing.T) {
	prior := forecast.Prior{LimitPercent: 50, DefaultContainerBytes: 200 * mi}
	huge := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{container("100Mi", "9E"), container("1000000E", "1000000E")}}}
	got := prior.Demand(huge)
	if sum := got.PeakBytes * 1000; got.PeakBytes <= 0 || sum/1000 != got.PeakBytes || got.RequestBytes <= 0 {
		t.Errorf("demand = %+v, which a node with a thousand such pods cannot add up", got)
	}
}

func FuzzDeclaredPeak(f *testing.F) {
	for _, seed := range []string{"1Gi", "-1", "1e30", "0.5", "", "1.5Mi", "Mi"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pod := &corev1.Pod{}
		pod.Annotations = map[string]string{forecast.PeakAnnotation: text}
		bytes, declared, err := forecast.DeclaredPeak(pod)
		if declared == (err != nil) {
			t.Fatalf("declared %v, error %v: want one of the two", declared, err)
		}
		if declared && bytes <= 0 {
			t.Fatalf("declared %d bytes", bytes)
		}
	})
}
