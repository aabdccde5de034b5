// SPDX-License-Identifier: Apache-2.0

package ledger_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

func TestASampleCountsOnlyForThePodThatItIsOf(t *testing.T) {
	static := func(p *corev1.Pod) {
		p.Annotations = map[string]string{"kubernetes.io/config.hash": "file", corev1.MirrorPodAnnotationKey: "file"}
	}
	for _, test := range []struct {
		name        string
		pod         *corev1.Pod
		uid         types.UID // that the source tells
		bytes       int64
		want        int64 // measured
		wantRefused map[sample.Reason]int
	}{
		{"the source knows names only", pod("p", time.Hour), "", 300 * mi, 300 * mi, nil},
		{"of this pod", pod("p", time.Hour), "p", 300 * mi, 300 * mi, nil},
		{"of an earlier pod of the name", pod("p", time.Hour), "before", 300 * mi, 0, map[sample.Reason]int{sample.ReasonEarlier: 1}},
		{"a static pod has another UID at its kubelet", pod("p", time.Hour, static), "file", 300 * mi, 300 * mi, nil},
		{"of an earlier file of a static pod", pod("p", time.Hour, static), "file-before", 300 * mi, 0, map[sample.Reason]int{sample.ReasonEarlier: 1}},
		{"taken before the pod was there", pod("p", -1, func(p *corev1.Pod) { p.CreationTimestamp = metav1.NewTime(now) }), "", 300 * mi, 0,
			map[sample.Reason]int{sample.ReasonEarlier: 1}},
		{"more than the machine has", pod("p", time.Hour), "", 5000 * mi, 0, map[sample.Reason]int{sample.ReasonImpossible: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := samples(1000*mi, 20*time.Second, nil)
			set.Pods[types.NamespacedName{Namespace: "default", Name: "p"}] = sample.Pod{UID: test.uid, Measurement: sample.Measurement{Bytes: test.bytes, Time: ago(20 * time.Second)}}
			snapshot := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1")}, Pods: []*corev1.Pod{test.pod}, Samples: set})
			if got, _ := snapshot.Pod("p"); got.Measured != test.want {
				t.Errorf("measured = %dMi, want %dMi", got.Measured/mi, test.want/mi)
			}
			if diff := cmp.Diff(test.wantRefused, refused(snapshot)); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
		})
	}
}

// refused returns how many samples were refused, by reason.
func refused(snapshot *ledger.Snapshot) (counts map[sample.Reason]int) {
	for reason, samples := range snapshot.Refused {
		if counts == nil {
			counts = map[sample.Reason]int{}
		}
		counts[reason] = samples.Count
	}
	return counts
}

func TestSamplesThatCannotBeTrueOfTheirNodeAreRefused(t *testing.T) {
	set := samples(4001*mi, 0, nil)
	set.Nodes["gone"] = sample.Node{Measurement: sample.Measurement{Bytes: mi, Time: now}}
	set.Nodes["n2"] = sample.Node{Measurement: sample.Measurement{Bytes: mi, Time: now}, Pods: sample.Measurement{Bytes: 4001 * mi, Time: now}}
	set.Nodes["n4"] = sample.Node{Measurement: sample.Measurement{Bytes: mi, Time: now.Add(2 * time.Minute)}}
	snapshot := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1"), node("n2"), node("n3"), node("n4")}, Samples: set})
	for _, node := range snapshot.Nodes {
		if node.State != ledger.Absent {
			t.Errorf("%s is %v, want absent: nothing that can be true is known of it", node.Name, node.State)
		}
	}
	if diff := cmp.Diff(map[sample.Reason]int{sample.ReasonImpossible: 2, sample.ReasonUnknown: 1, sample.ReasonFuture: 1}, refused(snapshot)); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
	if got := snapshot.Refused[sample.ReasonUnknown].Example(); got != "gone" {
		t.Errorf("of what nobody knows %q is named, want the node", got)
	}
}

func TestTheKubepodsCgroupStandsInForTheSamplesOfPods(t *testing.T) {
	reserved := node("n1")
	reserved.Status.Allocatable[corev1.ResourceMemory] = *resource.NewQuantity(2000*mi, resource.BinarySI)
	set := samples(1500*mi, 0, map[string]int64{"p": 700 * mi})
	set.Nodes["n1"] = sample.Node{Measurement: set.Nodes["n1"].Measurement, Pods: sample.Measurement{Bytes: 900 * mi, Time: now}}
	snapshot := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{reserved},
		Pods: []*corev1.Pod{pod("p", time.Hour), pod("starting", -1)}, Samples: set})
	if got, want := snapshot.Nodes[0].Left, 2000*mi-900*mi-400*mi; got != want {
		t.Errorf("Left = %dMi, want %dMi: allocatable - kubepods - the pod that is starting", got/mi, want/mi)
	}
}

func TestOldAndEmptyFiguresOfPodsSayNothing(t *testing.T) {
	for _, test := range []struct {
		name    string
		figure  sample.Measurement
		wantHas bool
	}{
		{"as young as it may be", sample.Measurement{Bytes: 100 * mi, Time: ago(90 * time.Second)}, true},
		{"too old, beside a young figure of its node", sample.Measurement{Bytes: 100 * mi, Time: ago(91 * time.Second)}, false},
		{"nothing", sample.Measurement{Time: now}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := samples(1000*mi, 0, nil)
			set.Pods[types.NamespacedName{Namespace: "default", Name: "p"}] = sample.Pod{Measurement: test.figure}
			got, _ := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1")}, Pods: []*corev1.Pod{pod("p", time.Hour)}, Samples: set}).Pod("p")
			want := ledger.Pod{Measured: 100 * mi, Counted: 100 * mi, Peak: 600 * mi}
			if !test.wantHas {
				want = ledger.Pod{InNode: true, Counted: 400 * mi, Peak: 600 * mi}
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(ledger.Pod{}, "Course")); diff != "" {
				t.Errorf("pod (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnOldFigureOfTheKubepodsCgroupSaysNothing(t *testing.T) {
	reserved := node("n1")
	reserved.Status.Allocatable[corev1.ResourceMemory] = *resource.NewQuantity(2000*mi, resource.BinarySI)
	set := samples(1500*mi, 0, map[string]int64{"p": 700 * mi})
	set.Nodes["n1"] = sample.Node{Measurement: set.Nodes["n1"].Measurement, Pods: sample.Measurement{Bytes: 100 * mi, Time: ago(91 * time.Second)}}
	line := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{reserved}, Pods: []*corev1.Pod{pod("p", time.Hour)}, Samples: set}).Nodes[0]
	if want := 2000*mi - 700*mi - mi; line.Left != want {
		t.Errorf("Left = %dMi, want %dMi: by the samples of pods", line.Left/mi, want/mi)
	}
}

func TestWhatCouldGoWithPodsOfWhichPriority(t *testing.T) {
	// The node holds 1000Mi.
	for _, test := range []struct {
		name       string
		sampled    map[string]int64
		priorities map[string]int32
		want       ledger.Removable
	}{
		{"all were measured", map[string]int64{"a": 100 * mi, "b": 200 * mi}, nil, ledger.Removable{{Priority: 0, Bytes: 300 * mi}}},
		{"one was not: all that is held", map[string]int64{"a": 100 * mi}, nil, ledger.Removable{{Priority: 0, Bytes: 1000 * mi}}},
		{"two priorities", map[string]int64{"a": 100 * mi, "b": 200 * mi}, map[string]int32{"a": 7},
			ledger.Removable{{Priority: 0, Bytes: 200 * mi}, {Priority: 7, Bytes: 300 * mi}}},
		{"the lower was not measured: all but what the other holds", map[string]int64{"a": 100 * mi}, map[string]int32{"b": -7},
			ledger.Removable{{Priority: -7, Bytes: 900 * mi}, {Priority: 0, Bytes: 1000 * mi}}},
		{"the higher was not measured", map[string]int64{"a": 100 * mi}, map[string]int32{"b": 7},
			ledger.Removable{{Priority: 0, Bytes: 100 * mi}, {Priority: 7, Bytes: 1000 * mi}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var pods []*corev1.Pod
			for _, name := range []string{"a", "b"} {
				pods = append(pods, pod(name, time.Hour, func(p *corev1.Pod) {
					if priority, ok := test.priorities[name]; ok {
						p.Spec.Priority = &priority
					}
				}))
			}
			got := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1")}, Pods: pods, Samples: samples(1000*mi, 0, test.sampled)}).Nodes[0].Removable
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("what could go (-want +got):\n%s", diff)
			}
			if got.All() != test.want[len(test.want)-1].Bytes || got.Below(test.want[0].Priority) != 0 || got.Below(8) != got.All() {
				t.Errorf("all %d, below the lowest %d, below 8 %d", got.All(), got.Below(test.want[0].Priority), got.Below(8))
			}
		})
	}
}

func TestWhatAKubeletTellsCounts(t *testing.T) {
	known := map[string]*threshold.Settings{"n1": {EvictionHard: threshold.Amount{Bytes: 500 * mi}, EvictionHardOrigin: threshold.OriginConfigz, EnforcesPods: true}}
	line := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1")}, Samples: samples(1000*mi, 0, nil), Kubelets: known}).Nodes[0]
	if line.Left != 2500*mi || line.Thresholds.EvictionHardOrigin != threshold.OriginConfigz {
		t.Errorf("Left = %dMi by a threshold that is %s, want 2500Mi by configz", line.Left/mi, line.Thresholds.EvictionHardOrigin)
	}
}

// A machine is replaced by another one of its name: what was measured of the first says nothing of the second.
func TestASampleOfAnEarlierNodeIsRefused(t *testing.T) {
	replaced := node("n1")
	replaced.CreationTimestamp = metav1.NewTime(ago(10 * time.Second))
	builder := ledger.NewBuilder(options)
	for _, step := range []struct {
		name    string
		age     time.Duration
		state   ledger.State
		refused map[sample.Reason]int
	}{
		{"measured before", 40 * time.Second, ledger.Absent, map[sample.Reason]int{sample.ReasonEarlier: 1}},
		{"measured since", 5 * time.Second, ledger.Fresh, nil},
	} {
		snapshot := builder.Build(ledger.Input{Now: now, Nodes: []*corev1.Node{replaced}, Samples: samples(3800*mi, step.age, nil)})
		if got := snapshot.Nodes[0].State; got != step.state {
			t.Errorf("%s: the node is %s, want %s", step.name, got, step.state)
		}
		if diff := cmp.Diff(step.refused, refused(snapshot)); diff != "" {
			t.Errorf("%s: refused (-want +got):\n%s", step.name, diff)
		}
	}
}
