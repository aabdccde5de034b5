// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	clocktesting "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/plugins/cycle"
)

const mi = int64(1) << 20

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// fleet is a plugin with a book made from nodes of 4000Mi (3900Mi until eviction), their pods and samples.
type fleet struct {
	nodes   []*corev1.Node
	pods    []*corev1.Pod
	samples *sample.Set
	plugin  *Memory
}

// activations records what Activate was called with.
type activations []string

func (a *activations) Activate(_ klog.Logger, pods map[string]*corev1.Pod) {
	for name := range pods {
		*a = append(*a, name)
	}
}

func newFleet(activator fwk.PodActivator) *fleet {
	prior := forecast.Prior{LimitPercent: 50, DefaultContainerBytes: 200 * mi}
	return &fleet{
		samples: &sample.Set{Nodes: map[string]sample.Node{}, Pods: map[types.NamespacedName]sample.Pod{}},
		plugin: &Memory{
			modes:     modes{filter: config.FilterHard},
			prior:     prior,
			estimator: prior,
			books:     newBooks(reserve{}),
			waiting:   newWaiting(activator, prior),
			metrics:   newMetrics("profile"),
			latest:    cycle.NewLatest[*cycleState](stateKey),
			clock:     clocktesting.NewFakePassiveClock(now),
		},
	}
}

// node adds a node whose working set was measured the given time ago.
func (f *fleet) node(name string, bytes int64, age time.Duration) *fleet {
	quantity := func(bytes int64) resource.Quantity { return *resource.NewQuantity(bytes, resource.BinarySI) }
	f.nodes = append(f.nodes, &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Status: corev1.NodeStatus{
			Capacity:    corev1.ResourceList{corev1.ResourceMemory: quantity(4000 * mi)},
			Allocatable: corev1.ResourceList{corev1.ResourceMemory: quantity(3900 * mi)},
		},
	})
	f.samples.Nodes[name] = sample.Node{Measurement: sample.Measurement{Bytes: bytes, Time: now.Add(-age)}}
	return f
}

// running adds a pod that runs on a node for an hour and was measured.
func (f *fleet) running(name, node string, request, measured int64) *fleet {
	pod := newPod(name, request)
	pod.Spec.NodeName = node
	started := metav1.NewTime(now.Add(-time.Hour))
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, StartTime: &started,
		Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: started}},
		ContainerStatuses: []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: started}}}},
	}
	f.pods = append(f.pods, pod)
	f.samples.Pods[types.NamespacedName{Namespace: "default", Name: name}] = sample.Pod{Measurement: sample.Measurement{Bytes: measured, Time: now}}
	return f
}

// bound adds a pod that is bound to a node and has not started.
func (f *fleet) bound(name, node string, request int64) *fleet {
	pod := newPod(name, request)
	pod.Spec.NodeName = node
	f.pods = append(f.pods, pod)
	return f
}

// publish makes the book.
func (f *fleet) publish() *book {
	builder := ledger.NewBuilder(ledger.Options{
		FreshFor: 90 * time.Second, WarmUp: time.Minute, EvictionHardBytes: 100 * mi, MaxNotFreshPercent: 50, Estimator: f.plugin.estimator,
	})
	return f.plugin.books.publish(builder.Build(ledger.Input{Now: now, Nodes: f.nodes, Pods: f.pods, Samples: f.samples}))
}

// windows makes the nodes that are there run Windows.
func windows(f *fleet) *fleet {
	for _, node := range f.nodes {
		node.Labels = map[string]string{corev1.LabelOSStable: "windows"}
	}
	return f
}

func (f *fleet) info(name string) fwk.NodeInfo {
	info := framework.NewNodeInfo()
	for _, node := range f.nodes {
		if node.Name == name {
			info.SetNode(node)
		}
	}
	for _, pod := range f.pods {
		if pod.Spec.NodeName == name {
			podInfo, _ := framework.NewPodInfo(pod)
			info.AddPodInfo(podInfo)
		}
	}
	return info
}

// newPod returns a pod that requests bytes and has no limit. 0 requests nothing.
func newPod(name string, request int64) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{}}},
	}
	if request > 0 {
		pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(request, resource.BinarySI)}
	}
	return pod
}

// filter runs PreFilter and Filter for a pod that requests bytes, and ranks above those that are there.
func (f *fleet) filter(t *testing.T, request int64, node string) *fwk.Status {
	t.Helper()
	state, pod := framework.NewCycleState(), newPod("new", request)
	priority(1)(pod)
	if _, status := f.plugin.PreFilter(t.Context(), state, pod, nil); status.IsSkip() {
		return nil
	}
	return f.plugin.Filter(t.Context(), state, pod, f.info(node))
}

// score returns what a node scores in fine steps.
func (f *fleet) score(t *testing.T, pod *corev1.Pod, node string) int64 {
	t.Helper()
	cycle, info := framework.NewCycleState(), f.info(node)
	if status := f.plugin.PreScore(t.Context(), cycle, pod, []fwk.NodeInfo{info}); !status.IsSuccess() {
		t.Fatalf("PreScore = %v", status)
	}
	byRequests, status := f.plugin.Score(t.Context(), cycle, pod, info)
	if !status.IsSuccess() {
		t.Fatalf("Score = %v", status)
	}
	state, _ := f.plugin.latest.Read(cycle)
	return state.score(state.book.find(state.positions, info), byRequests)
}

// scores returns what Score and NormalizeScore make of the nodes in a cycle that PreScore has begun.
func (f *fleet) scores(t *testing.T, cycle fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo) fwk.NodeScoreList {
	t.Helper()
	scores := make(fwk.NodeScoreList, len(nodes))
	for i, node := range nodes {
		score, status := f.plugin.Score(t.Context(), cycle, pod, node)
		if !status.IsSuccess() {
			t.Fatalf("Score = %v", status)
		}
		scores[i] = fwk.NodeScore{Name: node.Node().Name, Score: score}
	}
	if status := f.plugin.NormalizeScore(t.Context(), cycle, pod, scores); !status.IsSuccess() {
		t.Fatalf("NormalizeScore = %v", status)
	}
	return scores
}

// infos returns all nodes.
func (f *fleet) infos() []fwk.NodeInfo {
	infos := make([]fwk.NodeInfo, len(f.nodes))
	for i, node := range f.nodes {
		infos[i] = f.info(node.Name)
	}
	return infos
}

func TestFilterLooksAtBytesLeftUntilEviction(t *testing.T) {
	for _, test := range []struct {
		name       string
		fleet      *fleet
		request    int64
		wantCode   fwk.Code
		wantReason string
	}{
		{"room", newFleet(nil).node("n1", 3000*mi, 0), 900 * mi, fwk.Success, ""},
		{"one byte too few", newFleet(nil).node("n1", 3000*mi, 0).running("p", "n1", 100*mi, 100*mi), 900*mi + 1, fwk.Unschedulable, ErrReasonMeasured},
		{"requests say full, memory does not: other plugins judge requests", newFleet(nil).node("n1", 500*mi, 0).running("p", "n1", 3800*mi, 100*mi), 900 * mi, fwk.Success, ""},
		{"room but for a pod that is still starting", newFleet(nil).node("n1", 3000*mi, 0).bound("p", "n1", 600*mi), 400 * mi,
			fwk.UnschedulableAndUnresolvable, ErrReasonUnseen},
		{"a pod that asks for nothing, below the threshold", newFleet(nil).node("n1", 3900*mi, 0), 0, fwk.Success, ""},
		{"a pod that asks for nothing, past the threshold", newFleet(nil).node("n1", 3901*mi, 0).running("p", "n1", 100*mi, 100*mi), 0, fwk.Unschedulable, ErrReasonMeasured},
		{"what is measured on Windows is not used", windows(newFleet(nil).node("n1", 3900*mi, 0)).node("n2", 0, 0), 900 * mi, fwk.Success, ""},
		{"stale samples pass", newFleet(nil).node("n1", 3900*mi, 2*time.Minute).node("n2", 0, 0), 900 * mi, fwk.Success, ""},
		{"most of the fleet is stale: requests decide", newFleet(nil).node("n1", 3900*mi, 0).node("n2", 0, time.Hour).node("n3", 0, time.Hour), 900 * mi, fwk.Success, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.fleet.publish()
			got := test.fleet.filter(t, test.request, "n1")
			if got.Code() != test.wantCode || got.Message() != test.wantReason {
				t.Errorf("status = %v %q, want %v %q", got.Code(), got.Message(), test.wantCode, test.wantReason)
			}
		})
	}
}

func TestFilterOffRejectsNothing(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3900*mi, 0)
	fleet.plugin.modes.filter = config.FilterOff
	fleet.publish()
	if got := fleet.filter(t, 900*mi, "n1"); !got.IsSuccess() {
		t.Errorf("status = %v, want success", got)
	}
}

func TestTheReserveIsKeptFree(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3000*mi, 0).running("p", "n1", 100*mi, 100*mi)
	fleet.plugin.books.kept = reserve{bytes: 100 * mi}
	fleet.publish()
	if got := fleet.filter(t, 801*mi, "n1"); got.Code() != fwk.Unschedulable {
		t.Errorf("status = %v, want Unschedulable", got)
	}
	if got := fleet.filter(t, 800*mi, "n1"); !got.IsSuccess() {
		t.Errorf("status = %v, want success", got)
	}
}

func TestBeforeAnythingWasReadRequestsDecide(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3900*mi, 0) // no book is published
	if got := fleet.filter(t, 900*mi, "n1"); !got.IsSuccess() {
		t.Errorf("status = %v, want success", got)
	}
	if status := fleet.plugin.PreScore(t.Context(), framework.NewCycleState(), newPod("p", 0), nil); !status.IsSkip() {
		t.Errorf("PreScore = %v, want Skip", status)
	}
}

func TestABurstSeesItsOwnPods(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3000*mi, 0)
	fleet.publish()
	plugin, first := fleet.plugin, newPod("first", 600*mi)
	if status := plugin.Reserve(t.Context(), framework.NewCycleState(), first, "n1"); !status.IsSuccess() {
		t.Fatal(status)
	}
	if got := fleet.filter(t, 400*mi, "n1"); got.Message() != ErrReasonUnseen {
		t.Errorf("after Reserve: %q, want %q", got.Message(), ErrReasonUnseen)
	}
	fleet.publish() // a new book that does not know the pod yet
	if got := fleet.filter(t, 400*mi, "n1"); got.Message() != ErrReasonUnseen {
		t.Errorf("after a new book: %q, want %q", got.Message(), ErrReasonUnseen)
	}
	plugin.Unreserve(t.Context(), framework.NewCycleState(), first, "n1")
	if got := fleet.filter(t, 400*mi, "n1"); !got.IsSuccess() {
		t.Errorf("after Unreserve: %v, want success", got)
	}
}

func TestAReservationEndsWhenTheBookCoversItsPod(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3000*mi, 0)
	fleet.publish()
	fleet.plugin.Reserve(t.Context(), framework.NewCycleState(), newPod("p", 400*mi), "n1")
	fleet.bound("p", "n1", 400*mi)
	covering := fleet.publish()
	if left, _ := covering.left(0); left != 500*mi {
		t.Errorf("left = %dMi, want 500Mi: the pod counted once", left/mi)
	}
	if n := len(fleet.plugin.books.reservations); n != 0 {
		t.Errorf("%d reservations are left, want none", n)
	}
}

// Whatever is reserved and released in whatever order, what is left counts exactly the pods that are reserved.
func TestReservationsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fleet := newFleet(nil).node("n1", 0, 0).node("n2", 0, 0)
		fleet.publish()
		want := map[string]map[types.UID]int64{"n1": {}, "n2": {}}
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			uid := types.UID(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "pod"))
			switch rapid.IntRange(0, 2).Draw(t, "action") {
			case 0:
				node := rapid.SampledFrom([]string{"n1", "n2"}).Draw(t, "node")
				bytes := rapid.Int64Range(0, 1000).Draw(t, "bytes")
				fleet.plugin.books.reserve(uid, node, forecast.Demand{FirmBytes: bytes, PeakBytes: 2 * bytes})
				delete(want["n1"], uid)
				delete(want["n2"], uid)
				want[node][uid] = bytes
			case 1:
				fleet.plugin.books.release(uid)
				delete(want["n1"], uid)
				delete(want["n2"], uid)
			case 2:
				fleet.publish()
			}
			book := fleet.plugin.books.current()
			for node, pods := range want {
				var sum int64
				for _, bytes := range pods {
					sum += bytes
				}
				at := &book.lines[book.snapshot.Index(node)]
				if at.counted.Load() != sum {
					t.Fatalf("%s: counted %d, want %d", node, at.counted.Load(), sum)
				}
				for hour, got := range book.asides[book.snapshot.Index(node)].outlook.Load().added {
					if got != 2*sum {
						t.Fatalf("%s: expected %d in hour %d, want %d", node, got, hour, 2*sum)
					}
				}
			}
		}
	})
}
