// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"fmt"
	"testing"
	"time"

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
		if _, ok := builder.usual[name]; !ok || len(builder.usual) != 1 {
			t.Errorf("what is usual on nodes is %v, want that of %s alone", builder.usual, name)
		}
	}
}
