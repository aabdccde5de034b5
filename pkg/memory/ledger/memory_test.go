// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// While the source is down, no newer sample ends what is remembered of pods that come and go.
func TestPodsThatWentAreForgottenWhileTheSourceIsDown(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	memory := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("4Gi")}
	nodes := []*corev1.Node{{ObjectMeta: metav1.ObjectMeta{Name: "n1"}, Status: corev1.NodeStatus{Capacity: memory, Allocatable: memory}}}
	builder := NewBuilder(Options{FreshFor: 90 * time.Second, Estimator: forecast.Prior{}})
	set := &sample.Set{Nodes: map[string]sample.Node{"n1": {Measurement: sample.Measurement{Bytes: 1 << 30, Time: now}}}, Pods: map[types.NamespacedName]sample.Pod{}}
	var pods []*corev1.Pod
	for i := range 100 {
		name, started := fmt.Sprint("p", i), metav1.NewTime(now.Add(-time.Hour))
		pods = append(pods, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)}, Spec: corev1.PodSpec{NodeName: "n1"}, Status: corev1.PodStatus{StartTime: &started}})
		set.Pods[types.NamespacedName{Name: name}] = sample.Pod{Measurement: sample.Measurement{Bytes: 1 << 20, Time: now}}
	}
	for _, step := range []struct {
		after time.Duration
		pods  []*corev1.Pod
		want  int
	}{{0, pods, 100}, {time.Second, nil, 100}, {time.Minute, nil, 100}, {92 * time.Second, nil, 0}} {
		builder.Build(Input{Now: now.Add(step.after), Nodes: nodes, Pods: step.pods, Samples: set})
		if got := len(builder.pods); got != step.want {
			t.Errorf("after %s: %d pods are remembered, want %d", step.after, got, step.want)
		}
	}
}

func TestNodesThatWentAreForgotten(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	memory := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("4Gi")}
	builder := NewBuilder(Options{FreshFor: 90 * time.Second, Estimator: forecast.Prior{}})
	for i := range 3 {
		name := fmt.Sprint("n", i)
		measured := sample.Measurement{Bytes: 1 << 30, Time: now}
		builder.Build(Input{
			Now: now, Samples: &sample.Set{Nodes: map[string]sample.Node{name: {Measurement: measured, Pods: measured}}},
			Nodes: []*corev1.Node{{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{Capacity: memory, Allocatable: memory}}},
		})
		if _, ok := builder.usual[machine{name: name}]; !ok || len(builder.usual) != 1 {
			t.Errorf("what is usual on nodes is %v, want that of %s alone", builder.usual, name)
		}
	}
}

func TestWhatWasUsualOnANodeIsForgottenWithTheMachine(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	memory := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("4Gi")}
	measured := sample.Measurement{Bytes: 1 << 30, Time: now}
	set := &sample.Set{Nodes: map[string]sample.Node{"n1": {Measurement: measured, Pods: measured}}}
	builder := NewBuilder(Options{FreshFor: 90 * time.Second, Estimator: forecast.Prior{}})
	for _, step := range []struct {
		created time.Duration // after the sample
		usual   int
	}{{-time.Hour, 1}, {time.Second, 0}} { // the second time another machine has the name
		node := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: "n1", UID: types.UID(step.created.String()), CreationTimestamp: metav1.NewTime(now.Add(step.created))},
			Status:     corev1.NodeStatus{Capacity: memory, Allocatable: memory},
		}
		builder.Build(Input{Now: now.Add(2 * time.Second), Samples: set, Nodes: []*corev1.Node{node}})
		if len(builder.usual) != step.usual {
			t.Errorf("on a node that was made %s after its sample, %v is usual, want %d figures", step.created, builder.usual, step.usual)
		}
	}
}

// The sample of the machine that was there before may never be seen again.
func TestWhatWasUsualOnAMachineIsNotUsualOnTheNextOfItsName(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	memory := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("4Gi")}
	builder := NewBuilder(Options{FreshFor: 90 * time.Second, Estimator: forecast.Prior{}})
	for i, uid := range []types.UID{"first", "second"} {
		measured := sample.Measurement{Bytes: int64(1+i) << 30, Time: now}
		builder.Build(Input{
			Now: now, Samples: &sample.Set{Nodes: map[string]sample.Node{"n1": {Measurement: measured, Pods: measured}}},
			Nodes: []*corev1.Node{{ObjectMeta: metav1.ObjectMeta{Name: "n1", UID: uid}, Status: corev1.NodeStatus{Capacity: memory, Allocatable: memory}}},
		})
		if diff := cmp.Diff(map[machine]int64{{"n1", uid}: measured.Bytes}, builder.usual, cmp.AllowUnexported(machine{})); diff != "" {
			t.Errorf("what is usual on the %s machine (-want +got):\n%s", uid, diff)
		}
	}
}

func TestASampleIsNotImpossibleOnANodeOfUnknownSize(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	started := metav1.NewTime(now.Add(-time.Hour))
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", UID: "p"}, Spec: corev1.PodSpec{NodeName: "n1"}, Status: corev1.PodStatus{StartTime: &started}}
	set := &sample.Set{Pods: map[types.NamespacedName]sample.Pod{{Name: "p"}: {Measurement: sample.Measurement{Bytes: 1 << 20, Time: now}}}}
	snapshot := NewBuilder(Options{FreshFor: 90 * time.Second, Estimator: forecast.Prior{}}).Build(Input{
		Now: now, Samples: set, Nodes: []*corev1.Node{{ObjectMeta: metav1.ObjectMeta{Name: "n1"}}}, Pods: []*corev1.Pod{pod},
	})
	if entry, ok := snapshot.Pod("p"); !ok || entry.Measured != 1<<20 || len(snapshot.Refused) > 0 {
		t.Errorf("the pod counts as %+v, and %v was refused, want its sample", entry, snapshot.Refused)
	}
}

// A pod that became ready a moment ago did not have the minutes to grow that are credited to one of age.
func TestAYoungPodIsCreditedWithTheTimeThatItRan(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, test := range []struct{ ready, learned, want time.Duration }{
		{70 * time.Second, 0, 70 * time.Second},
		{time.Hour, 0, firstCredit},
		{time.Hour, 15 * time.Second, 15 * time.Second},
		{time.Hour, 20 * time.Minute, 20 * time.Minute},
	} {
		pod := &corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, LastTransitionTime: metav1.NewTime(now.Add(-test.ready))}}}}
		known := &record{}
		if test.learned > 0 {
			known.learned = now.Add(-test.learned)
		}
		if got := known.ran(pod, now); got != test.want {
			t.Errorf("ready for %s and told of %s ago: %s, want %s", test.ready, test.learned, got, test.want)
		}
	}
}
