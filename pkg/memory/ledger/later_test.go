// SPDX-License-Identifier: Apache-2.0

package ledger_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// A kubelet measures its node, all pods together and each pod at times of their own. A pod that started between two of them is not in the
// node's figures, whatever was measured of it; once it ends, nothing of them is its own.
func TestAPodThatStartedAfterItsNodeWasMeasuredCountsWhole(t *testing.T) {
	init := func(started time.Duration) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{StartedAt: metav1.NewTime(ago(started))}}}}
		}
	}
	restarted := func(p *corev1.Pod) { p.Status.ContainerStatuses[0].RestartCount = 1 }
	for _, test := range []struct {
		name     string
		pod      *corev1.Pod
		measured time.Duration // ago; the node was 20 s ago, at 1000Mi
		want     int64         // MiB left of 3900
	}{
		{"it started after the node was measured", pod("p", 10*time.Second), 2 * time.Second, 3900 - 1000 - 1500},
		{"it ran by then, and may have grown since", pod("p", 25*time.Second), 2 * time.Second, 3900 - 1000},
		{"measured before it grew, with the node", pod("p", 30*time.Second), 20 * time.Second, 3900 - 1000},
		{"an init container of it may have been there", pod("p", 10*time.Second, init(25*time.Second)), 2 * time.Second, 3900 - 1000},
		{"its init container started later, too", pod("p", 10*time.Second, init(15*time.Second)), 2 * time.Second, 3900 - 1000 - 1500},
		{"it was started again, and may have been there before", pod("p", 10*time.Second, restarted), 2 * time.Second, 3900 - 1000},
		{"it is on its way out", pod("p", 10*time.Second, func(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.NewTime(ago(0))) }), 2 * time.Second, 3900 - 1000 - 1500},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := samples(1000*mi, 20*time.Second, nil)
			set.Pods[types.NamespacedName{Namespace: "default", Name: "p"}] = sample.Pod{Measurement: sample.Measurement{Bytes: 1500 * mi, Time: ago(test.measured)}}
			of := func(set *sample.Set) {
				// The kubepods cgroup was measured with the machine.
				measured := set.Nodes["n1"]
				measured.Pods = sample.Measurement{Bytes: 800 * mi, Time: measured.Time}
				set.Nodes["n1"] = measured
			}
			of(set)
			builder := ledger.NewBuilder(options)
			input := ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1")}, Pods: []*corev1.Pod{test.pod}, Samples: set}
			snapshot := builder.Build(input)
			if got := snapshot.Nodes[0].Left; got != test.want*mi {
				t.Errorf("%dMi are left, want %dMi", got/mi, test.want)
			}
			whole := test.want < 3900-1000
			if entry, _ := snapshot.Pod("p"); (entry.Measured == 0) != whole || entry.Counted != 1500*mi {
				t.Errorf("the pod counts for %dMi, of which %dMi are in the node's figures; want 1500Mi, and none of them in it: %t", entry.Counted/mi, entry.Measured/mi, whole)
			}
			if !whole {
				return
			}
			input.Pods = nil
			if got := builder.Build(input).Nodes[0].Left; got != test.want*mi && test.pod.DeletionTimestamp == nil {
				t.Errorf("when it has vanished %dMi are left, want %dMi as before: it may run still", got/mi, test.want)
			}
			input.Ended = func(types.UID) (time.Time, bool) { return ago(time.Second), true }
			if got := builder.Build(input).Nodes[0]; got.Left != (3900-1000)*mi || got.NodeHeld != 1000*mi {
				t.Errorf("once it has ended %dMi are left and %dMi are held, want %dMi and what was measured without it", got.Left/mi, got.NodeHeld/mi, 3900-1000)
			}
		})
	}
}

// All pods together are measured at a time of their own, too: what ended between that and the machine's is in one of the two figures.
func TestWhatEndedIsTakenOffTheFiguresThatShowIt(t *testing.T) {
	for _, test := range []struct {
		name              string
		machine, together time.Duration // when they were measured, ago
		want              [2]int64      // MiB held of the machine and of all pods, by what was measured: 1000 and 800, of which 300 are of the pod
	}{
		{"both before", 20 * time.Second, 20 * time.Second, [2]int64{700, 500}},
		{"the machine before, all pods after", 20 * time.Second, 2 * time.Second, [2]int64{700, 800}},
		{"all pods before, the machine after", 2 * time.Second, 20 * time.Second, [2]int64{1000, 500}},
		{"both after", 2 * time.Second, 2 * time.Second, [2]int64{1000, 800}},
	} {
		t.Run(test.name, func(t *testing.T) {
			builder := ledger.NewBuilder(options)
			measured := func(machine, together time.Duration) *sample.Set {
				set := samples(1000*mi, machine, nil)
				set.Nodes["n1"] = sample.Node{Measurement: set.Nodes["n1"].Measurement, Pods: sample.Measurement{Bytes: 800 * mi, Time: ago(together)}}
				return set
			}
			before := measured(30*time.Second, 30*time.Second)
			before.Pods[types.NamespacedName{Namespace: "default", Name: "p"}] = sample.Pod{Measurement: sample.Measurement{Bytes: 300 * mi, Time: ago(30 * time.Second)}}
			builder.Build(ledger.Input{Now: ago(25 * time.Second), Nodes: []*corev1.Node{node("n1")}, Pods: []*corev1.Pod{pod("p", time.Hour)}, Samples: before})
			after := builder.Build(ledger.Input{
				Now: now, Nodes: []*corev1.Node{node("n1")}, Samples: measured(test.machine, test.together),
				Ended: func(types.UID) (time.Time, bool) { return ago(10 * time.Second), true },
			}).Nodes[0]
			if got := [2]int64{after.NodeHeld / mi, after.PodsHeld / mi}; got != test.want {
				t.Errorf("the machine and all pods hold %v MiB, want %v", got, test.want)
			}
		})
	}
}

// A read that lacks what all pods hold together leaves the figure of the read before, which may be that of another machine.
func TestWhatAllPodsHeldOnAnEarlierMachineIsNotKnownOfThisOne(t *testing.T) {
	next := node("n1")
	next.CreationTimestamp = metav1.NewTime(ago(10 * time.Second))
	set := samples(500*mi, 5*time.Second, nil)
	set.Nodes["n1"] = sample.Node{Measurement: set.Nodes["n1"].Measurement, Pods: sample.Measurement{Bytes: 5000 * mi, Time: ago(20 * time.Second)}} // more than this one has
	got := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{next}, Samples: set})
	if len(got.Refused) > 0 || got.Nodes[0].State != ledger.Fresh || got.Nodes[0].PodsHeld != 0 {
		t.Errorf("refused %v, %s, all pods hold %dMi; want a fresh sample of a machine without pods", got.Refused, got.Nodes[0].State, got.Nodes[0].PodsHeld/mi)
	}
}
