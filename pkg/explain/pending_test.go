// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/explain/cluster"
	"github.com/headroom-dev/headroom/pkg/explain/profile"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

// halfFull measures 4 GiB on every node, ten seconds ago.
type halfFull []string

func (names halfFull) Read(context.Context) (*sample.Set, error) {
	set := &sample.Set{Nodes: map[string]sample.Node{}, Pods: map[types.NamespacedName]sample.Pod{}}
	for _, name := range names {
		set.Nodes[name] = sample.Node{Measurement: sample.Measurement{Bytes: 4 << 30, Time: noon.Add(-10 * time.Second)}}
	}
	return set, nil
}

// open returns the shipped scheduler over two nodes of 8 GiB that hold 4 GiB each, and the pods.
func open(t *testing.T, pods ...*corev1.Pod) *Scheduler {
	t.Helper()
	return openOver(t, func(*corev1.Node) {}, pods...)
}

// openOver does so after its nodes were changed.
func openOver(t *testing.T, change func(*corev1.Node), pods ...*corev1.Pod) *Scheduler {
	t.Helper()
	var objects []runtime.Object
	for _, pod := range pods {
		objects = append(objects, pod)
	}
	return openAs(t, shipped(t), change, objects...)
}

func shipped(t *testing.T) *profile.Profile {
	t.Helper()
	with, err := profile.OfBinary()
	if err != nil {
		t.Fatal(err)
	}
	return with
}

// openAs does so with another profile, and other objects than pods.
func openAs(t *testing.T, with *profile.Profile, change func(*corev1.Node), objects ...runtime.Object) *Scheduler {
	t.Helper()
	names := halfFull{"a", "b"}
	objects = append(objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	for _, name := range names {
		memory := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("8Gi"), corev1.ResourcePods: resource.MustParse("110")}
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{Capacity: memory, Allocatable: memory}}
		change(node)
		objects = append(objects, node)
	}
	of := cluster.Over(fake.NewClientset(objects...), &rest.Config{Host: "http://127.0.0.1:9"})
	scheduler, err := Open(t.Context(), Options{Cluster: of, Profile: with, Clock: clocktesting.NewFakePassiveClock(noon), Source: names})
	if err != nil {
		t.Fatal(err)
	}
	return scheduler
}

// cycleOf runs PreFilter and Filter for a pending pod.
func cycleOf(t *testing.T, s *Scheduler, pod *corev1.Pod) *cycle {
	t.Helper()
	of, _, err := s.framework(pod.Spec.SchedulerName)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.newCycle(t.Context(), of, asPending(pod))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pending is a pod that a scheduler has tried and found no node for.
func pending(name, request string, changes ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name), CreationTimestamp: metav1.NewTime(noon.Add(-time.Hour))},
		Spec: corev1.PodSpec{SchedulerName: profile.Shipped, Containers: []corev1.Container{{
			Name: "main", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(request)}},
		}}},
		Status: corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse}}},
	}
	for _, change := range changes {
		change(pod)
	}
	return pod
}

func TestPendingPodsAreGroupedByTheirMainCause(t *testing.T) {
	gated := func(pod *corev1.Pod) { pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "quota"}} }
	gone := func(pod *corev1.Pod) {
		pod.DeletionTimestamp = new(metav1.NewTime(noon))
		pod.Finalizers = []string{"example.com/wait"}
	}
	elsewhere := func(pod *corev1.Pod) { pod.Namespace = "elsewhere" }
	placed := func(pod *corev1.Pod) { pod.Spec.NodeName = "a" }
	unread := func(pod *corev1.Pod) {
		pod.Namespace = "unread"
		generation := corev1.NodeSelectorRequirement{Key: "generation", Operator: corev1.NodeSelectorOpGt, Values: []string{"new"}}
		pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{
			{Weight: 1, Preference: corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{generation}}},
		}}}
	}
	onlyA := func(pod *corev1.Pod) {
		name := corev1.NodeSelectorRequirement{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{"a"}}
		pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution = &corev1.NodeSelector{
			NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{name}}},
		}
	}
	pods := []*corev1.Pod{
		pending("choosy", "1Gi", unread), pending("bound", "1Gi", unread, onlyA),
		pending("large-1", "6Gi"), pending("large-2", "6Gi"), pending("far", "6Gi", elsewhere), pending("small", "1Gi"),
		pending("gated", "1Gi", gated), pending("gone", "1Gi", gone), pending("placed", "1Gi", placed),
	}
	const full = "HeadroomMemory: had too little memory left before eviction"
	const unscored = `none of their feasible nodes is chosen, for they cannot be scored: running PreScore plugin "HeadroomNodeAffinity": ` +
		`[0].matchExpressions[0].values[0]: Invalid value: "new": for 'Gt', 'Lt' operators, the value must be an integer`
	for _, test := range []struct {
		name, namespace string
		want            []string
	}{
		{"all namespaces", "", []string{
			full + ": [default/large-1 default/large-2 elsewhere/far]",
			"held back by scheduling gates: quota: [default/gated]",
			unscored + ": [unread/choosy]",
			fitsNow + ": [default/small unread/bound]",
		}},
		{"one of them", "elsewhere", []string{full + ": [elsewhere/far]"}},
		{"one without pods", "empty", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			list, err := open(t, pods...).Pending(t.Context(), test.namespace)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, group := range list.Groups {
				var names []PodName
				for _, pod := range group.Pods {
					names = append(names, pod.Pod)
				}
				got = append(got, fmt.Sprintf("%s: %v", group.Cause, names))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Both nodes lack the label to spread by, and one is cordoned besides: to uncordon that one would not help.
func TestOfCausesOfAsManyNodesThatWhichIsAloneIsTheMainOne(t *testing.T) {
	pod := pending("web", "1Gi", spreadOver("rack"))
	list, err := openOver(t, func(node *corev1.Node) { node.Spec.Unschedulable = node.Name == "b" }, pod).Pending(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Groups) != 1 || !strings.HasPrefix(list.Groups[0].Cause, "PodTopologySpread: ") || list.Groups[0].Pods[0].Nearest.Node != "a" {
		t.Errorf("groups %+v, want one by PodTopologySpread, with a as the nearest", list.Groups)
	}
}

// Pods of one template differ in the volume of their token alone, and are judged once.
func TestPodsThatAskForTheSameAreJudgedOnce(t *testing.T) {
	token := func(name string) func(*corev1.Pod) {
		return func(pod *corev1.Pod) {
			pod.Spec.Volumes = []corev1.Volume{{Name: name, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{}}}}
		}
	}
	selecting := func(pod *corev1.Pod) { pod.Spec.NodeSelector = map[string]string{"zone": "a"} }
	for _, test := range []struct {
		name string
		a, b *corev1.Pod
		want bool
	}{
		{"but for their tokens", pending("a", "1Gi", token("kube-api-access-x")), pending("b", "1Gi", token("kube-api-access-y")), true},
		{"another request", pending("a", "1Gi"), pending("b", "2Gi"), false},
		{"another selector", pending("a", "1Gi"), pending("b", "1Gi", selecting), false},
		{"another claim, made from the same template", pending("a", "1Gi", claiming("gpu-a")), pending("b", "1Gi", claiming("gpu-b")), false},
		{"another namespace", pending("a", "1Gi"), pending("b", "1Gi", func(pod *corev1.Pod) { pod.Namespace = "other" }), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, errA := askedFor(test.a)
			b, errB := askedFor(test.b)
			if errA != nil || errB != nil || (a == b) != test.want {
				t.Errorf("same: %t, want %t (%v, %v)", a == b, test.want, errA, errB)
			}
		})
	}
}
