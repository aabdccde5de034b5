// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func resources(pairs ...string) corev1.ResourceList {
	list := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		list[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return list
}

func TestPrepareNodeAddsWhatIsMissingAndKeepsWhatIsThere(t *testing.T) {
	labels := func(hostname, arch string) map[string]string {
		return map[string]string{"kubernetes.io/hostname": hostname, "kubernetes.io/os": "linux", "kubernetes.io/arch": arch}
	}
	tests := []struct {
		name string
		node corev1.Node
		want corev1.Node
	}{
		{
			name: "a node with capacity only",
			node: corev1.Node{
				ObjectMeta: metav1.ObjectMeta{Name: "a"},
				Status:     corev1.NodeStatus{Capacity: resources("cpu", "4", "memory", "8Gi")},
			},
			want: corev1.Node{
				ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: labels("a", "amd64"), Annotations: map[string]string{
					"kwok.x-k8s.io/node": "fake", "metrics.k8s.io/resource-metrics-path": "/metrics/nodes/a/metrics/resource",
				}},
				Status: corev1.NodeStatus{
					Capacity:    resources("cpu", "4", "memory", "8Gi", "pods", "110"),
					Allocatable: resources("cpu", "4", "memory", "8Gi", "pods", "110"),
				},
			},
		},
		{
			name: "a node with everything",
			node: corev1.Node{
				ObjectMeta: metav1.ObjectMeta{Name: "b", Labels: labels("host-b", "arm64"), Annotations: map[string]string{
					"kwok.x-k8s.io/node": "b", "metrics.k8s.io/resource-metrics-path": "/m", SystemMemoryAnnotation: "1Gi",
				}},
				Status: corev1.NodeStatus{
					Capacity:    resources("cpu", "4", "memory", "8Gi", "pods", "20"),
					Allocatable: resources("cpu", "3", "memory", "7Gi", "pods", "10"),
				},
			},
			want: corev1.Node{
				ObjectMeta: metav1.ObjectMeta{Name: "b", Labels: labels("host-b", "arm64"), Annotations: map[string]string{
					"kwok.x-k8s.io/node": "b", "metrics.k8s.io/resource-metrics-path": "/m", SystemMemoryAnnotation: "1Gi",
				}},
				Status: corev1.NodeStatus{
					Capacity:    resources("cpu", "4", "memory", "8Gi", "pods", "20"),
					Allocatable: resources("cpu", "3", "memory", "7Gi", "pods", "10"),
				},
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := test.node.DeepCopy()
			got, err := prepareNode(&test.node)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&test.want, got); diff != "" {
				t.Errorf("node (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, &test.node); diff != "" {
				t.Errorf("the node passed in changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestPrepareNodeRefusesANodeThatKWOKWouldMakeUp(t *testing.T) {
	named := metav1.ObjectMeta{Name: "a"}
	tests := []struct {
		name, want string
		node       corev1.Node
	}{
		{name: "no name", want: "no name", node: corev1.Node{Status: corev1.NodeStatus{Capacity: resources("cpu", "4", "memory", "8Gi")}}},
		{name: "no capacity", want: "no cpu", node: corev1.Node{ObjectMeta: named}},
		{name: "no memory", want: "no memory", node: corev1.Node{ObjectMeta: named, Status: corev1.NodeStatus{Capacity: resources("cpu", "4")}}},
		{name: "memory of zero", want: "no memory", node: corev1.Node{ObjectMeta: named, Status: corev1.NodeStatus{Capacity: resources("cpu", "4", "memory", "0")}}},
		{
			name: "system memory that is no quantity", want: SystemMemoryAnnotation,
			node: corev1.Node{
				ObjectMeta: metav1.ObjectMeta{Name: "a", Annotations: map[string]string{SystemMemoryAnnotation: "much"}},
				Status:     corev1.NodeStatus{Capacity: resources("cpu", "4", "memory", "8Gi")},
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := prepareNode(&test.node)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one that contains %q", err, test.want)
			}
		})
	}
}
