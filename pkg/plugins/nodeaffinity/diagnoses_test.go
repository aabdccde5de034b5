// SPDX-License-Identifier: Apache-2.0

package nodeaffinity

import (
	"fmt"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/constraint"
)

// Why nodes do not match is found out for pods that none match, and for no others.
func TestWhyNodesDoNotMatchIsNotAskedOfAPodThatFinds(t *testing.T) {
	built, err := New(t.Context(), &config.HeadroomNodeAffinityArgs{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	plugin, ok := built.(*NodeAffinity)
	if !ok {
		t.Fatalf("New returns %T", built)
	}
	nodes := make([]fwk.NodeInfo, 200)
	for i := range nodes {
		info := framework.NewNodeInfo()
		info.SetNode(st.MakeNode().Name(fmt.Sprint("n", i)).Label("disk", map[bool]string{true: "ssd", false: "hdd"}[i < 3]).Obj())
		nodes[i] = info
	}
	for _, step := range []struct {
		disk string
		want int // diagnoses so far
	}{{"ssd", 0}, {"hdd", 0}, {"tape", 1}} {
		plugin.PreFilter(t.Context(), framework.NewCycleState(), st.MakePod().NodeSelector(map[string]string{"disk": step.disk}).Obj(), nodes)
		if got := len(plugin.narrowing.diagnoses.known); got != step.want {
			t.Errorf("after a pod for %s: %d diagnoses, want %d", step.disk, got, step.want)
		}
	}
}

func TestNodesAreDiagnosedAnewWhenTheirLabelsOrWhatIsAskedChange(t *testing.T) {
	nodes := []*corev1.Node{labelled(0, true), labelled(1, false)}
	index := constraint.NewIndex()
	var kept diagnoses
	diagnoses := 0
	ask := func(pod *corev1.Pod) {
		index.Sync(nodes)
		kept.of(pod, index, func() *constraint.Diagnosis {
			diagnoses++
			return constraint.Diagnose(constraint.CompileRequired(pod), nil, index)
		})
	}
	disk := func(value string) *corev1.Pod {
		return st.MakePod().Name(fmt.Sprint("pod-", diagnoses)).NodeSelector(map[string]string{"disk": value}).Obj()
	}
	affinity := func(operator corev1.NodeSelectorOperator) *corev1.Pod {
		pod := st.MakePod().Obj()
		pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "disk", Operator: operator}},
			}}},
		}}
		return pod
	}
	for _, step := range []struct {
		name   string
		change func()
		pod    *corev1.Pod
		want   int // diagnoses so far
	}{
		{"the first pod", func() {}, disk("tape"), 1},
		{"another one that asks for the same", func() {}, disk("tape"), 1},
		{"one that asks for another value", func() {}, disk("hdd"), 2},
		{"one that asks by affinity", func() {}, affinity(corev1.NodeSelectorOpExists), 3},
		{"one that asks for the contrary", func() {}, affinity(corev1.NodeSelectorOpDoesNotExist), 4},
		{"the first again", func() {}, disk("tape"), 4},
		{"a node changed, but for its labels", func() { nodes[1] = nodes[1].DeepCopy() }, disk("tape"), 4},
		{"a node changed its labels", func() { nodes[1] = labelled(1, true) }, disk("tape"), 5},
		{"a node came", func() { nodes = append(nodes, labelled(2, false)) }, disk("tape"), 6},
		{"a node went", func() { nodes = nodes[1:] }, disk("tape"), 7},
		{"nothing changed", func() {}, disk("tape"), 7},
	} {
		step.change()
		if ask(step.pod); diagnoses != step.want {
			t.Errorf("%s: %d diagnoses so far, want %d", step.name, diagnoses, step.want)
		}
	}
	for range 2 {
		nodes = append(nodes, labelled(len(nodes)+10, false)) // which empties them
		before := diagnoses
		for i := range 3 * mostDiagnoses { // as many as are kept, again and again
			ask(disk(strconv.Itoa(i % mostDiagnoses)))
		}
		if made := diagnoses - before; made != mostDiagnoses {
			t.Errorf("%d diagnoses were made of %d that are asked for in turn", made, mostDiagnoses)
		}
	}
	for i := range 3 * mostDiagnoses {
		if ask(disk(strconv.Itoa(i))); len(kept.known) > mostDiagnoses {
			t.Fatalf("%d diagnoses are kept, want at most %d", len(kept.known), mostDiagnoses)
		}
	}
}
