// SPDX-License-Identifier: Apache-2.0

package nodeaffinity_test

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/plugins/nodeaffinity"
)

func TestNewRefusesBadArguments(t *testing.T) {
	bad := corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "zone", Operator: "Near"}}}
	for _, test := range []struct {
		name string
		args runtime.Object
		want string
	}{
		{"arguments of another plugin", &schedulerconfig.NodeAffinityArgs{}, "HeadroomNodeAffinityArgs"},
		{"a required term", &config.HeadroomNodeAffinityArgs{AddedAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{bad}},
		}}, "addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator"},
		{"a preferred term", &config.HeadroomNodeAffinityArgs{AddedAffinity: &corev1.NodeAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{Weight: 1, Preference: bad}},
		}}, "addedAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].matchExpressions[0].operator"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := nodeaffinity.New(t.Context(), test.args, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one that names %q", err, test.want)
			}
		})
	}
}

func TestAPodWithoutConstraintsCostsNothing(t *testing.T) {
	built, err := nodeaffinity.New(t.Context(), &config.HeadroomNodeAffinityArgs{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	plugin, pod, state := built.(*nodeaffinity.NodeAffinity), st.MakePod().Obj(), framework.NewCycleState()
	if _, status := plugin.PreFilter(t.Context(), state, pod, nil); !status.IsSkip() {
		t.Errorf("PreFilter = %v, want Skip", status)
	}
	if status := plugin.PreScore(t.Context(), state, pod, nil); !status.IsSkip() {
		t.Errorf("PreScore = %v, want Skip", status)
	}
}

func TestScoreAllocatesNothing(t *testing.T) {
	built, err := nodeaffinity.New(t.Context(), &config.HeadroomNodeAffinityArgs{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	plugin, pod, state := built.(*nodeaffinity.NodeAffinity), preferring(5), framework.NewCycleState()
	node := framework.NewNodeInfo()
	node.SetNode(st.MakeNode().Name("n1").Label("zone", "a").Obj())
	if status := plugin.PreScore(t.Context(), state, pod, []fwk.NodeInfo{node}); !status.IsSuccess() {
		t.Fatal(status)
	}
	ctx, score := t.Context(), int64(0)
	if got := testing.AllocsPerRun(100, func() { score, _ = plugin.Score(ctx, state, pod, node) }); got != 0 || score != 5 {
		t.Errorf("Score allocates %v times a node and says %d, want 0 and 5", got, score)
	}
}

func TestFilterAllocatesNothingForANodeThatFits(t *testing.T) {
	built, err := nodeaffinity.New(t.Context(), &config.HeadroomNodeAffinityArgs{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	plugin, state := built.(*nodeaffinity.NodeAffinity), framework.NewCycleState()
	pod := st.MakePod().NodeSelector(map[string]string{"zone": "a"}).NodeAffinityIn("disk", []string{"ssd"}, st.NodeSelectorTypeMatchExpressions).Obj()
	node := framework.NewNodeInfo()
	node.SetNode(st.MakeNode().Name("n1").Label("zone", "a").Label("disk", "ssd").Obj())
	if _, status := plugin.PreFilter(t.Context(), state, pod, nil); !status.IsSuccess() {
		t.Fatal(status)
	}
	ctx := t.Context()
	if got := testing.AllocsPerRun(100, func() { plugin.Filter(ctx, state, pod, node) }); got != 0 {
		t.Errorf("Filter allocates %v times a node, want 0", got)
	}
}

func preferring(weight int32) *corev1.Pod {
	return st.MakePod().NodeAffinity(&corev1.NodeAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{
		Weight:     weight,
		Preference: corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "zone", Operator: corev1.NodeSelectorOpExists}}},
	}}}).Obj()
}

func TestPodsOfDifferentConstraintsNeverShareASignature(t *testing.T) {
	built, err := nodeaffinity.New(t.Context(), &config.HeadroomNodeAffinityArgs{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	pods := []*corev1.Pod{
		st.MakePod().Obj(),
		st.MakePod().NodeSelector(map[string]string{"zone": "a"}).Obj(),
		st.MakePod().NodeAffinityIn("zone", []string{"a"}, st.NodeSelectorTypeMatchExpressions).Obj(),
		st.MakePod().NodeAffinityNotIn("zone", []string{"a"}).Obj(),
		preferring(1),
		preferring(2),
	}
	seen := map[string]int{}
	for i, pod := range pods {
		signature, status := built.(fwk.SignPlugin).SignPod(t.Context(), pod)
		if !status.IsSuccess() {
			t.Fatal(status)
		}
		text, err := json.Marshal(signature) // as the framework compares them
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[string(text)]; ok {
			t.Errorf("pods %d and %d are both signed %s", other, i, text)
		}
		seen[string(text)] = i
	}
}
