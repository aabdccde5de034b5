// SPDX-License-Identifier: Apache-2.0

package eviction_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/memory/eviction"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

const (
	requests = 100 // Mi of each container of apiPod
	limits   = 300
)

func memory(mebibytes int64) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(mebibytes*mi, resource.BinarySI)}
}

func container(name string, request, limit int64) corev1.Container {
	container := corev1.Container{Name: name}
	if request > 0 {
		container.Resources.Requests = memory(request)
	}
	if limit > 0 {
		container.Resources.Limits = memory(limit)
	}
	return container
}

func sidecar(name string, request, limit int64) corev1.Container {
	container, always := container(name, request, limit), corev1.ContainerRestartPolicyAlways
	container.RestartPolicy = &always
	return container
}

// apiPod has one container, main, that runs.
func apiPod(changes ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "d", Name: "p", Annotations: map[string]string{}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{container("main", requests, limits)}},
		Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{
			{Name: "main", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}},
		}},
	}
	for _, change := range changes {
		change(pod)
	}
	return pod
}

func podLevel(request, limit int64) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.Resources = &corev1.ResourceRequirements{Requests: memory(request), Limits: memory(limit)}
	}
}

func annotation(key, value string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Annotations[key] = value }
}

func TestPodOf(t *testing.T) {
	measured := sample.Measurement{Bytes: 150 * mi, Time: time.Unix(1, 0)}
	want := func(changes ...func(*eviction.Pod)) eviction.Pod {
		pod := eviction.Pod{Namespace: "d", Name: "p", Measured: true, UsageBytes: 150 * mi, RequestBytes: requests * mi}
		for _, change := range changes {
			change(&pod)
		}
		return pod
	}
	request := func(mebibytes int64) func(*eviction.Pod) {
		return func(pod *eviction.Pod) { pod.RequestBytes = mebibytes * mi }
	}
	isStatic := func(pod *eviction.Pod) { pod.Static = true }
	noStatistics := func(pod *eviction.Pod) { pod.Measured, pod.UsageBytes = false, 0 }
	for _, test := range []struct {
		name     string
		pod      *corev1.Pod
		measured sample.Measurement
		want     eviction.Pod
	}{
		{"plain", apiPod(), measured, want()},
		{"priority", apiPod(func(pod *corev1.Pod) { pod.Spec.Priority = new(int32); *pod.Spec.Priority = -7 }), measured,
			want(func(pod *eviction.Pod) { pod.Priority = -7 })},
		{"a mirror of a static pod", apiPod(annotation("kubernetes.io/config.mirror", "x")), measured, want(isStatic)},
		{"a static pod", apiPod(annotation("kubernetes.io/config.source", "file")), measured, want(isStatic)},
		{"from the API server", apiPod(annotation("kubernetes.io/config.source", "api")), measured, want()},
		{"runs and was not measured: taken for its request", apiPod(), sample.Measurement{},
			want(func(pod *eviction.Pod) { pod.Guessed, pod.UsageBytes = true, requests*mi })},
		{"starts", apiPod(func(pod *corev1.Pod) { pod.Status.ContainerStatuses = nil }), sample.Measurement{}, want(noStatistics)},
		{"waits to be started again: no statistics, whatever was measured", apiPod(func(pod *corev1.Pod) {
			pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}
		}), measured, want(noStatistics)},
		{"an init container runs", apiPod(func(pod *corev1.Pod) {
			pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses = pod.Status.ContainerStatuses, nil
		}), measured, want()},
		{"sidecars are added", apiPod(func(pod *corev1.Pod) {
			pod.Spec.InitContainers = []corev1.Container{sidecar("s", 30, 0), container("i", 50, 0)}
		}), measured, want(request(130))},
		{"an init container that is larger", apiPod(func(pod *corev1.Pod) {
			pod.Spec.InitContainers = []corev1.Container{sidecar("s", 30, 0), container("i", 500, 0)}
		}), measured, want(request(530))},
		{"overhead", apiPod(func(pod *corev1.Pod) { pod.Spec.Overhead = memory(20) }), measured, want(request(120))},
		{"overhead of a pod that requests nothing does not count", apiPod(func(pod *corev1.Pod) {
			pod.Spec.Overhead = memory(20)
			pod.Spec.Containers[0].Resources = corev1.ResourceRequirements{}
		}), measured, want(request(0))},
		{"a pod-level request in place of the containers'", apiPod(podLevel(400, 900)), measured, want(request(400))},
		{"pod-level resources without memory: the containers' do not count", apiPod(func(pod *corev1.Pod) {
			pod.Spec.Resources = &corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}}
			pod.Status.AllocatedResources = memory(100)
		}), measured, want(request(0))},
		{"a resize that is pending: what is allocated", apiPod(func(pod *corev1.Pod) {
			pod.Status.ContainerStatuses[0].AllocatedResources = memory(60)
		}), measured, want(request(60))},
		{"a pod-level resize that is pending: what is allocated, overhead once", apiPod(podLevel(400, 900), func(pod *corev1.Pod) {
			pod.Spec.Overhead = memory(20)
			pod.Status.AllocatedResources = memory(370)
		}), measured, want(request(370))},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := test.pod.DeepCopy()
			if diff := cmp.Diff(test.want, eviction.PodOf(test.pod, test.measured)); diff != "" {
				t.Errorf("pod (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, test.pod); diff != "" {
				t.Errorf("the pod that was passed in changed:\n%s", diff)
			}
		})
	}
}
