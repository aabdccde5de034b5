// SPDX-License-Identifier: Apache-2.0

package cases

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// WithPrefix returns the case with a prefix before the name of every node and every pod, wherever they are named, so that
// cases can follow each other on one cluster: what is late for one case, such as the deletion of a pod by its name, does
// not meet the next.
func (c *Case) WithPrefix(prefix string) *Case {
	prefixed := *c
	prefixed.Steps = make([]Step, len(c.Steps))
	for i, step := range c.Steps {
		if step.Node != nil {
			step.Node = step.Node.DeepCopy()
			step.Node.Name = prefix + step.Node.Name
		}
		if step.Pod != nil {
			step.Pod = step.Pod.DeepCopy()
			prefixPod(step.Pod, prefix)
		}
		if step.Change != nil {
			change := *step.Change
			change.Name = prefix + change.Name
			step.Change = &change
		}
		if step.Expect != nil {
			expect := *step.Expect
			expect.Pod = prefix + expect.Pod
			expect.Nodes = prefixAll(expect.Nodes, prefix)
			expect.Victims = prefixAll(expect.Victims, prefix)
			step.Expect = &expect
		}
		prefixed.Steps[i] = step
	}
	return &prefixed
}

func prefixPod(pod *corev1.Pod, prefix string) {
	pod.Name = prefix + pod.Name
	if pod.Spec.NodeName != "" {
		pod.Spec.NodeName = prefix + pod.Spec.NodeName
	}
	if name, named := pod.Spec.NodeSelector[corev1.LabelHostname]; named {
		pod.Spec.NodeSelector[corev1.LabelHostname] = prefix + name
	}
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity == nil {
		return
	}
	affinity := pod.Spec.Affinity.NodeAffinity
	if required := affinity.RequiredDuringSchedulingIgnoredDuringExecution; required != nil {
		for i := range required.NodeSelectorTerms {
			prefixTerm(&required.NodeSelectorTerms[i], prefix)
		}
	}
	for i := range affinity.PreferredDuringSchedulingIgnoredDuringExecution {
		prefixTerm(&affinity.PreferredDuringSchedulingIgnoredDuringExecution[i].Preference, prefix)
	}
}

func prefixTerm(term *corev1.NodeSelectorTerm, prefix string) {
	for i, field := range term.MatchFields {
		if field.Key == metav1.ObjectNameField {
			term.MatchFields[i].Values = prefixAll(field.Values, prefix)
		}
	}
	for i, expression := range term.MatchExpressions {
		if expression.Key == corev1.LabelHostname {
			term.MatchExpressions[i].Values = prefixAll(expression.Values, prefix)
		}
	}
}

func prefixAll(names []string, prefix string) []string {
	prefixed := make([]string, len(names))
	for i, name := range names {
		prefixed[i] = prefix + name
	}
	return prefixed
}
