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

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// cooling keeps nodes cool for ten minutes.
func cooling() ledger.Options {
	options := options
	options.Cooldown, options.MaxStallPercent = 10*time.Minute, 20
	return options
}

func TestANodeThatRanShortIsAvoidedForAWhile(t *testing.T) {
	condition := func(status corev1.ConditionStatus, age time.Duration) func(*corev1.Node) {
		return func(n *corev1.Node) {
			n.CreationTimestamp = metav1.NewTime(ago(24 * time.Hour))
			n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeMemoryPressure, Status: status, LastTransitionTime: metav1.NewTime(ago(age))}}
		}
	}
	web := forecast.Workload{Namespace: "shop", Owner: "web"}
	for _, test := range []struct {
		name     string
		change   func(*corev1.Node)
		stall    *sample.Stall
		troubles []ledger.Trouble
		want     float64
	}{
		{"nothing happened", nil, nil, nil, 0},
		{"under pressure", condition(corev1.ConditionTrue, time.Hour), nil, nil, 1},
		{"no pressure, since a moment ago: its kubelet could be reached again", condition(corev1.ConditionFalse, 0), nil, nil, 0},
		{"a new node reports that there is no pressure", func(n *corev1.Node) {
			condition(corev1.ConditionFalse, 0)(n)
			n.CreationTimestamp = metav1.NewTime(now)
		}, nil, nil, 0},
		{"it evicted a pod", nil, nil, []ledger.Trouble{{Node: "n1", Workload: web, Time: ago(5 * time.Minute)}}, 0.5},
		{"the last of two evictions counts", nil, nil, []ledger.Trouble{{Node: "n1", Workload: web, Time: now}, {Node: "n1", Workload: web, Time: ago(5 * time.Minute)}}, 1},
		{"by a clock that is ahead of ours by a little", nil, nil, []ledger.Trouble{{Node: "n1", Workload: web, Time: ago(-30 * time.Second)}}, 1},
		{"by a clock that is far ahead: nobody knows when", nil, nil, []ledger.Trouble{{Node: "n1", Workload: web, Time: ago(-24 * time.Hour)}}, 0},
		{"an earlier machine of its name evicted a pod", func(n *corev1.Node) { n.CreationTimestamp = metav1.NewTime(ago(time.Minute)) }, nil,
			[]ledger.Trouble{{Node: "n1", Workload: web, Time: ago(5 * time.Minute)}}, 0},
		{"another node evicted a pod", nil, nil, []ledger.Trouble{{Node: "n2", Workload: web, Time: now}}, 0},
		{"its processes wait for memory", nil, &sample.Stall{Some: 21}, nil, 1},
		{"they wait a little", nil, &sample.Stall{Some: 20}, nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			n1 := node("n1")
			if test.change != nil {
				test.change(n1)
			}
			set := samples(1000*mi, 0, nil)
			set.Nodes["n1"] = sample.Node{Measurement: set.Nodes["n1"].Measurement, Stall: test.stall}
			got := ledger.NewBuilder(cooling()).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{n1}, Samples: set, Troubles: test.troubles}).Nodes[0].Cooling
			if got != test.want {
				t.Errorf("cooling = %v, want %v", got, test.want)
			}
		})
	}
}

func TestAWorkloadIsKeptOffTheNodeThatEndedOneOfItsPods(t *testing.T) {
	builder, nodes := ledger.NewBuilder(cooling()), []*corev1.Node{node("n1"), node("n2")}
	web, other := forecast.Workload{Namespace: "shop", Owner: "web"}, forecast.Workload{Namespace: "shop", Owner: "other"}
	build := func(after time.Duration, troubles ...ledger.Trouble) *ledger.Snapshot {
		return builder.Build(ledger.Input{Now: now.Add(after), Nodes: nodes, Samples: samples(0, 0, nil), Troubles: troubles})
	}
	if build(0).AnyCooling() {
		t.Error("before anything happened something is cooling")
	}
	build(time.Second, ledger.Trouble{Node: "n2", Workload: web, Time: now})
	for _, step := range []struct {
		after time.Duration
		want  []ledger.Cooling
	}{
		{2*time.Minute + 30*time.Second, []ledger.Cooling{{Node: 1, Share: 0.75}}},
		{5 * time.Minute, []ledger.Cooling{{Node: 1, Share: 0.5}}},
		{10 * time.Minute, nil},
	} {
		snapshot := build(step.after)
		if diff := cmp.Diff(step.want, snapshot.Cooling(web), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", step.after, diff)
		}
		if got := snapshot.Cooling(other); got != nil {
			t.Errorf("after %s another workload is kept off %v", step.after, got)
		}
	}
	if build(11 * time.Minute).AnyCooling() {
		t.Error("in the end something is still cooling")
	}
}

// A container with a limit may have reached it on a node with room; one without can only have been killed for the node.
func TestAnOOMKillTellsOfTheNodeOnlyWithoutALimit(t *testing.T) {
	killedAt := func(at time.Time) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Spec.Containers[0].Name, p.Status.ContainerStatuses[0].Name = "app", "app"
			p.Status.ContainerStatuses[0].LastTerminationState = oomKilled(at)
		}
	}
	killed, withoutLimit := killedAt(ago(5*time.Minute)), func(p *corev1.Pod) { p.Spec.Containers[0].Resources.Limits = nil }
	unlimited := pod("p", time.Hour, killed, withoutLimit)
	limitOfZero := pod("p", time.Hour, killed, func(p *corev1.Pod) {
		p.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("0")}
	})
	sidecar := pod("p", time.Hour, killed, withoutLimit, func(p *corev1.Pod) {
		p.Spec.InitContainers, p.Spec.Containers = p.Spec.Containers, []corev1.Container{{Name: "other"}}
		p.Status.InitContainerStatuses, p.Status.ContainerStatuses = p.Status.ContainerStatuses, []corev1.ContainerStatus{{Name: "other"}}
	})
	limitedSidecar := sidecar.DeepCopy()
	limitedSidecar.Spec.InitContainers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")}
	ahead := pod("p", time.Hour, killedAt(ago(-24*time.Hour)), withoutLimit)
	for _, test := range []struct {
		name string
		pod  *corev1.Pod
		want float64
	}{{"with a limit", pod("p", time.Hour, killed), 0}, {"without", unlimited, 0.5}, {"with a limit of zero, which is none", limitOfZero, 0.5}, {"a sidecar without", sidecar, 0.5}, {"a sidecar with one", limitedSidecar, 0}, {"far ahead of our clock", ahead, 0}} {
		t.Run(test.name, func(t *testing.T) {
			snapshot := ledger.NewBuilder(cooling()).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1")}, Pods: []*corev1.Pod{test.pod}, Samples: samples(mi, 0, nil)})
			if got := snapshot.Nodes[0].Cooling; got != test.want {
				t.Errorf("cooling = %v, want %v", got, test.want)
			}
			if got := len(snapshot.Cooling(forecast.WorkloadOf(test.pod))) > 0; got != (test.want > 0) {
				t.Errorf("its workload is kept off: %v, want %v", got, test.want > 0)
			}
		})
	}
}

func TestRequestsDecideUntilClearlyEnoughNodesAreFreshAgain(t *testing.T) {
	builder := ledger.NewBuilder(options) // at most half of the nodes may be unknown
	var nodes []*corev1.Node
	for _, name := range []string{"n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9", "n10"} {
		nodes = append(nodes, node(name))
	}
	for _, step := range []struct {
		fresh int
		want  bool
	}{{0, true}, {5, false}, {10, false}, {5, false}, {4, true}, {5, true}, {6, false}, {5, false}, {0, true}, {5, true}} {
		set := &sample.Set{Nodes: map[string]sample.Node{}}
		for _, node := range nodes[:step.fresh] {
			set.Nodes[node.Name] = sample.Node{Measurement: sample.Measurement{Bytes: mi, Time: now}}
		}
		if got := builder.Build(ledger.Input{Now: now, Nodes: nodes, Samples: set}).Degraded; got != step.want {
			t.Errorf("%d of 10 nodes are fresh: degraded %v, want %v", step.fresh, got, step.want)
		}
	}
}

func TestPressureIsRememberedWhenItsTaintIsGone(t *testing.T) {
	builder := ledger.NewBuilder(cooling())
	at := func(after time.Duration, status corev1.ConditionStatus) float64 {
		n1 := node("n1")
		n1.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeMemoryPressure, Status: status}}
		return builder.Build(ledger.Input{Now: now.Add(after), Nodes: []*corev1.Node{n1}, Samples: samples(mi, -after, nil)}).Nodes[0].Cooling
	}
	for _, step := range []struct {
		after  time.Duration
		status corev1.ConditionStatus
		want   float64
	}{
		{0, corev1.ConditionFalse, 0},
		{time.Minute, corev1.ConditionTrue, 1},
		{2 * time.Minute, corev1.ConditionTrue, 1},
		{7 * time.Minute, corev1.ConditionFalse, 0.5},
		{7 * time.Minute, corev1.ConditionUnknown, 0.5},
		{12 * time.Minute, corev1.ConditionFalse, 0},
	} {
		if got := at(step.after, step.status); got != step.want {
			t.Errorf("after %s, pressure %s: cooling = %v, want %v", step.after, step.status, got, step.want)
		}
	}
}

// Another machine may come under the name of one that was short, and a workload was not ended there.
func TestAMachineIsNotAvoidedForTheOneBeforeIt(t *testing.T) {
	builder, web := ledger.NewBuilder(cooling()), forecast.Workload{Namespace: "shop", Owner: "web"}
	short := node("n1")
	short.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionTrue}}
	trouble := []ledger.Trouble{{Node: "n1", Workload: web, Time: now}}
	before := builder.Build(ledger.Input{Now: now, Nodes: []*corev1.Node{short}, Samples: samples(mi, 0, nil), Troubles: trouble})
	if before.Nodes[0].Cooling != 1 || len(before.Cooling(web)) != 1 {
		t.Fatalf("the machine that is short: cooling %v, and the workload is kept off %v; want 1, and one node", before.Nodes[0].Cooling, before.Cooling(web))
	}
	next := node("n1")
	next.CreationTimestamp = metav1.NewTime(now.Add(30 * time.Second))
	after := builder.Build(ledger.Input{Now: now.Add(time.Minute), Nodes: []*corev1.Node{next}, Samples: samples(mi, -time.Minute, nil), Troubles: trouble})
	if after.Nodes[0].Cooling != 0 || after.AnyCooling() {
		t.Errorf("the next machine: cooling %v, and the workload is kept off %v; want neither", after.Nodes[0].Cooling, after.Cooling(web))
	}
}

func TestAnOldStallSaysNothing(t *testing.T) {
	set := samples(mi, time.Hour, nil)
	set.Nodes["n1"] = sample.Node{Measurement: set.Nodes["n1"].Measurement, Stall: &sample.Stall{Some: 90}}
	if got := ledger.NewBuilder(cooling()).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1")}, Samples: set}).Nodes[0].Cooling; got != 0 {
		t.Errorf("cooling = %v, want 0", got)
	}
}

func TestAStallIsNoReasonWhereNoneIsAskedFor(t *testing.T) {
	options := options
	options.MaxStallPercent = 0
	set := samples(1000*mi, 0, nil)
	set.Nodes["n1"] = sample.Node{Measurement: set.Nodes["n1"].Measurement, Stall: &sample.Stall{Some: 90}}
	if line := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1")}, Samples: set}).Nodes[0]; line.Cooling != 0 {
		t.Errorf("Cooling = %v, want 0", line.Cooling)
	}
}
