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
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

const mi = int64(1) << 20

var (
	now     = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	options = ledger.Options{
		FreshFor:           90 * time.Second,
		WarmUp:             time.Minute,
		EvictionHardBytes:  100 * mi,
		MaxNotFreshPercent: 50,
		Estimator:          forecast.Prior{LimitPercent: 50, DefaultContainerBytes: 200 * mi},
	}
)

func ago(age time.Duration) time.Time { return now.Add(-age) }

// node has 4000Mi, of which the kubelet keeps 100Mi as its threshold.
func node(name string) *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Status: corev1.NodeStatus{
			Capacity:    corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(4000*mi, resource.BinarySI)},
			Allocatable: corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(3900*mi, resource.BinarySI)},
		},
	}
}

// pod on n1 asks for 400Mi with a limit of 800Mi, so its expected peak is 600Mi; it started and became ready the given
// time ago. Less than 0: it has not started.
func pod(name string, age time.Duration, changes ...func(*corev1.Pod)) *corev1.Pod {
	made := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)},
		Spec: corev1.PodSpec{NodeName: "n1", Containers: []corev1.Container{{
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(400*mi, resource.BinarySI)},
				Limits:   corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(800*mi, resource.BinarySI)},
			},
		}}},
	}
	if age >= 0 {
		started := metav1.NewTime(ago(age))
		made.Status.StartTime = &started
		made.Status.Phase = corev1.PodRunning
		made.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: started}}
		made.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: started}}}}
	}
	for _, change := range changes {
		change(made)
	}
	return made
}

func samples(nodeBytes int64, age time.Duration, pods map[string]int64) *sample.Set {
	set := &sample.Set{
		Nodes: map[string]sample.Node{"n1": {Measurement: sample.Measurement{Bytes: nodeBytes, Time: ago(age)}}},
		Pods:  map[types.NamespacedName]sample.Pod{},
	}
	for name, bytes := range pods {
		set.Pods[types.NamespacedName{Namespace: "default", Name: name}] = sample.Pod{Measurement: sample.Measurement{Bytes: bytes, Time: ago(age)}}
	}
	return set
}

// oomKilled is the state of a container that was killed for want of memory.
func oomKilled(at time.Time) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "OOMKilled", ExitCode: 137, FinishedAt: metav1.NewTime(at)}}
}

func TestPodsCountForWhatTheSampleDoesNotShow(t *testing.T) {
	// The sample is 20s old and shows 1000Mi on the node. Threshold of the machine: 4000-100 = 3900Mi.
	for _, test := range []struct {
		name    string
		pod     *corev1.Pod
		sampled int64 // of the pod; -1: not in the sample
		want    ledger.Pod
	}{
		{"ready and past its warm-up: the sample", pod("p", time.Hour), 300 * mi,
			ledger.Pod{Measured: 300 * mi, Counted: 300 * mi, Peak: 600 * mi}},
		{"above its expected peak: the sample", pod("p", time.Hour), 700 * mi,
			ledger.Pod{Measured: 700 * mi, Counted: 700 * mi, Peak: 700 * mi}},
		{"bound, not started: the request", pod("p", -1), -1,
			ledger.Pod{Counted: 400 * mi, Peak: 600 * mi}},
		{"warming up below its request: the request", pod("p", 40*time.Second), 100 * mi,
			ledger.Pod{Measured: 100 * mi, Counted: 400 * mi, Peak: 600 * mi}},
		{"warming up above its request: the sample", pod("p", 40*time.Second), 500 * mi,
			ledger.Pod{Measured: 500 * mi, Counted: 500 * mi, Peak: 600 * mi}},
		{"sample of an earlier pod of this name: the request", pod("p", 10*time.Second), 300 * mi,
			ledger.Pod{Counted: 400 * mi, Peak: 600 * mi}},
		{"not ready: the request", pod("p", time.Hour, func(p *corev1.Pod) {
			p.Status.Conditions[0].Status = corev1.ConditionFalse
		}), 100 * mi, ledger.Pod{Measured: 100 * mi, Counted: 400 * mi, Peak: 600 * mi}},
		{"crash-looping: the request", pod("p", time.Hour, func(p *corev1.Pod) {
			p.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
		}), 1 * mi, ledger.Pod{Measured: 1 * mi, Counted: 400 * mi, Peak: 600 * mi}},
		{"restarted after the sample: the request", pod("p", time.Hour, func(p *corev1.Pod) {
			p.Status.ContainerStatuses[0].State.Running.StartedAt = metav1.NewTime(ago(5 * time.Second))
		}), 100 * mi, ledger.Pod{Measured: 100 * mi, Counted: 400 * mi, Peak: 600 * mi}},
		{"OOM-killed and crash-looping: a fifth more than it asked for, never the little it holds now", pod("p", time.Hour, func(p *corev1.Pod) {
			p.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
			p.Status.ContainerStatuses[0].LastTerminationState = oomKilled(ago(20 * time.Second))
		}), 1 * mi, ledger.Pod{Measured: 1 * mi, Counted: 480 * mi, Peak: 800 * mi}},
		{"started a minute before now, and half of that before the sample: the request", pod("p", 65*time.Second), 20 * mi,
			ledger.Pod{Measured: 20 * mi, Counted: 400 * mi, Peak: 600 * mi}},
		{"OOM-killed, and its limit is not far above its request: no more than that", pod("p", time.Hour, func(p *corev1.Pod) {
			p.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(450*mi, resource.BinarySI)}
			p.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
			p.Status.ContainerStatuses[0].LastTerminationState = oomKilled(ago(20 * time.Second))
		}), 1 * mi, ledger.Pod{Measured: 1 * mi, Counted: 450 * mi, Peak: 450 * mi}},
		{"OOM-killed long ago: the sample, and its limit as its peak", pod("p", time.Hour, func(p *corev1.Pod) {
			p.Status.ContainerStatuses[0].LastTerminationState = oomKilled(ago(2 * time.Hour))
		}), 300 * mi, ledger.Pod{Measured: 300 * mi, Counted: 300 * mi, Peak: 800 * mi}},
		{"started again a moment before the sample: the request", pod("p", time.Hour, func(p *corev1.Pod) {
			p.Status.ContainerStatuses[0].RestartCount = 1
			p.Status.ContainerStatuses[0].State.Running.StartedAt = metav1.NewTime(ago(25 * time.Second))
		}), 100 * mi, ledger.Pod{Measured: 100 * mi, Counted: 400 * mi, Peak: 600 * mi}},
		{"an init container is at work: not ready, so the larger of init and steady", pod("p", -1, func(p *corev1.Pod) {
			p.Status.StartTime = &metav1.Time{Time: ago(time.Minute)}
			p.Status.Phase = corev1.PodPending
			p.Spec.InitContainers = []corev1.Container{{Name: "init", Resources: corev1.ResourceRequirements{Requests: p.Spec.Containers[0].Resources.Limits}}}
		}), -1, ledger.Pod{Counted: 800 * mi, Peak: 800 * mi}},
		{"a sidecar was started again after the sample: the request", pod("p", time.Hour, func(p *corev1.Pod) {
			p.Spec.InitContainers = []corev1.Container{{Name: "sidecar", RestartPolicy: new(corev1.ContainerRestartPolicyAlways)}}
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "sidecar", State: corev1.ContainerState{
				Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(ago(5 * time.Second))}}}}
		}), 100 * mi, ledger.Pod{Measured: 100 * mi, Counted: 400 * mi, Peak: 800 * mi}},
		{"an init container that has done its work is no matter", pod("p", time.Hour, func(p *corev1.Pod) {
			p.Spec.InitContainers = []corev1.Container{{Name: "init"}}
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "init", State: corev1.ContainerState{
				Terminated: &corev1.ContainerStateTerminated{Reason: "Completed"}}}}
		}), 300 * mi, ledger.Pod{Measured: 300 * mi, Counted: 300 * mi, Peak: 600 * mi}},
		{"resized in place, starting: what its kubelet has put in force", pod("p", -1, func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Resources: &corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(700*mi, resource.BinarySI)}}}}
		}), -1, ledger.Pod{Counted: 700 * mi, Peak: 700 * mi}},
		{"pod-level resources: they are the request and the bound", pod("p", -1, func(p *corev1.Pod) {
			p.Spec.Resources = &corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(500*mi, resource.BinarySI)},
				Limits:   corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(550*mi, resource.BinarySI)}}
		}), -1, ledger.Pod{Counted: 500 * mi, Peak: 550 * mi}},
		{"overhead comes on top", pod("p", -1, func(p *corev1.Pod) {
			p.Spec.Overhead = corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(50*mi, resource.BinarySI)}
		}), -1, ledger.Pod{Counted: 450 * mi, Peak: 650 * mi}},
		{"a memory-backed volume of a container without a limit", pod("p", -1, func(p *corev1.Pod) {
			p.Spec.Containers[0].Resources.Limits = nil
			p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "scratch"}}
			p.Spec.Volumes = []corev1.Volume{{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{
				Medium: corev1.StorageMediumMemory, SizeLimit: resource.NewQuantity(100*mi, resource.BinarySI)}}}}
		}), -1, ledger.Pod{Counted: 400 * mi, Peak: 500 * mi}},
		{"of a DaemonSet, and of another scheduler: as any", pod("p", -1, func(p *corev1.Pod) {
			p.Spec.SchedulerName = "another"
			p.OwnerReferences = []metav1.OwnerReference{{Kind: "DaemonSet", Name: "agent", Controller: new(true)}}
		}), -1, ledger.Pod{Counted: 400 * mi, Peak: 600 * mi}},
		{"terminating: the sample until it is gone", pod("p", 40*time.Second, func(p *corev1.Pod) {
			p.DeletionTimestamp = &metav1.Time{Time: now}
		}), 100 * mi, ledger.Pod{Measured: 100 * mi, Counted: 100 * mi, Peak: 100 * mi}},
		{"terminating before it was ever measured: the request, for it runs until its grace is over", pod("p", 10*time.Second, func(p *corev1.Pod) {
			p.DeletionTimestamp = &metav1.Time{Time: now}
		}), -1, ledger.Pod{Counted: 400 * mi, Peak: 400 * mi}},
		{"terminating before it was started: it never will be", pod("p", -1, func(p *corev1.Pod) {
			p.DeletionTimestamp = &metav1.Time{Time: now}
		}), -1, ledger.Pod{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := samples(1000*mi, 20*time.Second, nil)
			if test.sampled >= 0 {
				set = samples(1000*mi, 20*time.Second, map[string]int64{"p": test.sampled})
			}
			snapshot := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1")}, Pods: []*corev1.Pod{test.pod}, Samples: set})
			got, ok := snapshot.Pod("p")
			if !ok {
				t.Fatal("the pod is not in the book")
			}
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(ledger.Pod{}, "Course")); diff != "" {
				t.Errorf("pod (-want +got):\n%s", diff)
			}
			line := snapshot.Nodes[snapshot.Index("n1")]
			if want := 2900 * mi; line.MeasuredLeft != want {
				t.Errorf("MeasuredLeft = %d, want %d", line.MeasuredLeft, want)
			}
			if want := 2900*mi - (test.want.Counted - test.want.Measured); line.Left != want {
				t.Errorf("Left = %d, want %d", line.Left, want)
			}
			if want := line.Left - (test.want.Peak - test.want.Counted); line.ForecastLeft != want {
				t.Errorf("ForecastLeft = %d, want %d", line.ForecastLeft, want)
			}
		})
	}
}

// The machine's sample of 1000Mi leaves 2900Mi, and shows all that has been running for long.
func TestAPodWithoutASampleOfItsOwnIsInItsNodesSample(t *testing.T) {
	reserved := node("n1")
	reserved.Status.Allocatable[corev1.ResourceMemory] = *resource.NewQuantity(1000*mi, resource.BinarySI)
	for _, test := range []struct {
		name string
		node *corev1.Node
		pod  *corev1.Pod
		want int64
	}{
		{"running for an hour: counted once", node("n1"), pod("p", time.Hour), 2900 * mi},
		{"started a moment ago: its request is added", node("n1"), pod("p", 30*time.Second), 2500 * mi},
		{"the pods' own signal has nothing but the request", reserved, pod("p", time.Hour), 1000*mi - 400*mi - mi},
	} {
		t.Run(test.name, func(t *testing.T) {
			snapshot := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{test.node}, Pods: []*corev1.Pod{test.pod}, Samples: samples(1000*mi, 20*time.Second, nil)})
			if got := snapshot.Nodes[0].Left; got != test.want {
				t.Errorf("Left = %dMi, want %dMi", got/mi, test.want/mi)
			}
		})
	}
}

func TestPodsOfANodeAddUp(t *testing.T) {
	// In the sample: 300Mi and 500Mi of ready pods. Not in it: 400Mi each of two that have not started.
	pods := []*corev1.Pod{pod("a", time.Hour), pod("b", time.Hour), pod("c", -1), pod("d", -1)}
	tight := node("n1")
	tight.Status.Allocatable[corev1.ResourceMemory] = *resource.NewQuantity(2000*mi, resource.BinarySI)
	for _, test := range []struct {
		name string
		node *corev1.Node
		want ledger.Node
	}{
		{"by the machine", node("n1"), ledger.Node{Requested: 1600 * mi, MeasuredLeft: 2900 * mi, Left: 2100 * mi, ForecastLeft: 2100*mi - 800*mi}},
		{"by its pods", tight, ledger.Node{Requested: 1600 * mi, MeasuredLeft: 1200*mi - 4*mi, Left: 400*mi - 4*mi, ForecastLeft: -400*mi - 4*mi}},
	} {
		t.Run(test.name, func(t *testing.T) {
			line := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{test.node}, Pods: pods, Samples: samples(1000*mi, 20*time.Second, map[string]int64{"a": 300 * mi, "b": 500 * mi})}).Nodes[0]
			got := ledger.Node{Requested: line.Requested, MeasuredLeft: line.MeasuredLeft, Left: line.Left, ForecastLeft: line.ForecastLeft}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestARestartedPodCountsForWhatItHeldBefore(t *testing.T) {
	builder, nodes := ledger.NewBuilder(options), []*corev1.Node{node("n1")}
	before := pod("p", time.Hour)
	builder.Build(ledger.Input{Now: now, Nodes: nodes, Pods: []*corev1.Pod{before}, Samples: samples(2000*mi, 20*time.Second, map[string]int64{"p": 1500 * mi})})
	after := before.DeepCopy()
	after.Status.ContainerStatuses[0].State.Running.StartedAt = metav1.NewTime(ago(3 * time.Second))
	snapshot := builder.Build(ledger.Input{Now: now, Nodes: nodes, Pods: []*corev1.Pod{after}, Samples: samples(510*mi, 5*time.Second, map[string]int64{"p": 10 * mi})})
	if got, _ := snapshot.Pod("p"); got.Counted != 1500*mi {
		t.Errorf("Counted = %dMi, want the 1500Mi that it held before", got.Counted/mi)
	}
}

func TestEndedPodsAndPodsOfUnknownNodesDoNotCount(t *testing.T) {
	pods := []*corev1.Pod{
		pod("failed", time.Hour, func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }),
		pod("elsewhere", time.Hour, func(p *corev1.Pod) { p.Spec.NodeName = "gone" }),
	}
	snapshot := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1")}, Pods: pods, Samples: samples(1000*mi, 0, nil)})
	for _, pod := range pods {
		if _, ok := snapshot.Pod(pod.UID); ok {
			t.Errorf("pod %s is in the book", pod.Name)
		}
	}
	if got, want := snapshot.Nodes[0].Left, 2900*mi; got != want {
		t.Errorf("Left = %d, want %d", got, want)
	}
	if got := snapshot.Nodes[0].Requested; got != 0 {
		t.Errorf("Requested = %d, want nothing", got)
	}
}

// Requests are known without a sample.
func TestWhatPodsRequestIsKnownOfEveryNode(t *testing.T) {
	snapshot := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1")}, Pods: []*corev1.Pod{pod("a", time.Hour), pod("b", -1)}})
	if line := snapshot.Nodes[0]; line.State != ledger.Absent || line.Requested != 800*mi {
		t.Errorf("%s, Requested = %dMi; want absent and 800Mi", line.State, line.Requested/mi)
	}
}

func TestNodeStates(t *testing.T) {
	unsized := node("n1")
	unsized.Status = corev1.NodeStatus{}
	for _, test := range []struct {
		name    string
		node    *corev1.Node
		samples *sample.Set
		want    ledger.State
	}{
		{"a young sample", node("n1"), samples(mi, 90*time.Second, nil), ledger.Fresh},
		{"an old sample", node("n1"), samples(mi, 91*time.Second, nil), ledger.Stale},
		{"no sample", node("n2"), samples(mi, 0, nil), ledger.Absent},
		{"nothing was ever read", node("n1"), nil, ledger.Absent},
		{"a node without a size", unsized, samples(mi, 0, nil), ledger.Absent},
	} {
		t.Run(test.name, func(t *testing.T) {
			snapshot := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{test.node}, Samples: test.samples})
			if got := snapshot.Nodes[0].State; got != test.want {
				t.Errorf("state = %v, want %v", got, test.want)
			}
			if got, want := snapshot.Degraded, test.want != ledger.Fresh; got != want {
				t.Errorf("Degraded = %v, want %v", got, want)
			}
		})
	}
}

func TestTheKubepodsSignalBindsWhereSystemReservationsAreLarge(t *testing.T) {
	reserved := node("n1")
	reserved.Status.Allocatable[corev1.ResourceMemory] = *resource.NewQuantity(1000*mi, resource.BinarySI)
	snapshot := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{reserved}, Pods: []*corev1.Pod{pod("p", time.Hour)}, Samples: samples(1500*mi, 0, map[string]int64{"p": 700 * mi})})
	if got, want := snapshot.Nodes[0].Left, 1000*mi-700*mi-mi; got != want {
		t.Errorf("Left = %d, want %d (allocatable - pod - margin)", got, want)
	}
}

func TestBuildingAgainWithTheSameBuilderGivesTheSameBook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var pods []*corev1.Pod
		sampled := map[string]int64{}
		for i := range rapid.IntRange(0, 6).Draw(t, "pods") {
			name := string(rune('a' + i))
			pods = append(pods, pod(name, time.Duration(rapid.IntRange(-1, 200).Draw(t, "age"))*time.Second))
			if rapid.Bool().Draw(t, "sampled") {
				sampled[name] = rapid.Int64Range(0, 1000).Draw(t, "bytes") * mi
			}
		}
		set := samples(rapid.Int64Range(0, 5000).Draw(t, "node")*mi, 10*time.Second, sampled)
		nodes := []*corev1.Node{node("n1")}
		builder := ledger.NewBuilder(options)
		first := builder.Build(ledger.Input{Now: now, Nodes: nodes, Pods: pods, Samples: set})
		if diff := cmp.Diff(first.Nodes, builder.Build(ledger.Input{Now: now, Nodes: nodes, Pods: pods, Samples: set}).Nodes); diff != "" {
			t.Fatalf("(-first +second):\n%s", diff)
		}
		line := first.Nodes[0]
		if line.Left > line.MeasuredLeft || line.ForecastLeft > line.Left {
			t.Fatalf("want ForecastLeft <= Left <= MeasuredLeft, got %d, %d, %d", line.ForecastLeft, line.Left, line.MeasuredLeft)
		}
	})
}
