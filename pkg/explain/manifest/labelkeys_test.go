// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/explain/manifest"
)

const rollingApart = `
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web, revision: "2", tenant: a}}
spec:
  containers: [{name: main}]
  affinity:
    podAntiAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
      - {topologyKey: zone, labelSelector: {matchLabels: {app: web}}, matchLabelKeys: [revision, absent]}
      - {topologyKey: rack}
    podAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 1
        podAffinityTerm: {topologyKey: zone, labelSelector: {}, mismatchLabelKeys: [tenant]}
`

// No scheduler reads these keys of pod affinity: it goes by the selector that the API server makes of them.
func TestLabelKeysAreMergedIntoTheSelectorsOfPodAffinity(t *testing.T) {
	found, err := manifest.Read([]byte(rollingApart), "default")
	if err != nil {
		t.Fatal(err)
	}
	affinity := found.Pod.Spec.Affinity
	apart := affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	got := []*metav1.LabelSelector{
		apart[0].LabelSelector, apart[1].LabelSelector,
		affinity.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution[0].PodAffinityTerm.LabelSelector,
	}
	asks := func(key string, operator metav1.LabelSelectorOperator, value string) []metav1.LabelSelectorRequirement {
		return []metav1.LabelSelectorRequirement{{Key: key, Operator: operator, Values: []string{value}}}
	}
	want := []*metav1.LabelSelector{
		{MatchLabels: map[string]string{"app": "web"}, MatchExpressions: asks("revision", metav1.LabelSelectorOpIn, "2")},
		nil,
		{MatchExpressions: asks("tenant", metav1.LabelSelectorOpNotIn, "a")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("selectors (-want +got):\n%s", diff)
	}
}

// A Deployment's rollout is kept apart from itself alone, though its template names no revision.
func TestARolloutIsNotKeptApartFromTheRevisionBefore(t *testing.T) {
	found, err := manifest.Read([]byte(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: main}]
      affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone, labelSelector: {matchLabels: {app: web}}, matchLabelKeys: [pod-template-hash]}]}}
`), "default")
	if err != nil {
		t.Fatal(err)
	}
	hash := found.Pod.Labels["pod-template-hash"]
	term := func(pod *corev1.Pod) corev1.PodAffinityTerm {
		return pod.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0]
	}
	want := []metav1.LabelSelectorRequirement{{Key: "pod-template-hash", Operator: metav1.LabelSelectorOpIn, Values: []string{hash}}}
	if diff := cmp.Diff(want, term(found.Pod).LabelSelector.MatchExpressions); hash == "" || diff != "" {
		t.Errorf("revision %q (-want +got):\n%s", hash, diff)
	}
}
