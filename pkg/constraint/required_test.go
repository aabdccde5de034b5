// SPDX-License-Identifier: Apache-2.0

package constraint_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/headroom-dev/headroom/pkg/constraint"
)

func requiring(terms ...corev1.NodeSelectorTerm) *corev1.Pod {
	return &corev1.Pod{Spec: corev1.PodSpec{Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms},
	}}}}
}

func expression(key string, operator corev1.NodeSelectorOperator, values ...string) corev1.NodeSelectorTerm {
	return corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
		{Key: key, Operator: operator, Values: values},
	}}
}

func named(names ...[]string) corev1.NodeSelectorTerm {
	var term corev1.NodeSelectorTerm
	for _, values := range names {
		term.MatchFields = append(term.MatchFields, corev1.NodeSelectorRequirement{
			Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: values,
		})
	}
	return term
}

func TestMatch(t *testing.T) {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1", Labels: map[string]string{
		"zone": "a", "generation": "3", "disk": "",
	}}}
	for _, test := range []struct {
		name string
		pod  *corev1.Pod
		want bool
	}{
		{"nothing asked", &corev1.Pod{}, true},
		{"selector of a label the node has", &corev1.Pod{Spec: corev1.PodSpec{NodeSelector: map[string]string{"zone": "a"}}}, true},
		{"selector of another value", &corev1.Pod{Spec: corev1.PodSpec{NodeSelector: map[string]string{"zone": "b"}}}, false},
		{"selector of an empty value on a missing label", &corev1.Pod{Spec: corev1.PodSpec{NodeSelector: map[string]string{"rack": ""}}}, false},
		{"In", requiring(expression("zone", corev1.NodeSelectorOpIn, "b", "a")), true},
		{"NotIn matches a node without the label", requiring(expression("rack", corev1.NodeSelectorOpNotIn, "r1")), true},
		{"Exists with an empty value", requiring(expression("disk", corev1.NodeSelectorOpExists)), true},
		{"DoesNotExist", requiring(expression("zone", corev1.NodeSelectorOpDoesNotExist)), false},
		{"Gt", requiring(expression("generation", corev1.NodeSelectorOpGt, "2")), true},
		{"Lt is strict", requiring(expression("generation", corev1.NodeSelectorOpLt, "3")), false},
		{"Gt on a label that is no number", requiring(expression("zone", corev1.NodeSelectorOpGt, "2")), false},
		{"terms are alternatives", requiring(expression("zone", corev1.NodeSelectorOpIn, "b"), named([]string{"n1"})), true},
		{"no terms match no node", requiring(), false},
		{"an empty term matches no node", requiring(corev1.NodeSelectorTerm{}), false},
		{"a faulty term does not spoil a good one", requiring(expression("zone", "Near", "b"), named([]string{"n1"})), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := constraint.CompileRequired(test.pod).Match(node); got != test.want {
				t.Errorf("Match = %v, want %v", got, test.want)
			}
		})
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	pod := requiring(expression("generation", corev1.NodeSelectorOpGt, "2"), named([]string{"n2"}))
	pod.Spec.NodeSelector = map[string]string{"zone": "a"}
	required := constraint.CompileRequired(pod)
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1", Labels: map[string]string{"zone": "a", "generation": "1"}}}
	if got := testing.AllocsPerRun(100, func() { required.Match(node) }); got != 0 {
		t.Errorf("Match allocates %v times, want 0", got)
	}
}

func TestNodeNames(t *testing.T) {
	for _, test := range []struct {
		name    string
		pod     *corev1.Pod
		want    sets.Set[string]
		wantAll bool
	}{
		{"no affinity", &corev1.Pod{}, nil, true},
		{"one name", requiring(named([]string{"n1"})), sets.New("n1"), false},
		{"terms add up", requiring(named([]string{"n1"}), named([]string{"n2"})), sets.New("n1", "n2"), false},
		{"requirements of a term narrow", requiring(named([]string{"n1", "n2"}, []string{"n2", "n3"})), sets.New("n2"), false},
		{"a term without names opens all nodes", requiring(named([]string{"n1"}), expression("zone", corev1.NodeSelectorOpExists)), nil, true},
		{"contradiction", requiring(named([]string{"n1"}, []string{"n2"})), sets.New[string](), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, all := constraint.NodeNames(test.pod)
			if diff := cmp.Diff(test.want, got); diff != "" || all != test.wantAll {
				t.Errorf("all = %v, want %v; names (-want +got):\n%s", all, test.wantAll, diff)
			}
		})
	}
}
