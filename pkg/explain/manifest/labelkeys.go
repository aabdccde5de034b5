// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mergeLabelKeys writes what matchLabelKeys and mismatchLabelKeys ask for into the selectors of pod affinity and of spread constraints, as
// the API server does when a pod is made, before it looks for keys that are there twice
// (k8s.io/kubernetes pkg/registry/core/pod/strategy.go, mutatePodAffinity and mutateTopologySpreadConstraints).
func mergeLabelKeys(pod *corev1.Pod) {
	spread := slices.Clone(pod.Spec.TopologySpreadConstraints) // which may be a template's
	for i := range spread {
		spread[i].LabelSelector = spread[i].LabelSelector.DeepCopy()
		mergeLabels(spread[i].LabelSelector, spread[i].MatchLabelKeys, metav1.LabelSelectorOpIn, pod.Labels)
	}
	pod.Spec.TopologySpreadConstraints = spread
	if pod.Spec.Affinity == nil {
		return
	}
	affinity := pod.Spec.Affinity.DeepCopy()
	var terms []*corev1.PodAffinityTerm
	if with := affinity.PodAffinity; with != nil {
		terms = append(terms, termsOf(with.RequiredDuringSchedulingIgnoredDuringExecution, with.PreferredDuringSchedulingIgnoredDuringExecution)...)
	}
	if against := affinity.PodAntiAffinity; against != nil {
		terms = append(terms, termsOf(against.RequiredDuringSchedulingIgnoredDuringExecution, against.PreferredDuringSchedulingIgnoredDuringExecution)...)
	}
	for _, term := range terms {
		mergeLabels(term.LabelSelector, term.MatchLabelKeys, metav1.LabelSelectorOpIn, pod.Labels)
		mergeLabels(term.LabelSelector, term.MismatchLabelKeys, metav1.LabelSelectorOpNotIn, pod.Labels)
	}
	pod.Spec.Affinity = affinity
}

func termsOf(required []corev1.PodAffinityTerm, preferred []corev1.WeightedPodAffinityTerm) []*corev1.PodAffinityTerm {
	terms := make([]*corev1.PodAffinityTerm, 0, len(required)+len(preferred))
	for i := range required {
		terms = append(terms, &required[i])
	}
	for i := range preferred {
		terms = append(terms, &preferred[i].PodAffinityTerm)
	}
	return terms
}

// mergeLabels asks of other pods what the pod itself has under the keys, once: a file of a pod that was made has it already. No selector
// matches nothing, and stays.
func mergeLabels(into *metav1.LabelSelector, keys []string, operator metav1.LabelSelectorOperator, own map[string]string) {
	if into == nil {
		return
	}
	for _, key := range keys {
		value, has := own[key]
		if !has || slices.ContainsFunc(into.MatchExpressions, func(there metav1.LabelSelectorRequirement) bool {
			return there.Key == key && there.Operator == operator && slices.Equal(there.Values, []string{value})
		}) {
			continue
		}
		into.MatchExpressions = append(into.MatchExpressions, metav1.LabelSelectorRequirement{Key: key, Operator: operator, Values: []string{value}})
	}
}
