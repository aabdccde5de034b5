// SPDX-License-Identifier: Apache-2.0

package ledger_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// A pod of 1500Mi crashes beside one of 300Mi. While it waits to be started again its kubelet does not list it, and the cgroup does not
// hold it; when it runs again it begins with little. All the while it counts for what it will hold again.
func TestAPodThatCrashesCountsForWhatItWillHoldAgain(t *testing.T) {
	tight := node("n1")
	tight.Status.Allocatable[corev1.ResourceMemory] = *resource.NewQuantity(3000*mi, resource.BinarySI)
	measure := func(at time.Duration, held int64, pods map[string]int64) *sample.Set {
		set := samples(held, -at, pods)
		line := set.Nodes["n1"]
		line.Pods = sample.Measurement{Bytes: held, Time: now.Add(at)}
		set.Nodes["n1"] = line
		return set
	}
	crashed := func(p *corev1.Pod) {
		p.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
		p.Status.ContainerStatuses[0].RestartCount, p.Status.Conditions[0].Status = 1, corev1.ConditionFalse
	}
	again := func(p *corev1.Pod) {
		crashed(p)
		p.Status.ContainerStatuses[0].State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(now.Add(20 * time.Second))}}
	}
	without := measure(15*time.Second, 320*mi, map[string]int64{"steady": 300 * mi})
	without.Pods[types.NamespacedName{Namespace: "default", Name: "crashes"}] = sample.Pod{Measurement: sample.Measurement{Bytes: 1500 * mi, Time: now, Missed: 1}}
	starting := pod("starts", 12*time.Second)
	starting.Status.ContainerStatuses[0].State.Running.StartedAt = metav1.NewTime(now.Add(-12 * time.Second))
	missed := measure(15*time.Second, 1820*mi, map[string]int64{"steady": 300 * mi})
	missed.Pods[types.NamespacedName{Namespace: "default", Name: "crashes"}] = sample.Pod{Measurement: sample.Measurement{Bytes: 1500 * mi, Time: now, Missed: 1}}
	leaving := func(p *corev1.Pod) {
		crashed(p)
		p.DeletionTimestamp = &metav1.Time{Time: now}
	}
	for _, test := range []struct {
		name  string
		steps []ledger.Input
		want  []int64 // left, in MiB
	}{
		{"it waits to be started again, and is", []ledger.Input{
			{Now: now, Pods: []*corev1.Pod{pod("steady", time.Hour), pod("crashes", time.Hour)}, Samples: measure(0, 1820*mi, map[string]int64{"steady": 300 * mi, "crashes": 1500 * mi})},
			{Now: now.Add(16 * time.Second), Pods: []*corev1.Pod{pod("steady", time.Hour), pod("crashes", time.Hour, crashed)}, Samples: without},
			{Now: now.Add(31 * time.Second), Pods: []*corev1.Pod{pod("steady", time.Hour), pod("crashes", time.Hour, again)},
				Samples: measure(30*time.Second, 370*mi, map[string]int64{"steady": 300 * mi, "crashes": 50 * mi})},
		}, []int64{1180, 1180, 1180}},
		{"it is not listed for once, though it runs: the cgroup holds it", []ledger.Input{
			{Now: now.Add(16 * time.Second), Pods: []*corev1.Pod{pod("steady", time.Hour), pod("crashes", time.Hour)}, Samples: without},
		}, []int64{2680}},
		{"it is not listed for once, though it runs, and another starts: what the cgroup holds is not that one's", []ledger.Input{
			{Now: now, Pods: []*corev1.Pod{pod("steady", time.Hour), pod("crashes", time.Hour)}, Samples: measure(0, 1820*mi, map[string]int64{"steady": 300 * mi, "crashes": 1500 * mi})},
			{Now: now.Add(16 * time.Second), Pods: []*corev1.Pod{pod("steady", time.Hour), pod("crashes", time.Hour), starting}, Samples: missed},
		}, []int64{1180, 780}},
		{"it is on its way out, and has stopped", []ledger.Input{
			{Now: now.Add(16 * time.Second), Pods: []*corev1.Pod{pod("steady", time.Hour), pod("crashes", time.Hour, leaving)}, Samples: without},
		}, []int64{2680}},
	} {
		t.Run(test.name, func(t *testing.T) {
			builder := ledger.NewBuilder(options)
			for i, step := range test.steps {
				step.Nodes = []*corev1.Node{tight}
				if got := builder.Build(step).Nodes[0].Left / mi; got != test.want[i] {
					t.Errorf("book %d: left = %dMi, want %dMi", i, got, test.want[i])
				}
			}
		})
	}
}
