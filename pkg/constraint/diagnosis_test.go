// SPDX-License-Identifier: Apache-2.0

package constraint_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/constraint"
)

// labelled returns nodes n1, n2 and so on, each with the labels of one text such as "zone=a disk=ssd".
func labelled(texts ...string) []*corev1.Node {
	var nodes []*corev1.Node
	for i, text := range texts {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("n%d", i+1), Labels: map[string]string{}}}
		for pair := range strings.FieldsSeq(text) {
			key, value, _ := strings.Cut(pair, "=")
			node.Labels[key] = value
		}
		nodes = append(nodes, node)
	}
	return nodes
}

func indexOf(nodes []*corev1.Node) *constraint.Index {
	index := constraint.NewIndex()
	index.Sync(nodes)
	return index
}

func selecting(text string) *corev1.Pod {
	return &corev1.Pod{Spec: corev1.PodSpec{NodeSelector: labelled(text)[0].Labels}}
}

func TestTheMessageSaysWhatStandsInTheWay(t *testing.T) {
	for _, test := range []struct {
		name  string
		pod   *corev1.Pod
		added *corev1.NodeSelector
		nodes []*corev1.Node
		want  string
	}{
		{
			"one requirement, other values", selecting("disk=ssd"), nil, labelled("disk=hdd", "disk=hdd", "disk=nvme", ""),
			`4 node(s) didn't match Pod's node affinity/selector: 4 by disk In [ssd] ("hdd" on 2, "nvme" on 1, no such label on 1); ` +
				`no node has disk="ssd"`,
		},
		{
			"a key with a typo", selecting("disk-type=ssd"), nil, labelled("disktype=ssd", "disktype=ssd", "zone=a"),
			`3 node(s) didn't match Pod's node affinity/selector: 3 by disk-type In [ssd] (no such label on 3); ` +
				`no node has label "disk-type"; did you mean "disktype" (on 2 nodes)?`,
		},
		{
			"a value with a typo", selecting("zone=eu-wset-1a"), nil, labelled("zone=eu-west-1a", "zone=us-east-1a"),
			`2 node(s) didn't match Pod's node affinity/selector: 2 by zone In [eu-wset-1a] ("eu-west-1a" on 1, "us-east-1a" on 1); ` +
				`no node has zone="eu-wset-1a"; did you mean "eu-west-1a" (on 1 node)?`,
		},
		{
			"two requirements that no node meets together, and the nearest miss", selecting("disk=ssd zone=a"), nil,
			labelled("disk=ssd zone=b", "disk=hdd zone=b", "disk=hdd zone=c"),
			`3 node(s) didn't match Pod's node affinity/selector: 2 by disk In [ssd] ("hdd" on 2), 1 by zone In [a] ("b" on 1); ` +
				`no node has zone="a"; nearest: n1, but for zone In [a]`,
		},
		{
			"each node by its nearest alternative", requiring(
				corev1.NodeSelectorTerm{MatchExpressions: append(
					expression("disk", corev1.NodeSelectorOpIn, "ssd").MatchExpressions, expression("zone", corev1.NodeSelectorOpIn, "a").MatchExpressions...)},
				expression("generation", corev1.NodeSelectorOpGt, "5")), nil,
			labelled("disk=ssd zone=b generation=2", "disk=hdd zone=b generation=3"),
			`2 node(s) didn't match Pod's node affinity/selector: 1 by zone In [a] ("b" on 1), 1 by generation Gt 5 ("3" on 1); no node has zone="a"`,
		},
		{
			"alternatives that ask for the same beside", requiring(
				corev1.NodeSelectorTerm{MatchExpressions: append(
					expression("disk", corev1.NodeSelectorOpIn, "ssd").MatchExpressions, expression("zone", corev1.NodeSelectorOpIn, "a").MatchExpressions...)},
				corev1.NodeSelectorTerm{MatchExpressions: append(
					expression("disk", corev1.NodeSelectorOpIn, "ssd").MatchExpressions, expression("zone", corev1.NodeSelectorOpIn, "b").MatchExpressions...)}), nil,
			labelled("disk=hdd zone=a", "disk=hdd zone=b", "disk=tape zone=b", "zone=b"),
			`4 node(s) didn't match Pod's node affinity/selector: 4 by disk In [ssd] ("hdd" on 2, "tape" on 1, no such label on 1); no node has disk="ssd"`,
		},
		{
			"a node that is not there", requiring(named([]string{"n9"})), nil, labelled("", ""),
			`2 node(s) didn't match Pod's node affinity/selector: 2 by metadata.name In [n9]; no node is called "n9"`,
		},
		{
			"a host name that is another than the name", selecting(corev1.LabelHostname + "=n1"), nil,
			labelled(corev1.LabelHostname+"=ip-1", corev1.LabelHostname+"=ip-2"),
			`2 node(s) didn't match Pod's node affinity/selector: 2 by kubernetes.io/hostname In [n1] ("ip-1" on 1, "ip-2" on 1); ` +
				`node "n1" has another kubernetes.io/hostname label than its name; name it by matchFields metadata.name`,
		},
		{
			"a node without a host name", selecting(corev1.LabelHostname + "=n1"), nil, labelled("", corev1.LabelHostname+"=ip-2"),
			`2 node(s) didn't match Pod's node affinity/selector: 2 by kubernetes.io/hostname In [n1] ("ip-2" on 1, no such label on 1); ` +
				`node "n1" has no label kubernetes.io/hostname; name it by matchFields metadata.name`,
		},
		{
			"a term that cannot be read", requiring(expression("zone", "Near", "b")), nil, labelled("zone=b"),
			`1 node(s) didn't match Pod's node affinity/selector: 1 by a term that can be read: nodeSelectorTerms[0].matchExpressions[0]` +
				`.operator: Unsupported value: "Near": supported values:...`,
		},
		{"no terms", requiring(), nil, labelled("zone=b"),
			"1 node(s) didn't match Pod's node affinity/selector: 1 by a term that asks for something: there is none, which matches no node"},
		{
			"added affinity", selecting("disk=ssd"),
			&corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{expression("zone", corev1.NodeSelectorOpIn, "a")}},
			labelled("zone=a disk=hdd", "zone=b disk=ssd"),
			`1 node(s) didn't match scheduler-enforced node affinity; ` +
				`1 node(s) didn't match Pod's node affinity/selector: 1 by disk In [ssd] ("hdd" on 1)`,
		},
		{
			"some nodes match", selecting("disk=ssd"), nil, labelled("disk=ssd", "disk=hdd"),
			`1 node(s) didn't match Pod's node affinity/selector: 1 by disk In [ssd] ("hdd" on 1)`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var added *constraint.Terms
			if test.added != nil {
				added = constraint.CompileTerms(test.added)
			}
			got := constraint.Diagnose(constraint.CompileRequired(test.pod), added, indexOf(test.nodes)).Message()
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheMessageOfALargeFleetStaysShort(t *testing.T) {
	var texts []string
	for i := range 5000 {
		texts = append(texts, fmt.Sprintf("rack=rack-%d-%s zone=z%d", i%200, strings.Repeat("r", 40), i%3))
	}
	pod := requiring(expression("rack", corev1.NodeSelectorOpIn, strings.Fields(strings.Repeat(strings.Repeat("x", 60)+" ", 200))...))
	pod.Spec.NodeSelector = map[string]string{}
	for i := range 50 {
		pod.Spec.NodeSelector[fmt.Sprintf("%s-%d", strings.Repeat("k", 60), i)] = strings.Repeat("v", 60)
	}
	for _, pod := range []*corev1.Pod{pod, selecting("rack=none"), selecting("zone=none rack=none")} {
		got := constraint.Diagnose(constraint.CompileRequired(pod), nil, indexOf(labelled(texts...))).Message()
		if len(got) > 700 || !strings.HasPrefix(got, "5000 node(s) didn't match Pod's node affinity/selector: ") {
			t.Errorf("%d bytes: %s", len(got), got)
		}
	}
}

// Whatever the pod asks: every node is accounted for once, Explain agrees with Match, and FirstMiss names a miss.
func TestExplanationsAgreeWithTheMatcher(t *testing.T) { rapid.Check(t, explanationsAgree) }

func FuzzExplain(f *testing.F) { f.Fuzz(rapid.MakeFuzz(explanationsAgree)) }

func explanationsAgree(t *rapid.T) {
	pod := drawPod(t)
	required := constraint.CompileRequired(pod)
	var nodes []*corev1.Node
	for i := range rapid.IntRange(1, 5).Draw(t, "nodes") {
		node := drawNode(t)
		node.Name = fmt.Sprintf("n%d", i)
		nodes = append(nodes, node)
	}
	matching := 0
	for _, node := range nodes {
		explained := met(pod, required.Explain(node))
		if explained != required.Match(node) {
			t.Fatalf("explained %v, matched %v: %+v", explained, required.Match(node), required.Explain(node))
		}
		if explained {
			matching++
			continue
		}
		if miss := required.FirstMiss(node); miss < 0 || int(miss) >= required.Misses() || required.MissText(miss) == "" {
			t.Fatalf("first miss %d of %d: %q", miss, required.Misses(), required.MissText(miss))
		}
	}
	diagnosis := constraint.Diagnose(required, nil, indexOf(nodes))
	removed := 0
	for _, removal := range diagnosis.Removed {
		removed += removal.Nodes
	}
	if diagnosis.Matching != matching || removed != len(nodes)-matching {
		t.Fatalf("%d of %d nodes match: %+v", matching, len(nodes), diagnosis)
	}
	_ = diagnosis.Message()
}

// met is the verdict that checks of a node's requirements come to.
func met(pod *corev1.Pod, checks []constraint.Check) bool {
	selector, terms := true, map[int]bool{}
	for _, check := range checks {
		if check.Alternative == constraint.Selector {
			selector = selector && check.Met
			continue
		}
		so, ok := terms[check.Alternative]
		terms[check.Alternative] = (so || !ok) && check.Met
	}
	hasTerms := pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil
	return selector && (!hasTerms || slices.Contains(slices.Collect(maps.Values(terms)), true))
}
