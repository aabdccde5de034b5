// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// guarded adds a node of its own zone, full of pods of which a budget lets one go, and one of which nobody measured.
func guarded(s *shop) {
	s.node("small-1", "4Gi", map[string]string{"zone": "d"})
	for i := range 5 {
		s.running("small-1", "900Mi", pod(fmt.Sprint("guarded-", i), "1Gi", func(pod *corev1.Pod) {
			pod.Labels, pod.Spec.Priority = map[string]string{"app": "guarded"}, new(int32(-i))
		}))
	}
	delete(s.samples.Pods, types.NamespacedName{Namespace: "default", Name: "guarded-3"})
	s.objects = append(s.objects, &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "guarded"},
		Spec:       policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "guarded"}}},
		Status:     policyv1.PodDisruptionBudgetStatus{DisruptionsAllowed: 1},
	})
}

// Programs read it as docs/explain-output.md describes it: also what decides before nodes, copies, and whom preemption would end.
func TestExplainPrintsJSON(t *testing.T) {
	for _, test := range []struct {
		name      string
		pod       *corev1.Pod
		shop      func(*shop)
		arguments []string
		formats   []string
	}{
		{"explain-fits", pod("asked", "1Gi", limited("3Gi"), requiring(in("zone", "a", "b"))), nil, nil, []string{outputJSON, outputYAML}},
		{"explain-none", pod("asked", "1Gi", requiring(in("zone", "d"))), nil, nil, []string{outputJSON, outputYAML}},
		{"explain-first", pod("asked", "1Gi", requiring(in(corev1.LabelHostname, "web-1"), in("zone", "c")), func(pod *corev1.Pod) {
			pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/quota"}}
			pod.Status.NominatedNodeName = "web-3"
		}), nil, nil, []string{outputJSON}},
		{"explain-replicas", pod("asked", "2Gi", requiring(in("zone", "a", "b"))), nil, []string{"--replicas", "9"}, []string{outputJSON}},
		{"explain-preempts", pod("asked", "6000Mi", func(pod *corev1.Pod) { pod.Spec.Priority = new(int32(100)) }, requiring(in("zone", "d"))), guarded, nil, []string{outputJSON}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newShop()
			if test.shop != nil {
				test.shop(s)
			}
			s.objects = append(s.objects, test.pod)
			for _, format := range test.formats {
				stdout, stderr, _ := s.run(t, append([]string{"explain", "asked", "-o", format}, test.arguments...)...)
				if stderr != "" {
					t.Errorf("on standard error: %s", stderr)
				}
				wantGolden(t, test.name+"."+format, stdout)
			}
		})
	}
}
