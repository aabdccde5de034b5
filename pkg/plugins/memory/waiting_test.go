// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// reject runs a cycle in which the pod finds no node, down to PostFilter.
func (f *fleet) reject(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	state := framework.NewCycleState()
	f.plugin.PreFilter(t.Context(), state, pod, nil)
	statuses := framework.NewDefaultNodeToStatus()
	for _, node := range f.nodes {
		status := f.plugin.Filter(t.Context(), state, pod, f.info(node.Name))
		if status.IsSuccess() {
			t.Fatalf("%s fits on %s", pod.Name, node.Name)
		}
		statuses.Set(node.Name, status.WithPlugin(Name))
	}
	if _, status := f.plugin.PostFilter(t.Context(), state, pod, statuses); status.Code() != fwk.Unschedulable {
		t.Fatalf("PostFilter = %v, want Unschedulable", status)
	}
}

func TestReturningMemoryWakesJustThePodsThatFit(t *testing.T) {
	var woken activations
	fleet := newFleet(&woken).node("n1", 3800*mi, 0)
	fleet.publish()
	fleet.reject(t, newPod("small", 500*mi))
	fleet.reject(t, newPod("large", 2000*mi))
	logger, _ := ktesting.NewTestContext(t)
	wakeAt := func(bytes int64) []string {
		woken = nil
		fleet.samples.Nodes["n1"] = sample.Node{Measurement: sample.Measurement{Bytes: bytes, Time: now}}
		fleet.plugin.waiting.wake(logger, fleet.publish())
		return woken
	}
	for _, step := range []struct {
		bytes int64
		want  []string
	}{
		{3700 * mi, nil},
		{3000 * mi, []string{"default/small"}},
		{2900 * mi, nil}, // small was woken already
		{1000 * mi, []string{"default/large"}},
	} {
		if diff := cmp.Diff(step.want, wakeAt(step.bytes)); diff != "" {
			t.Errorf("woken at %dMi (-want +got):\n%s", step.bytes/mi, diff)
		}
	}
}

// The pod requests 100Mi, and the one of its workload that was evicted held 2000Mi. Half of that is forgotten ten minutes after
// it has not been seen for five; its node has 1400Mi left all the time.
func TestAPodIsWokenOnceItNeedsLess(t *testing.T) {
	var woken activations
	fleet := newFleet(&woken).node("n1", 2500*mi, 0)
	pod := newPod("p", 100*mi)
	learner := forecast.NewLearner(fleet.plugin.prior)
	fleet.plugin.estimator, fleet.plugin.waiting.estimator = learner, learner
	learner.Begin(now)
	learner.Observe(forecast.WorkloadOf(pod), 2000*mi, 10*time.Hour)
	learner.Publish()
	fleet.publish()
	fleet.reject(t, pod)
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{5 * time.Minute, 0}, {8 * time.Minute, 0}, {15 * time.Minute, 1}} {
		learner.Begin(now.Add(step.after))
		learner.Publish()
		fleet.plugin.waiting.wake(klog.Background(), fleet.publish())
		if len(woken) != step.want {
			t.Errorf("after %s: %d pods were woken, want %d", step.after, len(woken), step.want)
		}
	}
}

// A node to which pods are nominated is judged by copies of the cycle's state.
func TestAPodThatWasRejectedBesideNominatedPodsIsWoken(t *testing.T) {
	var woken activations
	fleet := newFleet(&woken).node("n1", 3800*mi, 0)
	fleet.publish()
	state, pod := framework.NewCycleState(), newPod("pod", 500*mi)
	fleet.plugin.PreFilter(t.Context(), state, pod, nil)
	if status := fleet.plugin.Filter(t.Context(), state.Clone(), pod, fleet.info("n1")); status.IsSuccess() {
		t.Fatal("Filter = success, want a rejection")
	}
	fleet.plugin.PostFilter(t.Context(), state, pod, framework.NewDefaultNodeToStatus())
	fleet.samples.Nodes["n1"] = sample.Node{Measurement: sample.Measurement{Bytes: 1000 * mi, Time: now}}
	logger, _ := ktesting.NewTestContext(t)
	fleet.plugin.waiting.wake(logger, fleet.publish())
	if diff := cmp.Diff(activations{"default/pod"}, woken); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
}

func TestMemoryThatReturnedDuringTheCycleWakesToo(t *testing.T) {
	var woken activations
	fleet := newFleet(&woken).node("n1", 3800*mi, 0)
	judged := fleet.publish()
	fleet.samples.Nodes["n1"] = sample.Node{Measurement: sample.Measurement{Bytes: 1000 * mi, Time: now}}
	fleet.publish() // while the pod is being judged by the book before
	fleet.plugin.waiting.add(newPod("p", 500*mi), 500*mi, judged)
	logger, _ := ktesting.NewTestContext(t)
	fleet.plugin.waiting.wake(logger, fleet.publish())
	if diff := cmp.Diff(activations{"default/p"}, woken); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
}

// The pod was nominated, so that PostFilter of this plugin may not have run; then its victim goes, and its memory with it.
func TestThePodThatAVictimMadeRoomForIsWoken(t *testing.T) {
	var woken activations
	fleet := newFleet(&woken).node("n1", 3800*mi, 0).running("victim", "n1", 100*mi, 800*mi)
	builder := ledger.NewBuilder(ledger.Options{FreshFor: 90 * time.Second, WarmUp: time.Minute, EvictionHardBytes: 100 * mi, MaxNotFreshPercent: 50, Estimator: fleet.plugin.estimator})
	publish := func() *book {
		return fleet.plugin.books.publish(builder.Build(ledger.Input{Now: now, Nodes: fleet.nodes, Pods: fleet.pods, Samples: fleet.samples}))
	}
	publish()
	victim := fleet.pods[0]
	if hint, err := fleet.plugin.isSchedulableAfterPodDeletion(klog.Background(), newPod("p", 500*mi), victim, nil); err != nil || hint != fwk.QueueSkip {
		t.Fatalf("hint = %v, %v, want QueueSkip: the book does not know yet", hint, err)
	}
	terminate(victim)
	victim.ResourceVersion = "2"
	publish()
	fleet.pods = nil // the sample still shows it
	fleet.plugin.waiting.wake(klog.Background(), publish())
	if diff := cmp.Diff(activations{"default/p"}, woken); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
	if got := fleet.filter(t, 500*mi, "n1"); !got.IsSuccess() {
		t.Errorf("and then: %v, want success", got)
	}
}

func TestPodsThatAreGoneOrPlacedAreNotWoken(t *testing.T) {
	var woken activations
	fleet := newFleet(&woken).node("n1", 3800*mi, 0)
	fleet.publish()
	fleet.reject(t, newPod("p", 500*mi))
	fleet.plugin.waiting.remove("p")
	fleet.samples.Nodes["n1"] = sample.Node{Measurement: sample.Measurement{Bytes: 0, Time: now}}
	fleet.plugin.waiting.wake(klog.Background(), fleet.publish())
	if len(woken) != 0 {
		t.Errorf("woken: %v, want none", woken)
	}
}

func TestNoMorePodsAreWokenThanFit(t *testing.T) {
	var woken activations
	fleet := newFleet(&woken).node("n1", 3800*mi, 0)
	fleet.publish()
	important := newPod("important", 500*mi)
	important.Spec.Priority, important.CreationTimestamp = new(int32(10)), metav1.NewTime(now.Add(time.Hour))
	older, younger := newPod("older", 500*mi), newPod("younger", 500*mi)
	older.CreationTimestamp, younger.CreationTimestamp = metav1.NewTime(now.Add(-time.Hour)), metav1.NewTime(now)
	for _, pod := range []*corev1.Pod{younger, older, important} {
		fleet.reject(t, pod)
	}
	wakeAt := func(bytes int64) []string {
		woken = nil
		fleet.samples.Nodes["n1"] = sample.Node{Measurement: sample.Measurement{Bytes: bytes, Time: now}}
		fleet.plugin.waiting.wake(klog.Background(), fleet.publish())
		slices.Sort(woken)
		return woken
	}
	if diff := cmp.Diff([]string{"default/important", "default/older"}, wakeAt(2800*mi)); diff != "" {
		t.Errorf("1100Mi are left (-want +got):\n%s", diff)
	}
	// Those that were woken went elsewhere: the room is still there.
	if diff := cmp.Diff([]string{"default/younger"}, wakeAt(2800*mi)); diff != "" {
		t.Errorf("by the next book (-want +got):\n%s", diff)
	}
}

func TestAPodIsNotWokenForANodeThatItMayNotUse(t *testing.T) {
	var woken activations
	fleet := newFleet(&woken).node("n1", 3800*mi, 0)
	fleet.node("cordoned", 3800*mi, 0)
	fleet.nodes[0].Labels = map[string]string{"disk": "hdd"}
	fleet.nodes[1].Labels, fleet.nodes[1].Spec.Unschedulable = map[string]string{"disk": "ssd"}, true
	fleet.plugin.waiting.node = func(name string) *corev1.Node {
		return fleet.nodes[slices.IndexFunc(fleet.nodes, func(node *corev1.Node) bool { return node.Name == name })]
	}
	fleet.publish()
	ssd, hdd := newPod("ssd", 500*mi), newPod("hdd", 500*mi)
	ssd.Spec.NodeSelector, hdd.Spec.NodeSelector = map[string]string{"disk": "ssd"}, map[string]string{"disk": "hdd"}
	fleet.reject(t, ssd)
	fleet.reject(t, hdd)
	for _, name := range []string{"n1", "cordoned"} {
		fleet.samples.Nodes[name] = sample.Node{Measurement: sample.Measurement{Bytes: mi, Time: now}}
	}
	fleet.plugin.waiting.wake(klog.Background(), fleet.publish())
	if diff := cmp.Diff(activations{"default/hdd"}, woken); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
	// No event of the pod's tells that the node may be used again: the next book does.
	woken = nil
	fleet.nodes[1].Spec.Unschedulable = false
	fleet.plugin.waiting.wake(klog.Background(), fleet.publish())
	if diff := cmp.Diff(activations{"default/ssd"}, woken); diff != "" {
		t.Errorf("woken when the node is uncordoned (-want +got):\n%s", diff)
	}
}

// What a hint expects of one node must not make a pod forget that it waits for its turn on another.
func TestAPodThatWaitsForItsTurnKeepsWaiting(t *testing.T) {
	var woken activations
	fleet := newFleet(&woken).node("n1", 3800*mi, 0).node("n2", 3900*mi, 0).running("q", "n2", mi, 100*mi)
	fleet.publish()
	first, second := newPod("first", 500*mi), newPod("second", 500*mi)
	first.Spec.Priority = new(int32(10))
	fleet.reject(t, first)
	fleet.reject(t, second)
	fleet.samples.Nodes["n1"] = sample.Node{Measurement: sample.Measurement{Bytes: 3300 * mi, Time: now}}
	fleet.plugin.waiting.wake(klog.Background(), fleet.publish()) // room for one
	if diff := cmp.Diff(activations{"default/first"}, woken); diff != "" {
		t.Fatalf("woken (-want +got):\n%s", diff)
	}
	if _, err := fleet.plugin.isSchedulableAfterPodDeletion(klog.Background(), second, fleet.pods[0], nil); err != nil {
		t.Fatal(err)
	}
	woken = nil
	fleet.plugin.waiting.wake(klog.Background(), fleet.publish())
	if diff := cmp.Diff(activations{"default/second"}, woken); diff != "" {
		t.Errorf("the first went elsewhere; woken (-want +got):\n%s", diff)
	}
}

// A pod that was to be bound and was not gives its room back to the book by which others were judged.
func TestRoomThatComesBackToTheSameBookWakes(t *testing.T) {
	var woken activations
	fleet := newFleet(&woken).node("n1", 3300*mi, 0)
	fleet.publish()
	holder := newPod("holder", 500*mi)
	fleet.plugin.books.reserve(holder.UID, "n1", fleet.plugin.estimator.Demand(holder))
	fleet.reject(t, newPod("p", 500*mi))
	fleet.plugin.books.release(holder.UID)
	fleet.plugin.waiting.wake(klog.Background(), fleet.publish())
	if diff := cmp.Diff(activations{"default/p"}, woken); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
}

func TestPodsThatWentWhileTheyWereJudgedAreForgotten(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3800*mi, 0)
	fleet.publish()
	fleet.reject(t, newPod("gone", 500*mi))
	fleet.reject(t, newPod("waits", 500*mi))
	fleet.plugin.waiting.retain(func(pod *corev1.Pod) bool { return pod.Name == "waits" })
	if n := fleet.plugin.waiting.count(); n != 1 {
		t.Errorf("%d pods wait, want 1", n)
	}
}

// A node that has room all the while, and that the pod may not use for another reason, is no news.
func TestWhatAHintExpectsDoesNotForgetWhatWasOffered(t *testing.T) {
	var woken activations
	fleet := newFleet(&woken).node("n1", 3800*mi, 0).node("tainted", 0, 0)
	judged := fleet.publish()
	fleet.plugin.waiting.add(newPod("p", 500*mi), 500*mi, judged)
	fleet.plugin.waiting.expect(newPod("p", 500*mi))
	fleet.plugin.waiting.wake(klog.Background(), fleet.publish())
	if len(woken) != 0 {
		t.Errorf("woken: %v, want none", woken)
	}
}

// The sample of a node shows a pod that has none of its own. Nobody knows how much of it that is, so its end promises nothing.
func TestAPodThatOnlyItsNodesSampleShowsPromisesNothing(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3800*mi, 0).running("p", "n1", 2000*mi, 0)
	fleet.samples.Pods = nil
	fleet.publish()
	plugin, pod, state := fleet.plugin, newPod("new", 500*mi), framework.NewCycleState()
	priority(1)(pod)
	plugin.PreFilter(t.Context(), state, pod, nil)
	plugin.RemovePod(t.Context(), state, pod, podInfo(t, fleet.pods[0]), fleet.info("n1"))
	if got := plugin.Filter(t.Context(), state, pod, fleet.info("n1")); got.Code() != fwk.Unschedulable {
		t.Errorf("a dry run without it: %v, want Unschedulable", got)
	}
	before, _ := plugin.books.current().left(0)
	plugin.books.depart(fleet.pods[0].UID)
	if after, _ := plugin.books.current().left(0); after != before {
		t.Errorf("when it has gone: left = %dMi, want %dMi as before", after/mi, before/mi)
	}
}

func TestWhatAVictimHeldIsMeasuredRoom(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3800*mi, 0).running("victim", "n1", 100*mi, 800*mi)
	fleet.publish()
	fleet.plugin.books.depart("victim")
	holder := newPod("holder", 700*mi)
	fleet.plugin.books.reserve(holder.UID, "n1", fleet.plugin.estimator.Demand(holder))
	if got := fleet.filter(t, 500*mi, "n1"); got.Message() != ErrReasonUnseen {
		t.Errorf("status = %v, want %q: only what was promised since takes the room", got, ErrReasonUnseen)
	}
}
