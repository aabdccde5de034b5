// SPDX-License-Identifier: Apache-2.0

package constraint_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/constraint"
)

// Nodes come, go, move in the list and change their labels; after each Sync the index finds what a walk over all nodes finds.
func TestTheIndexFindsWhatAWalkFinds(t *testing.T) { rapid.Check(t, indexFindsWhatAWalkFinds) }

func FuzzIndex(f *testing.F) { f.Fuzz(rapid.MakeFuzz(indexFindsWhatAWalkFinds)) }

func indexFindsWhatAWalkFinds(t *rapid.T) {
	index := constraint.NewIndex()
	var nodes []*corev1.Node
	fresh := func(name string) *corev1.Node {
		return &corev1.Node{ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: rapid.MapOfN(rapid.SampledFrom(keys), rapid.SampledFrom(values), 0, 3).Draw(t, "labels"),
		}}
	}
	for range rapid.IntRange(1, 6).Draw(t, "rounds") {
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			name := fmt.Sprintf("n%d", rapid.IntRange(1, 6).Draw(t, "node"))
			at := -1
			for i := range nodes {
				if nodes[i].Name == name {
					at = i
				}
			}
			switch {
			case at < 0:
				nodes = append(nodes, fresh(name))
			case rapid.Bool().Draw(t, "remove"):
				nodes = append(nodes[:at:at], nodes[at+1:]...)
			default:
				nodes[at] = fresh(name)
			}
		}
		nodes = rapid.Permutation(nodes).Draw(t, "order")
		index.Sync(nodes)

		pod := drawPod(t)
		required := constraint.CompileRequired(pod)
		var added *constraint.Terms
		if rapid.Bool().Draw(t, "has added") {
			added = constraint.CompileTerms(&corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{drawTerm(t)}})
		}
		most := rapid.IntRange(0, 6).Draw(t, "most")
		got, ok := index.Find(required, added, most)
		if !ok {
			continue
		}
		want := sets.New[string]()
		for _, node := range nodes {
			if required.Match(node) && (added == nil || added.Match(node)) {
				want.Insert(node.Name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || len(got) > most {
			t.Fatalf("found %d, at most %d wanted (-walk +index):\n%s", len(got), most, diff)
		}
	}
}

func TestWhatTheIndexNarrows(t *testing.T) {
	var nodes []*corev1.Node
	for i := range 20 {
		labels := map[string]string{"zone": []string{"a", "b"}[i%2], "generation": "1"}
		if i < 3 {
			labels["disk"], labels["slots"] = "ssd", strconv.Itoa(i)
		}
		if i == 4 || i == 5 {
			labels["rack"] = fmt.Sprintf("r%d", i-3)
		}
		nodes = append(nodes, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("n%d", i), Labels: labels}})
	}
	index := constraint.NewIndex()
	index.Sync(nodes)
	both := requiring(expression("disk", corev1.NodeSelectorOpIn, "ssd"))
	both.Spec.NodeSelector = map[string]string{"zone": "a"}
	for _, test := range []struct {
		name string
		pod  *corev1.Pod
		want sets.Set[string] // nil: the index is of no use
	}{
		{"a rare label", &corev1.Pod{Spec: corev1.PodSpec{NodeSelector: map[string]string{"disk": "ssd"}}}, sets.New("n0", "n1", "n2")},
		{"In with several values", requiring(expression("rack", corev1.NodeSelectorOpIn, "r1", "r2")), sets.New("n4", "n5")},
		{"a common label", &corev1.Pod{Spec: corev1.PodSpec{NodeSelector: map[string]string{"zone": "a"}}}, nil},
		{"a rare and a common one", both, sets.New("n0", "n2")},
		{"a value that no node has", &corev1.Pod{Spec: corev1.PodSpec{NodeSelector: map[string]string{"disk": "tape"}}}, sets.New[string]()},
		{"Exists", requiring(expression("disk", corev1.NodeSelectorOpExists)), sets.New("n0", "n1", "n2")},
		{"a name", requiring(named([]string{"n7"})), sets.New("n7")},
		{"alternatives", requiring(named([]string{"n7"}), expression("disk", corev1.NodeSelectorOpExists)), sets.New("n0", "n1", "n2", "n7")},
		{"an alternative that may match any node", requiring(named([]string{"n7"}), expression("disk", corev1.NodeSelectorOpDoesNotExist)), nil},
		{"NotIn", requiring(expression("zone", corev1.NodeSelectorOpNotIn, "a")), nil},
		{"Gt of a rare label", requiring(expression("slots", corev1.NodeSelectorOpGt, "0")), sets.New("n1", "n2")},
		{"Lt of a rare label", requiring(expression("slots", corev1.NodeSelectorOpLt, "1")), sets.New("n0")},
		{"Gt of a common label", requiring(expression("generation", corev1.NodeSelectorOpGt, "1")), nil},
		{"nothing", &corev1.Pod{}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := index.Find(constraint.CompileRequired(test.pod), nil, 5)
			if ok != (test.want != nil) {
				t.Fatalf("narrows: %v, want %v", ok, test.want != nil)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("nodes (-want +got):\n%s", diff)
			}
		})
	}
}
