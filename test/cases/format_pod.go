// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

func podText(pod *corev1.Pod) string {
	words := []string{"pod", pod.Name}
	if Existing(pod) {
		words = []string{"existing", pod.Name, "on", pod.Spec.NodeName}
	}
	set := func(word, value string) { words = append(words, word+"="+value) }
	resources := pod.Spec.Containers[0].Resources
	for _, amount := range []struct {
		word string
		list corev1.ResourceList
		name corev1.ResourceName
	}{
		{"request", resources.Requests, corev1.ResourceMemory},
		{"limit", resources.Limits, corev1.ResourceMemory},
		{"cpu", resources.Requests, corev1.ResourceCPU},
	} {
		if _, found := amount.list[amount.name]; found {
			set(amount.word, quantityText(amount.list, amount.name))
		}
	}
	if holds := pod.Annotations[holdsAnnotation]; holds != "" {
		set("holds", holds)
	}
	if pod.Spec.Priority != nil {
		set("priority", strconv.Itoa(int(*pod.Spec.Priority)))
	}
	if pod.Spec.PreemptionPolicy != nil {
		set("preemption", "never")
	}
	if pod.Spec.SchedulerName != schedulerName {
		set("scheduler", pod.Spec.SchedulerName)
	}
	if pod.Spec.NodeName != "" && !Existing(pod) {
		set("nodeName", pod.Spec.NodeName)
	}
	return strings.Join(append(words, clauseTexts(pod)...), " ")
}

// clauseTexts writes the clauses of a pod. What daemon adds is written out.
func clauseTexts(pod *corev1.Pod) []string {
	var clauses []string
	if len(pod.Spec.NodeSelector) > 0 {
		clauses = append(clauses, "selector")
		clauses = append(clauses, pairs(pod.Spec.NodeSelector)...)
	}
	if pod.Spec.Affinity != nil && pod.Spec.Affinity.NodeAffinity != nil {
		clauses = append(clauses, affinityTexts(pod.Spec.Affinity.NodeAffinity)...)
	}
	for _, toleration := range pod.Spec.Tolerations {
		clauses = append(clauses, "tolerate "+tolerationText(toleration))
	}
	return clauses
}

func affinityTexts(affinity *corev1.NodeAffinity) []string {
	var clauses []string
	if required := affinity.RequiredDuringSchedulingIgnoredDuringExecution; required != nil {
		var terms []string
		for _, term := range required.NodeSelectorTerms {
			terms = append(terms, "require "+termText(term))
		}
		if len(terms) == 0 {
			terms = []string{"require no-terms"}
		}
		clauses = append(clauses, strings.Join(terms, " or "))
	}
	for _, preferred := range affinity.PreferredDuringSchedulingIgnoredDuringExecution {
		clauses = append(clauses, fmt.Sprintf("prefer %d %s", preferred.Weight, termText(preferred.Preference)))
	}
	return clauses
}

func termText(term corev1.NodeSelectorTerm) string {
	var requirements []string
	for _, requirement := range term.MatchExpressions {
		requirements = append(requirements, requirementText(requirement))
	}
	for _, requirement := range term.MatchFields {
		requirements = append(requirements, "field "+requirementText(requirement))
	}
	if len(requirements) == 0 {
		return "empty"
	}
	return strings.Join(requirements, " and ")
}

func requirementText(requirement corev1.NodeSelectorRequirement) string {
	text := plain(requirement.Key) + " " + operatorWord(requirement.Operator)
	var values []string
	for _, value := range requirement.Values {
		values = append(values, plain(value))
	}
	switch requirement.Operator {
	case corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn:
		return text + " (" + strings.Join(values, ",") + ")"
	case corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt:
		return text + " " + values[0]
	}
	return text
}

func tolerationText(toleration corev1.Toleration) string {
	if toleration.Key == "" && toleration.Operator == corev1.TolerationOpExists && toleration.Effect == "" {
		return "everything"
	}
	text := plain(toleration.Key)
	if toleration.Operator == corev1.TolerationOpEqual {
		text += "=" + plain(toleration.Value)
	}
	if toleration.Effect != "" {
		text += ":" + string(toleration.Effect)
	}
	return text
}
