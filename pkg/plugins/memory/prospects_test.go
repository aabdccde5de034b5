// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// Pods that ask alike and were judged alike are looked at once. Each is told what it would be if it were looked at alone.
func TestProspectsAreSharedByPodsOfWhichTheyAreTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := make([]*corev1.Node, rapid.IntRange(1, 6).Draw(t, "nodes"))
		order := make([]int, len(nodes))
		for i := range order {
			order[i] = i
		}
		bookOf := func(label string) *book {
			fleet := newFleet(nil)
			for _, i := range rapid.Permutation(order).Draw(t, label) {
				fleet.node(fmt.Sprint("n", i), int64(rapid.IntRange(5, 38).Draw(t, "held"))*100*mi, 0)
			}
			return fleet.publish()
		}
		waiting := newWaiting(nil, nil)
		for i := range nodes {
			nodes[i] = &corev1.Node{Spec: corev1.NodeSpec{Unschedulable: rapid.IntRange(0, 4).Draw(t, "cordoned") == 0}}
			nodes[i].Name = fmt.Sprint("n", i)
			if rapid.IntRange(0, 4).Draw(t, "tainted") == 0 {
				nodes[i].Spec.Taints = []corev1.Taint{{Key: "gpu", Effect: corev1.TaintEffectNoSchedule}}
			}
			nodes[i].Labels = map[string]string{"disktype": rapid.SampledFrom([]string{"ssd", "hdd"}).Draw(t, "disktype")}
		}
		waiting.node = func(name string) *corev1.Node {
			i := slices.IndexFunc(nodes, func(node *corev1.Node) bool { return node.Name == name })
			return nodes[i]
		}
		first, second, now := bookOf("first"), bookOf("second"), bookOf("now")
		needs := map[*waiter]int64{}
		waiters := make([]*waiter, rapid.IntRange(1, 8).Draw(t, "waiters"))
		for i := range waiters {
			pod, needed := newPod(fmt.Sprint("p", i), 0), int64(rapid.IntRange(1, 3).Draw(t, "needed"))*1000*mi
			if disk := rapid.SampledFrom([]string{"", "ssd", "hdd"}).Draw(t, "asks for"); disk != "" {
				pod.Spec.NodeSelector = map[string]string{"disktype": disk}
			}
			if rapid.Bool().Draw(t, "tolerates") {
				pod.Spec.Tolerations = []corev1.Toleration{{Key: "gpu", Operator: corev1.TolerationOpExists}}
			}
			waiters[i] = &waiter{pod: pod, requires: requires(pod), judged: waiting.never}
			if by := rapid.SampledFrom([]int{0, 1, 2}).Draw(t, "judged by"); by > 0 {
				judge := []*book{first, second}[by-1]
				waiters[i].judged, waiters[i].offered = judge.judgement, judge.offering(int64(rapid.IntRange(1, 3).Draw(t, "offered"))*1000*mi)
			}
			needs[waiters[i]] = needed
		}
		for i := range waiters { // some share the very set, as replicas do
			if j := rapid.IntRange(0, i).Draw(t, "shares with"); rapid.Bool().Draw(t, "shares") {
				waiters[i].judged, waiters[i].offered = waiters[j].judged, waiters[j].offered
			}
		}
		shared := newProspects(waiting, now)
		for _, waiter := range waiters {
			alone := newProspects(waiting, now)
			want, got := alone.of(*waiter, needs[waiter]), shared.of(*waiter, needs[waiter])
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(prospect{})); diff != "" {
				t.Errorf("%s (-alone +among others):\n%s", waiter.pod.Name, diff)
			}
		}
	})
}

// Memory that returns on a node with a taint is for pods that tolerate it, whoever comes before them.
func TestATaintedNodesMemoryWakesWhoToleratesTheTaint(t *testing.T) {
	var woken activations
	fleet := newFleet(&woken).node("gpu", 3800*mi, 0)
	fleet.nodes[0].Spec.Taints = []corev1.Taint{{Key: "gpu", Effect: corev1.TaintEffectNoSchedule}}
	fleet.plugin.waiting.node = func(string) *corev1.Node { return fleet.nodes[0] }
	fleet.publish()
	for i := range 5 {
		fleet.reject(t, newPod(fmt.Sprint("other-", i), 500*mi))
	}
	tolerates := newPod("tolerates", 500*mi)
	tolerates.Spec.Tolerations = []corev1.Toleration{{Key: "gpu", Operator: corev1.TolerationOpExists}}
	fleet.reject(t, tolerates)
	fleet.samples.Nodes["gpu"] = sample.Node{Measurement: sample.Measurement{Bytes: 3300 * mi, Time: now}}
	fleet.plugin.waiting.wake(klog.Background(), fleet.publish())
	if diff := cmp.Diff(activations{"default/tolerates"}, woken); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
}

// Of a node whose sample has become old nothing is known but what pods request: no more are woken than that leaves room for, and none
// if the node does not answer at all.
func TestANodeThatFallsSilentDoesNotWakeEveryPod(t *testing.T) {
	for _, test := range []struct {
		name   string
		taints []corev1.Taint
		others int64 // Mi that are requested by others
		want   int
	}{
		{"its kubelet goes on", nil, 0, 3},
		{"its kubelet goes on, and it is full by requests: one pod may preempt others", nil, 3900, 1},
		{"its kubelet is gone", []corev1.Taint{{Key: corev1.TaintNodeUnreachable, Effect: corev1.TaintEffectNoSchedule}}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var woken activations
			fleet := newFleet(&woken).node("silent", 3800*mi, 0).node("n2", 3800*mi, 0).node("n3", 3800*mi, 0)
			fleet.plugin.waiting.node = func(name string) *corev1.Node {
				return fleet.nodes[slices.IndexFunc(fleet.nodes, func(node *corev1.Node) bool { return node.Name == name })]
			}
			fleet.publish()
			for i := range 100 {
				fleet.reject(t, newPod(fmt.Sprint("p", i), 1200*mi)) // of 3900Mi that are allocatable
			}
			fleet.samples.Nodes["silent"] = sample.Node{Measurement: sample.Measurement{Bytes: 3800 * mi, Time: now.Add(-5 * time.Minute)}}
			fleet.nodes[0].Spec.Taints = test.taints
			if test.others > 0 {
				fleet.running("others", "silent", test.others*mi, 0)
			}
			fleet.plugin.waiting.wake(klog.Background(), fleet.publish())
			if len(woken) != test.want {
				t.Errorf("%d pods are woken, want %d", len(woken), test.want)
			}
		})
	}
}

// A pod that requests nothing has room by requests on any node, however much it declares.
func TestPodsWithoutRequestAreWokenForASilentNode(t *testing.T) {
	var woken activations
	fleet := newFleet(&woken).node("silent", 3800*mi, 0).node("n2", 3800*mi, 0).node("n3", 3800*mi, 0)
	fleet.running("others", "silent", 3900*mi, 0)
	fleet.plugin.waiting.node = func(string) *corev1.Node { return fleet.nodes[0] }
	fleet.publish()
	for i := range 5 {
		pod := newPod(fmt.Sprint("p", i), 0)
		pod.Annotations = map[string]string{forecast.PeakAnnotation: "1200Mi"}
		fleet.reject(t, pod)
	}
	fleet.samples.Nodes["silent"] = sample.Node{Measurement: sample.Measurement{Bytes: 3800 * mi, Time: now.Add(-5 * time.Minute)}}
	fleet.plugin.waiting.wake(klog.Background(), fleet.publish())
	if len(woken) != 5 {
		t.Errorf("%d pods are woken, want all 5", len(woken))
	}
}

// Pods that wait for their turn are judged by the book that first rejected them, of which they keep no more than where its nodes are.
func TestPodsThatWaitHoldNoBooks(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3800*mi, 0)
	fleet.publish()
	fleet.reject(t, newPod("p", 500*mi))
	collected := make(chan struct{})
	runtime.AddCleanup(fleet.plugin.books.current().snapshot, func(struct{}) { close(collected) }, struct{}{})
	fleet.publish()
	fleet.filter(t, 0, "n1") // The plugin holds what its last cycle was about.
	for range 100 {
		runtime.GC()
		select {
		case <-collected:
			if fleet.plugin.waiting.count() != 1 {
				t.Error("the pod does not wait any more")
			}
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Error("the snapshot that nobody needs is still there")
}
