// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// claiming gives a pod a resource claim that was made from a template under this name.
func claiming(name string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimTemplateName: new("gpu")}}
		pod.Status.ResourceClaimStatuses = []corev1.PodResourceClaimStatus{{Name: "gpu", ResourceClaimName: &name}}
	}
}

// claimOf is the claim of a pod, allocated.
func claimOf(pod *corev1.Pod, name string) runtime.Object {
	return &resourcev1.ResourceClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: name, UID: "claim", OwnerReferences: []metav1.OwnerReference{
			{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID, Controller: new(true)},
		}},
		Status: resourcev1.ResourceClaimStatus{Allocation: &resourcev1.AllocationResult{}},
	}
}

func TestAPodIsJudgedWithTheClaimsThatWereMadeForIt(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*corev1.Pod)
		want   string
	}{
		{"one that is pending", func(*corev1.Pod) {}, "goes to node a, the best of 2 feasible among 2 nodes"},
		{"one that has a node", placedOn("a"), "is on node a, and would go there again"},
		{"one that has ended", func(pod *corev1.Pod) { pod.Spec.NodeName, pod.Status.Phase = "a", corev1.PodSucceeded }, "was on node a, and would go there again"},
		{"one whose claim is not there yet", func(pod *corev1.Pod) { pod.Status.ResourceClaimStatuses = nil }, "fits none of 2 nodes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := pending("web", "1Gi", claiming("web-gpu"), test.change)
			placement, err := openAs(t, shipped(t), func(*corev1.Node) {}, pod, claimOf(pod, "web-gpu")).Explain(t.Context(), pod, 0)
			if err != nil {
				t.Fatal(err)
			}
			if placement.Verdict != test.want {
				t.Errorf("verdict %q, want %q; causes %+v", placement.Verdict, test.want, placement.Causes)
			}
		})
	}
}
