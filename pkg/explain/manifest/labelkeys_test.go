// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"strings"
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

// What is asked for twice is merged as the API server does it, and refused where it does.
func TestLabelKeysBesideTheSameKeysInTheSelector(t *testing.T) {
	const (
		affinity = "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone, %}]}}"
		spread   = "topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, %}]"
	)
	is := func(operator metav1.LabelSelectorOperator, value string) metav1.LabelSelectorRequirement {
		return metav1.LabelSelectorRequirement{Key: "tenant", Operator: operator, Values: []string{value}}
	}
	for _, test := range []struct {
		name, where, terms string
		want               []metav1.LabelSelectorRequirement // nil: it is refused
	}{
		{"other pods than those of the own tenant, and of another", affinity,
			"labelSelector: {matchExpressions: [{key: tenant, operator: NotIn, values: [c]}]}, mismatchLabelKeys: [tenant]",
			[]metav1.LabelSelectorRequirement{is(metav1.LabelSelectorOpNotIn, "c"), is(metav1.LabelSelectorOpNotIn, "a")}},
		{"a file of a pod that was made", affinity,
			"labelSelector: {matchExpressions: [{key: tenant, operator: In, values: [a]}]}, matchLabelKeys: [tenant]",
			[]metav1.LabelSelectorRequirement{is(metav1.LabelSelectorOpIn, "a")}},
		{"the own tenant's pods, and another's", affinity, "labelSelector: {matchExpressions: [{key: tenant, operator: In, values: [c]}]}, matchLabelKeys: [tenant]", nil},
		{"spread over zones with the own tenant's", spread, "labelSelector: {}, matchLabelKeys: [tenant]", []metav1.LabelSelectorRequirement{is(metav1.LabelSelectorOpIn, "a")}},
		{"spread, and said twice", spread, "labelSelector: {matchLabels: {tenant: a}}, matchLabelKeys: [tenant]", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, err := manifest.Read([]byte("apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {tenant: a}}\nspec:\n  containers: [{name: main}]\n  "+
				strings.ReplaceAll(test.where, "%", test.terms)), "default")
			if test.want == nil {
				if err == nil || !strings.Contains(err.Error(), "exists in both matchLabelKeys and labelSelector") {
					t.Fatalf("error %v, want one of a key that is there twice", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got *metav1.LabelSelector
			if test.where == spread {
				got = found.Pod.Spec.TopologySpreadConstraints[0].LabelSelector
			} else {
				got = found.Pod.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0].LabelSelector
			}
			if diff := cmp.Diff(&metav1.LabelSelector{MatchExpressions: test.want}, got); diff != "" {
				t.Errorf("selector (-want +got):\n%s", diff)
			}
		})
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
