// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// features are what tells pods apart for this plugin.
type features struct {
	namespace, owner, kind, template, image string
	request, limit, sidecar                 int64 // Mi
	filter, peak                            string
	priority                                int32
}

func drawFeatures(t *rapid.T, name string) features {
	text := func(what string, values ...string) string { return rapid.SampledFrom(values).Draw(t, name+" "+what) }
	return features{
		namespace: text("namespace", "default", "shop"),
		owner:     text("owner", "", "web", "api"),
		kind:      text("kind", "ReplicaSet", "DaemonSet"),
		template:  text("template", "", "abc"),
		image:     text("image", "web:1", "web:2"),
		request:   rapid.Int64Range(0, 2).Draw(t, name+" request"),
		limit:     rapid.Int64Range(0, 2).Draw(t, name+" limit"),
		sidecar:   rapid.Int64Range(0, 1).Draw(t, name+" sidecar"),
		filter:    text("filter", "", "Off", "Soft"),
		peak:      text("peak", "", "1Mi", "2Mi"),
		priority:  rapid.SampledFrom([]int32{0, 2_000_000_000}).Draw(t, name+" priority"),
	}
}

// with returns the features with one of those of another: what matters most must not hide what matters little.
func (f features) with(other features, which int) features {
	switch which {
	case 0:
		f.namespace = other.namespace
	case 1:
		f.owner = other.owner
	case 2:
		f.kind = other.kind
	case 3:
		f.template = other.template
	case 4:
		f.image = other.image
	case 5:
		f.request = other.request
	case 6:
		f.limit = other.limit
	case 7:
		f.sidecar = other.sidecar
	case 8:
		f.filter = other.filter
	case 9:
		f.peak = other.peak
	case 10:
		f.priority = other.priority
	}
	return f
}

func (f features) pod() *corev1.Pod {
	pod := newPod("p", f.request*mi)
	pod.Namespace, pod.Spec.Priority, pod.Spec.Containers[0].Image = f.namespace, &f.priority, f.image
	if f.limit > 0 {
		pod.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(f.limit*mi, resource.BinarySI)}
	}
	if f.sidecar > 0 {
		pod.Spec.InitContainers = []corev1.Container{{Name: "sidecar", RestartPolicy: new(corev1.ContainerRestartPolicyAlways)}}
	}
	if f.owner != "" {
		pod.OwnerReferences = []metav1.OwnerReference{{Kind: f.kind, Name: f.owner, Controller: new(true)}}
	}
	if f.template != "" {
		pod.Labels = map[string]string{"pod-template-hash": f.template}
	}
	pod.Annotations = map[string]string{}
	if f.filter != "" {
		pod.Annotations[FilterAnnotation] = f.filter
	}
	if f.peak != "" {
		pod.Annotations[forecast.PeakAnnotation] = f.peak
	}
	return pod
}

// A placement is worked out once for all pods of a signature: pods that verdict, score or what is learned could tell apart
// must not share one.
func TestPodsOfDifferentDemandNeverShareASignature(t *testing.T) {
	plugin := newFleet(nil).plugin
	plugin.modes.byQOSClass = map[corev1.PodQOSClass]config.FilterMode{corev1.PodQOSBestEffort: config.FilterSoft}
	rapid.Check(t, func(t *rapid.T) {
		first := drawFeatures(t, "first")
		second := first.with(drawFeatures(t, "second"), rapid.IntRange(0, 10).Draw(t, "what differs"))
		signature, status := plugin.SignPod(t.Context(), first.pod())
		other, otherStatus := plugin.SignPod(t.Context(), second.pod())
		if !status.IsSuccess() || !otherStatus.IsSuccess() {
			t.Fatal(status, otherStatus)
		}
		alike := func(f features) any {
			pod := f.pod()
			mode, err := plugin.modes.of(pod)
			if err != nil {
				t.Fatal(err)
			}
			return [3]any{plugin.estimator.Demand(pod), mode, forecast.WorkloadOf(pod)}
		}
		if same := alike(first) == alike(second); same != slices.Equal(signature, other) {
			t.Fatalf("alike: %v; signatures %v and %v", same, signature, other)
		}
		if first.namespace != second.namespace || first.owner != second.owner {
			if slices.Equal(signature, other) {
				t.Fatalf("pods of different owners share %v", signature)
			}
		}
		if first == second && !slices.Equal(signature, other) {
			t.Fatalf("equal pods: signatures %v and %v", signature, other)
		}
	})
}

func TestAPodThatCannotBeReadIsNotSigned(t *testing.T) {
	pod := newPod("p", mi)
	pod.Annotations = map[string]string{forecast.PeakAnnotation: "a lot"}
	if fragments, status := newFleet(nil).plugin.SignPod(t.Context(), pod); status.IsSuccess() || len(fragments) != 0 {
		t.Errorf("SignPod = %v, %v, want no signature", fragments, status)
	}
}
