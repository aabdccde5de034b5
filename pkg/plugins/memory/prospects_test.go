// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"
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
			waiters[i] = &waiter{pod: pod, requires: requires(pod), judged: waiting.never}
			if by := rapid.SampledFrom([]int{0, 1, 2}).Draw(t, "judged by"); by > 0 {
				judge := []*book{first, second}[by-1]
				waiters[i].judged, waiters[i].offered = judge.snapshot, judge.offering(int64(rapid.IntRange(1, 3).Draw(t, "offered"))*1000*mi)
			}
			needs[waiters[i]] = needed
		}
		for i := range waiters { // some share the very set, as replicas do
			if j := rapid.IntRange(0, i).Draw(t, "shares with"); rapid.Bool().Draw(t, "shares") {
				waiters[i].judged, waiters[i].offered = waiters[j].judged, waiters[j].offered
			}
		}
		shared := prospects{waiting: waiting, now: now, known: map[question]*prospect{}, offering: map[int64]nodeSet{}}
		for _, waiter := range waiters {
			alone := prospects{waiting: waiting, now: now, known: map[question]*prospect{}, offering: map[int64]nodeSet{}}
			want, got := alone.of(*waiter, needs[waiter]), shared.of(*waiter, needs[waiter])
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(prospect{})); diff != "" {
				t.Errorf("%s (-alone +among others):\n%s", waiter.pod.Name, diff)
			}
		}
	})
}
