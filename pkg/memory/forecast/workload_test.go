// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

func TestRunsOfACronJobAreOneWorkload(t *testing.T) {
	for _, test := range []struct{ kind, name, want string }{
		{"Job", "etl-29012340", "etl"},
		{"Job", "etl-nightly-29012340", "etl-nightly"},
		{"Job", "migrate", "migrate"},
		{"Job", "migrate-2", "migrate-2"},
		{"Job", "etl-2901234a", "etl-2901234a"},
		{"Job", "-29012340", "-29012340"},
		{"StatefulSet", "db-29012340", "db-29012340"},
	} {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{{Kind: test.kind, Name: test.name, Controller: new(true)}}}}
		if got := forecast.WorkloadOf(pod).Owner; got != test.want {
			t.Errorf("%s %s: the workload's owner is %q, want %q", test.kind, test.name, got, test.want)
		}
	}
}

func TestPodsOfOneTemplateAreOneWorkload(t *testing.T) {
	pod := func(change func(*corev1.Pod)) *corev1.Pod {
		made := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "web-1", Labels: map[string]string{"app": "web", "pod-template-hash": "abc"},
			OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "web-abc", Controller: new(true)}},
		}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:1"}}}}
		change(made)
		return made
	}
	first := forecast.WorkloadOf(pod(func(*corev1.Pod) {}))
	for _, test := range []struct {
		name   string
		change func(*corev1.Pod)
		same   bool
	}{
		{"a replica", func(p *corev1.Pod) { p.Name = "web-2" }, true},
		{"another label", func(p *corev1.Pod) { p.Labels["app"] = "shop" }, true},
		{"another namespace", func(p *corev1.Pod) { p.Namespace = "other" }, false},
		{"another owner", func(p *corev1.Pod) { p.OwnerReferences[0].Name = "web-abd" }, false},
		{"an owner of another kind", func(p *corev1.Pod) { p.OwnerReferences[0].Kind = "StatefulSet" }, false},
		{"another revision", func(p *corev1.Pod) { p.Labels["pod-template-hash"] = "abd" }, false},
		{"an owner that is no controller", func(p *corev1.Pod) { p.OwnerReferences[0].Controller = nil }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := forecast.WorkloadOf(pod(test.change)) == first; got != test.same {
				t.Errorf("the same workload: %v, want %v", got, test.same)
			}
		})
	}
	bare := func(image string) *corev1.Pod {
		return pod(func(p *corev1.Pod) {
			p.Labels, p.OwnerReferences, p.Spec.Containers[0].Image = nil, nil, image
		})
	}
	one, replica, other := forecast.WorkloadOf(bare("web:1")), forecast.WorkloadOf(bare("web:1")), forecast.WorkloadOf(bare("web:2"))
	if one != replica || one == other {
		t.Error("pods without an owner: want those with the same containers to be one workload, and others not")
	}
}
