// SPDX-License-Identifier: Apache-2.0

package constraint_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/constraint"
)

// The vocabulary is small, so that terms often match and often contradict each other. It holds values that are no numbers
// and numbers that overflow; one requirement in eight is drawn from what is not valid.
var (
	keys      = []string{"zone", "disk", "generation"}
	values    = []string{"a", "b", "", "1", "2", "-3", "007", "1.5", "9223372036854775808"}
	nodeNames = []string{"n1", "n2", "n3", ""}
	operators = []corev1.NodeSelectorOperator{
		corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpExists,
		corev1.NodeSelectorOpDoesNotExist, corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt,
	}
	invalidKeys      = []string{"bad key", "", "zone"}
	invalidValues    = []string{"not valid!", "a"}
	invalidOperators = append([]corev1.NodeSelectorOperator{"Near", ""}, operators...)
)

// drawRequirement draws a requirement whose number of values suits its operator, or one that may be wrong in any way.
func drawRequirement(t *rapid.T, keys, values []string, operators []corev1.NodeSelectorOperator) corev1.NodeSelectorRequirement {
	fewest, most := 1, 2
	if rapid.IntRange(0, 7).Draw(t, "invalid") == 7 {
		keys, values, operators, fewest = invalidKeys, invalidValues, invalidOperators, 0
	}
	requirement := corev1.NodeSelectorRequirement{
		Key:      rapid.SampledFrom(keys).Draw(t, "key"),
		Operator: rapid.SampledFrom(operators).Draw(t, "operator"),
	}
	switch requirement.Operator {
	case corev1.NodeSelectorOpExists, corev1.NodeSelectorOpDoesNotExist:
		fewest, most = 0, fewest-1
	case corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt:
		values, most = []string{"1", "2", "-3", "007", "9223372036854775807", "a"}, 1
	}
	requirement.Values = rapid.SliceOfN(rapid.SampledFrom(values), max(fewest, 0), max(most, 0)).Draw(t, "values")
	return requirement
}

func drawTerm(t *rapid.T) corev1.NodeSelectorTerm {
	var term corev1.NodeSelectorTerm
	for range rapid.IntRange(0, 2).Draw(t, "expressions") {
		term.MatchExpressions = append(term.MatchExpressions, drawRequirement(t, keys, values, operators))
	}
	for range max(rapid.IntRange(-2, 2).Draw(t, "fields"), 0) {
		term.MatchFields = append(term.MatchFields,
			drawRequirement(t, []string{metav1.ObjectNameField, "spec.unschedulable"}, nodeNames, operators[:2]))
	}
	return term
}

func drawNode(t *rapid.T) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name:   rapid.SampledFrom(nodeNames).Draw(t, "node"),
		Labels: rapid.MapOfN(rapid.SampledFrom(keys), rapid.SampledFrom(values), 0, 3).Draw(t, "labels"),
	}}
}

func drawPod(t *rapid.T) *corev1.Pod {
	pod := &corev1.Pod{}
	pod.Spec.NodeSelector = rapid.MapOfN(rapid.SampledFrom(keys), rapid.SampledFrom(values), 0, 2).Draw(t, "nodeSelector")
	affinity := &corev1.NodeAffinity{}
	if rapid.Bool().Draw(t, "has required") {
		required := &corev1.NodeSelector{}
		for range rapid.IntRange(0, 3).Draw(t, "terms") {
			required.NodeSelectorTerms = append(required.NodeSelectorTerms, drawTerm(t))
		}
		affinity.RequiredDuringSchedulingIgnoredDuringExecution = required
	}
	for range rapid.IntRange(0, 3).Draw(t, "preferred") {
		affinity.PreferredDuringSchedulingIgnoredDuringExecution = append(
			affinity.PreferredDuringSchedulingIgnoredDuringExecution, corev1.PreferredSchedulingTerm{
				Weight: rapid.Int32Range(0, 100).Draw(t, "weight"), Preference: drawTerm(t),
			})
	}
	pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: affinity}
	return pod
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestRequiredGivesTheVerdictsOfComponentHelpers(t *testing.T) {
	rapid.Check(t, requiredGivesTheirVerdict)
}

func FuzzRequired(f *testing.F) { f.Fuzz(rapid.MakeFuzz(requiredGivesTheirVerdict)) }

func requiredGivesTheirVerdict(t *rapid.T) {
	pod, node := drawPod(t), drawNode(t)
	want, wantErr := nodeaffinity.GetRequiredNodeAffinity(pod).Match(node)
	required := constraint.CompileRequired(pod)
	got, gotErr := required.Verdict(node)
	if got != want || required.Match(node) != want {
		t.Fatalf("match = %v, want %v", got, want)
	}
	if diff := cmp.Diff(text(wantErr), text(gotErr)); diff != "" {
		t.Fatalf("fault (-want +got):\n%s", diff)
	}
}

func TestPreferredGivesTheScoresOfComponentHelpers(t *testing.T) {
	rapid.Check(t, preferredGivesTheirScore)
}

func FuzzPreferred(f *testing.F) { f.Fuzz(rapid.MakeFuzz(preferredGivesTheirScore)) }

func preferredGivesTheirScore(t *rapid.T) {
	pod, node := drawPod(t), drawNode(t)
	want, wantErr := nodeaffinity.NewPreferredSchedulingTerms(constraint.PreferredTerms(pod))
	got, gotErr := constraint.CompilePreferred(constraint.PreferredTerms(pod))
	if diff := cmp.Diff(text(wantErr), text(gotErr)); diff != "" {
		t.Fatalf("fault (-want +got):\n%s", diff)
	}
	if wantErr == nil && got.Score(node) != want.Score(node) {
		t.Fatalf("score = %d, want %d", got.Score(node), want.Score(node))
	}
}
