// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// term returns a term that wants each of the keys to exist.
func term(keys ...string) corev1.NodeSelectorTerm {
	var made corev1.NodeSelectorTerm
	for _, key := range keys {
		made.MatchExpressions = append(made.MatchExpressions, corev1.NodeSelectorRequirement{Key: key, Operator: corev1.NodeSelectorOpExists})
	}
	return made
}

// field returns a term that wants a node of that name.
func field(name string) corev1.NodeSelectorTerm {
	return corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{{Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{name}}}}
}

func TestTermsThatReadLikeOneConditionAreSaidToBeAlternatives(t *testing.T) {
	both := field("a")
	both.MatchExpressions = term("zone").MatchExpressions
	for _, test := range []struct {
		name  string
		terms []corev1.NodeSelectorTerm
		want  string // "": nothing is said
	}{
		{"no affinity", nil, ""},
		{"one term of two keys", []corev1.NodeSelectorTerm{term("disk", "zone")}, ""},
		{"two terms of different keys", []corev1.NodeSelectorTerm{term("disk"), term("zone")}, "one of [0] disk, [1] zone is enough"},
		{"terms of several keys", []corev1.NodeSelectorTerm{term("disk", "gpu"), term("zone")}, "one of [0] disk and gpu, [1] zone is enough"},
		{"the same key in both, as alternatives are meant", []corev1.NodeSelectorTerm{term("zone"), term("zone")}, ""},
		{"the same key among others", []corev1.NodeSelectorTerm{term("zone", "disk"), term("zone", "gpu")}, ""},
		{"a term that is empty, and matches nothing", []corev1.NodeSelectorTerm{term("disk"), term()}, ""},
		{"a label of one node, or another label", []corev1.NodeSelectorTerm{term("disk"), both}, ""},
		{"a node's name or a label", []corev1.NodeSelectorTerm{term("disk"), field("a")}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := &corev1.Pod{}
			if test.terms != nil {
				pod.Spec.Affinity = required(test.terms...)
			}
			got := alternatives(pod)
			if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("it says %q, want %q", got, test.want)
			}
		})
	}
}

func required(terms ...corev1.NodeSelectorTerm) *corev1.Affinity {
	return &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms},
	}}
}
