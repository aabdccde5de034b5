// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

// unequal is the shop with a stale node, one without a sample, one under pressure and one whose threshold is annotated.
func unequal() *shop {
	s := newShop()
	s.node("stale-1", "1Gi", nil)
	stale := s.samples.Nodes["stale-1"]
	stale.Time = noon.Add(-5 * time.Minute)
	s.samples.Nodes["stale-1"] = stale
	s.node("silent-1", "", nil)
	s.node("pressed-1", "7900Mi", nil, func(node *corev1.Node) {
		node.Status.Conditions[0].Status = corev1.ConditionTrue
		node.Annotations = map[string]string{threshold.EvictionHardAnnotation: "5%"}
	})
	return s
}

func TestNodesShowsMemoryAsKubeletsSeeIt(t *testing.T) {
	for _, test := range []struct {
		file      string
		arguments []string
	}{
		{"nodes.txt", []string{"nodes"}},
		{"nodes-wide.txt", []string{"nodes", "-o", "wide"}},
		{"nodes-selected.txt", []string{"nodes", "-l", "disktype=ssd", "--no-headers"}},
		{"nodes-colored.txt", []string{"nodes", "db-1", "--color", "always"}},
		{"nodes-name.txt", []string{"nodes", "-o", "name"}},
	} {
		t.Run(test.file, func(t *testing.T) {
			stdout, stderr, code := unequal().run(t, test.arguments...)
			if !strings.Contains(test.file, "wide") {
				wantNarrow(t, stdout)
			}
			wantGolden(t, test.file, answer(test.arguments, stdout, stderr, code))
		})
	}
	stdout, _, _ := unequal().run(t, "nodes", "-o", "json")
	wantGolden(t, "nodes.json", stdout)
}

func TestNodesTakesNamesAsItWritesThem(t *testing.T) {
	names, _, _ := unequal().run(t, "nodes", "db-1", "-o", "name")
	for _, command := range []string{"nodes", "victims"} {
		want, _, _ := unequal().run(t, command, "db-1")
		for _, name := range []string{strings.TrimSpace(names), "nodes/db-1"} {
			if got, stderr, code := unequal().run(t, command, name); code != 0 || got != want {
				t.Errorf("%s %s ended with %d, %s%s, want what it says of db-1:\n%s", command, name, code, stderr, got, want)
			}
		}
	}
}

func TestNodesSaysThatNoneIsSelected(t *testing.T) {
	stdout, _, code := unequal().run(t, "nodes", "-l", "pool=none")
	if want := "No node is selected.\n"; stdout != want || code != 0 {
		t.Errorf("ended with %d and %q, want %q", code, stdout, want)
	}
}

// Of what the scheduler's plugins look at, nodes and victims need nodes and pods.
func TestNodesAndVictimsReadNoMoreThanTheyTell(t *testing.T) {
	for _, command := range [][]string{{"nodes"}, {"victims", "web-1"}} {
		t.Run(command[0], func(t *testing.T) {
			s := newShop()
			var client *fake.Clientset
			s.react = func(made *fake.Clientset) { client = made }
			if _, stderr, code := s.run(t, command...); code != codeYes {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
			listed := sets.New[string]()
			for _, action := range client.Actions() {
				if action.GetVerb() == "list" {
					listed.Insert(action.GetResource().Resource)
				}
			}
			// The profile's ConfigMap is looked for by its label.
			if diff := gocmp.Diff([]string{"configmaps", "nodes", "pods"}, sets.List(listed)); diff != "" {
				t.Errorf("lists (-want +got):\n%s", diff)
			}
		})
	}
}

// Too few fresh nodes: requests decide everywhere, and that is said.
func TestNodesSaysThatRequestsDecide(t *testing.T) {
	s := newShop()
	s.samples.Nodes = map[string]sample.Node{"web-1": s.samples.Nodes["web-1"]}
	stdout, _, _ := s.run(t, "nodes")
	if !strings.Contains(stdout, "requests decide on all of them") {
		t.Errorf("it does not say so:\n%s", stdout)
	}
}

func TestVictimsRanksPodsAndContainers(t *testing.T) {
	for _, test := range []struct {
		file      string
		arguments []string
	}{
		{"victims.txt", []string{"victims", "full-1"}},
		{"victims-after.txt", []string{"victims", "full-1", "--after", "1Gi"}},
		{"victims-nobody.txt", []string{"victims", "web-2", "--after", "100Mi"}},
	} {
		t.Run(test.file, func(t *testing.T) {
			stdout, stderr, code := newShop().run(t, test.arguments...)
			wantNarrow(t, stdout)
			wantGolden(t, test.file, answer(test.arguments, stdout, stderr, code))
		})
	}
	stdout, _, _ := newShop().run(t, "victims", "full-1", "--after", "1Gi", "-o", "json")
	wantGolden(t, "victims.json", stdout)
}

func TestWhatCannotBeAnsweredIsAnErrorThatSaysWhatToDo(t *testing.T) {
	for _, test := range []struct {
		arguments []string
		want      string
	}{
		{[]string{"explain", "--replicas", "3"}, "want the name of a pod, or -f FILE"},
		{[]string{"explain", "cart", "-f", "pod.yaml"}, "not both"},
		{[]string{"explain", "cart", "-A"}, "-A lists all pending pods"},
		{[]string{"explain", "nobody"}, `there is no pod "nobody" in namespace "default"`},
		{[]string{"explain", "cart", "--node", "nowhere"}, `there is no node "nowhere"`},
		{[]string{"nodes", "nowhere"}, `there is no node "nowhere"`},
		{[]string{"nodes", "--interval", "1ms"}, "want 1s or more"},
		{[]string{"victims", "nowhere"}, `there is no node "nowhere"`},
		{[]string{"victims", "web-1", "--after", "lots"}, "want a quantity of bytes above 0"},
		{[]string{"nodes", "-o", "xml"}, "want one of table, wide, json, yaml, name"},
		{[]string{"nodes", "--color", "blue"}, "want one of auto, always, never"},
		{[]string{"nodes", "--config", "/nowhere.yaml"}, "no such file"},
	} {
		t.Run(strings.Join(test.arguments, " "), func(t *testing.T) {
			stdout, stderr, code := newShop().run(t, test.arguments...)
			if code != codeError || !strings.Contains(stderr, test.want) || stdout != "" {
				t.Errorf("exit code %d, standard output %q, standard error %q; want %d, nothing and %q", code, stdout, stderr, codeError, test.want)
			}
		})
	}
}

// What is left is by what is promised too; and a kubelet without a threshold evicts nobody.
func TestVictimsSaysWhatIsPromisedAndThatThereIsNoThreshold(t *testing.T) {
	s := newShop()
	s.node("bare-1", "1Gi", nil, func(node *corev1.Node) { node.Status.Allocatable[corev1.ResourceMemory] = resource.MustParse("8Gi") })
	s.objects = append(s.objects, pod("new", "5Gi", func(pod *corev1.Pod) { pod.Spec.NodeName, pod.CreationTimestamp = "bare-1", metav1.NewTime(noon) }))
	const want = "Node bare-1 has 8Gi (memory of the machine, no eviction threshold) and holds 1Gi, with 5Gi promised to pods that start: 2Gi left. "
	stdout, stderr, code := s.run(t, "victims", "bare-1")
	if got := strings.Join(strings.Fields(stdout), " "); code != codeYes || !strings.HasPrefix(got, want) {
		t.Errorf("exit code %d, want %q and got\n%s%s", code, want, stdout, stderr)
	}
}
