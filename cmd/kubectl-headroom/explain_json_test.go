// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/explain"
)

// guarded adds a node of its own zone, full of pods of which a budget lets one go, and one of which nobody measured.
func guarded(s *shop) {
	s.node("small-1", "4Gi", map[string]string{"zone": "d"})
	for i := range 5 {
		s.running("small-1", "900Mi", pod(fmt.Sprint("guarded-", i), "1Gi", func(pod *corev1.Pod) {
			pod.Labels, pod.Spec.Priority = map[string]string{"app": "guarded"}, new(int32(-i))
		}))
	}
	delete(s.samples.Pods, types.NamespacedName{Namespace: "default", Name: "guarded-3"})
	s.objects = append(s.objects, &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "guarded"},
		Spec:       policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "guarded"}}},
		Status:     policyv1.PodDisruptionBudgetStatus{DisruptionsAllowed: 1},
	})
}

// Programs read it as docs/explain-output.md describes it: also what decides before nodes, copies, and whom preemption would end.
func TestExplainPrintsJSON(t *testing.T) {
	for _, test := range []struct {
		name      string
		pod       *corev1.Pod
		shop      func(*shop)
		arguments []string
		formats   []string
	}{
		{"explain-fits", pod("asked", "1Gi", limited("3Gi"), requiring(in("zone", "a", "b"))), nil, nil, []string{outputJSON, outputYAML}},
		{"explain-none", pod("asked", "1Gi", requiring(in("zone", "d"))), nil, nil, []string{outputJSON, outputYAML}},
		{"explain-first", pod("asked", "1Gi", requiring(in(corev1.LabelHostname, "web-1"), in("zone", "c")), func(pod *corev1.Pod) {
			pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/quota"}}
			pod.Status.NominatedNodeName = "web-3"
		}), nil, nil, []string{outputJSON}},
		{"explain-replicas", pod("asked", "2Gi", requiring(in("zone", "a", "b"))), nil, []string{"--replicas", "9"}, []string{outputJSON}},
		{"explain-preempts", pod("asked", "6000Mi", func(pod *corev1.Pod) { pod.Spec.Priority = new(int32(100)) }, requiring(in("zone", "d"))), guarded, nil, []string{outputJSON}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newShop()
			if test.shop != nil {
				test.shop(s)
			}
			s.objects = append(s.objects, test.pod)
			for _, format := range test.formats {
				stdout, stderr, _ := s.run(t, append([]string{"explain", "asked", "-o", format}, test.arguments...)...)
				if stderr != "" {
					t.Errorf("on standard error: %s", stderr)
				}
				wantGolden(t, test.name+"."+format, stdout)
			}
		})
	}
}

// Who asks for copies is told of copies, however few; who does not is told of them for a file that wants some.
func TestCopiesAreToldOfWhereTheyAreAskedFor(t *testing.T) {
	const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  replicas: %d\n  selector: {matchLabels: {app: api}}\n" +
		"  template:\n    metadata: {labels: {app: api}}\n    spec:\n      schedulerName: headroom-scheduler\n      containers: [{name: main, image: api}]\n"
	for _, test := range []struct {
		name      string
		inFile    int // replicas of a file; 0: a pod of the cluster is asked about
		arguments []string
		want      *explain.Replicas
		text      string // of it
	}{
		{"a pod, and nothing is asked", 0, nil, nil, ""},
		{"a pod, and one is asked for", 0, []string{"--replicas", "1"}, copies(1), "1 of 1 copy finds a node\n"},
		{"a pod, and two are asked for", 0, []string{"--replicas", "2"}, copies(2), "2 of 2 copies find a node\n"},
		{"a file of one, and nothing is asked", 1, nil, nil, ""},
		{"a file of one, and one is asked for", 1, []string{"--replicas", "1"}, copies(1), "1 of 1 copy finds a node\n"},
		{"a file of two, and nothing is asked", 2, nil, copies(2), "2 of 2 copies find a node\n"},
		{"a file of two, and one is asked for", 2, []string{"--replicas", "1"}, copies(1), "1 of 1 copy finds a node\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newShop()
			s.objects = append(s.objects, pod("asked", "100Mi", requiring(in("zone", "b"))))
			asked := []string{"asked"}
			if test.inFile > 0 {
				path := filepath.Join(t.TempDir(), "api.yaml")
				text := fmt.Sprintf(deployment, test.inFile) + "      nodeSelector: {zone: b}\n"
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				asked = []string{"-f", path}
			}
			arguments := slices.Concat([]string{"explain"}, asked, test.arguments)
			stdout, _, code := s.run(t, append(arguments, "-o", "json")...)
			var placement explain.Placement
			if err := json.Unmarshal([]byte(stdout), &placement); err != nil || code != codeYes {
				t.Fatalf("exit code %d, want %d, %v:\n%s", code, codeYes, err, stdout)
			}
			if diff := cmp.Diff(test.want, placement.Replicas); diff != "" {
				t.Errorf("replicas (-want +got):\n%s", diff)
			}
			text, _, _ := s.run(t, arguments...)
			if test.text == "" && strings.Contains(text, "COPIES") || !strings.Contains(text, test.text) {
				t.Errorf("want %q in\n%s", test.text, text)
			}
		})
	}
}

// copies are so many that all go to web-2, the only node that they may go to and that has room.
func copies(count int) *explain.Replicas {
	return &explain.Replicas{
		Wanted: count, Placed: count, Order: slices.Repeat([]string{"web-2"}, count), Nodes: []explain.NodeCount{{Node: "web-2", Pods: count}},
	}
}
