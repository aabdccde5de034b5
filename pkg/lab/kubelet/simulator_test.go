// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
)

const mebi = int64(1) << 20

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// world is a simulator over a fake API server, whose objects the test moves into the listers itself: time stands still
// until it is stepped.
type world struct {
	t         *testing.T
	client    *fake.Clientset
	factory   informers.SharedInformerFactory
	clock     *clocktesting.FakeClock
	simulator *Simulator
}

// newWorld has one node of 1000Mi: 100Mi until eviction, 200Mi held by the system, 900Mi allocatable.
func newWorld(t *testing.T, pods ...*corev1.Pod) *world {
	t.Helper()
	quantity := func(mib int64) resource.Quantity { return *resource.NewQuantity(mib*mebi, resource.BinarySI) }
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "n1", Annotations: map[string]string{cluster.SystemMemoryAnnotation: "200Mi"}},
		Status: corev1.NodeStatus{
			Capacity:    corev1.ResourceList{corev1.ResourceMemory: quantity(1000)},
			Allocatable: corev1.ResourceList{corev1.ResourceMemory: quantity(900)},
		},
	}
	w := &world{t: t, client: fake.NewClientset(node), clock: clocktesting.NewFakeClock(began)}
	w.factory = informers.NewSharedInformerFactory(w.client, 0)
	for _, pod := range pods {
		if err := w.client.Tracker().Add(pod); err != nil {
			t.Fatal(err)
		}
	}
	w.simulator = New(w.client, w.factory, Options{
		EvictionHard: 100 * mebi, PressureTransition: 30 * time.Second, ReportInterval: 5 * time.Second, Step: time.Second, Clock: w.clock,
	})
	return w
}

// run steps the simulation for a time, a second at a time; the listers see each step's writes before the next.
func (w *world) run(duration time.Duration) {
	w.t.Helper()
	for range int(duration / time.Second) {
		w.clock.Step(time.Second)
		w.sync()
		if err := w.simulator.step(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) sync() {
	w.t.Helper()
	nodes, err := w.client.CoreV1().Nodes().List(w.t.Context(), metav1.ListOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	pods, err := w.client.CoreV1().Pods("default").List(w.t.Context(), metav1.ListOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	nodeObjects, podObjects := make([]any, len(nodes.Items)), make([]any, len(pods.Items))
	for i := range nodes.Items {
		nodeObjects[i] = &nodes.Items[i]
	}
	for i := range pods.Items {
		podObjects[i] = &pods.Items[i]
	}
	if err := w.factory.Core().V1().Nodes().Informer().GetStore().Replace(nodeObjects, ""); err != nil {
		w.t.Fatal(err)
	}
	if err := w.factory.Core().V1().Pods().Informer().GetStore().Replace(podObjects, ""); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) pod(name string) *corev1.Pod {
	w.t.Helper()
	pod, err := w.client.CoreV1().Pods("default").Get(w.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return pod
}

func (w *world) pressure() corev1.ConditionStatus {
	w.t.Helper()
	node, err := w.client.CoreV1().Nodes().Get(w.t.Context(), "n1", metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeMemoryPressure {
			return condition.Status
		}
	}
	return corev1.ConditionFalse
}

// happened lists the events so far as "kind pod".
func (w *world) happened() []string {
	var events []string
	for _, event := range w.simulator.History().Events() {
		events = append(events, string(event.Kind)+" "+event.Pod)
	}
	return events
}

// wantHappened compares the events so far.
func (w *world) wantHappened(want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.happened()); diff != "" {
		w.t.Fatalf("happened (-want +got):\n%s", diff)
	}
}

// pod runs on n1 since the beginning.
func pod(name, profile, request, limit string) *corev1.Pod {
	made := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name), Annotations: map[string]string{ProfileAnnotation: profile}},
		Spec: corev1.PodSpec{NodeName: "n1", Containers: []corev1.Container{{Name: "c", Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(request)},
		}}}},
		Status: corev1.PodStatus{
			Phase:             corev1.PodRunning,
			ContainerStatuses: []corev1.ContainerStatus{{Name: "c", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(began)}}}},
		},
	}
	if limit != "" {
		made.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(limit)}
	}
	return made
}

func TestUsageIsReportedForMetrics(t *testing.T) {
	w := newWorld(t, pod("p", "start=100Mi steady=200Mi over=10s", "100Mi", ""))
	for _, test := range []struct {
		seconds int
		want    int64
	}{{1, 110}, {5, 110}, {6, 160}, {10, 160}, {20, 200}} { // every 5 s
		w.run(time.Duration(test.seconds)*time.Second - w.clock.Since(began))
		if got, want := w.pod("p").Annotations[cluster.UsageMemoryAnnotation], strconv.FormatInt(test.want*mebi, 10); got != want {
			t.Errorf("usage annotation after %d s = %q, want %q", test.seconds, got, want)
		}
	}
	if got := w.happened(); got != nil {
		t.Errorf("happened: %v, want nothing", got)
	}
}

func TestPastTheThresholdTheKubeletEvictsInItsOrder(t *testing.T) {
	// The threshold of the machine lies at a working set of 900Mi, so pods may hold 700Mi.
	w := newWorld(t,
		pod("within-request", "steady=400Mi", "500Mi", ""),
		pod("a-little-above", "steady=150Mi", "100Mi", ""),
		pod("far-above", "start=50Mi steady=200Mi over=5s", "20Mi", ""),
	)
	w.run(20 * time.Second)
	w.wantHappened("eviction far-above")
	evicted := w.pod("far-above")
	if evicted.Status.Phase != corev1.PodFailed || evicted.Status.Reason != "Evicted" {
		t.Errorf("status = %s %s, want Failed Evicted", evicted.Status.Phase, evicted.Status.Reason)
	}
	if got := w.pressure(); got != corev1.ConditionTrue {
		t.Errorf("MemoryPressure = %s, want True", got)
	}
	w.run(31 * time.Second)
	if got := w.pressure(); got != corev1.ConditionFalse {
		t.Errorf("MemoryPressure after the transition period = %s, want False", got)
	}
}

func TestAContainerPastItsLimitIsKilledAndComesBack(t *testing.T) {
	w := newWorld(t, pod("p", "start=50Mi steady=300Mi over=10s", "50Mi", "200Mi"))
	w.run(7 * time.Second)
	w.wantHappened("oom-kill p")
	w.run(2 * time.Second)
	if status := w.pod("p").Status.ContainerStatuses[0]; status.State.Running == nil || status.RestartCount != 1 {
		t.Errorf("container status after the first kill = %+v, want it running at once", status)
	}
	w.run(7 * time.Second)
	w.wantHappened("oom-kill p", "oom-kill p")
	status := w.pod("p").Status.ContainerStatuses[0]
	if status.LastTerminationState.Terminated == nil || status.LastTerminationState.Terminated.Reason != "OOMKilled" ||
		status.State.Waiting == nil || status.State.Waiting.Reason != "CrashLoopBackOff" || status.RestartCount != 2 {
		t.Errorf("container status = %+v, want OOMKilled, waiting in CrashLoopBackOff, 2 restarts", status)
	}
	w.run(11 * time.Second)
	if status := w.pod("p").Status.ContainerStatuses[0]; status.State.Running == nil || !status.Ready {
		t.Errorf("container status after the back-off = %+v, want running", status)
	}
	if got := w.pod("p").Status.Phase; got != corev1.PodRunning {
		t.Errorf("phase = %s: an OOM kill does not end a pod", got)
	}
}

func TestAWriteThatFailsIsSentAgain(t *testing.T) {
	w := newWorld(t, pod("p", "steady=800Mi", "100Mi", ""))
	refusals := 0
	w.client.PrependReactor("patch", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if action.GetSubresource() == "status" && refusals < 2 { // the eviction and the condition
			refusals++
			return true, nil, errors.New("the server is busy")
		}
		return false, nil, nil
	})
	w.clock.Step(time.Second)
	w.sync()
	if err := w.simulator.step(t.Context()); err == nil || refusals != 2 {
		t.Fatalf("step = %v after %d refusals, want two", err, refusals)
	}
	w.run(12 * time.Second)
	if got := w.pod("p").Status.Reason; got != "Evicted" {
		t.Errorf("reason = %q, want Evicted", got)
	}
	if got := w.pressure(); got != corev1.ConditionTrue {
		t.Errorf("MemoryPressure = %s, want True", got)
	}
}

func TestMemoryThatGrowsFasterThanTheKubeletLooksEndsInAnOOMKill(t *testing.T) {
	// 1000Mi are reached long before the kubelet's second look, 10 s after its first.
	w := newWorld(t, pod("guaranteed", "steady=300Mi", "300Mi", "300Mi"), pod("burst", "start=10Mi steady=900Mi over=4s", "10Mi", ""))
	w.run(6 * time.Second)
	w.wantHappened("oom-kill burst")
}

func TestTheKubeletLooksSoonAgainAfterAnEviction(t *testing.T) {
	w := newWorld(t, pod("within-request", "steady=660Mi", "700Mi", ""), pod("first", "steady=60Mi", "10Mi", ""), pod("second", "steady=55Mi", "10Mi", ""))
	w.run(2 * time.Second)
	w.wantHappened("eviction first")
	w.run(time.Second)
	w.wantHappened("eviction first", "eviction second")
}

func TestANodeAtItsThresholdIsNotPastIt(t *testing.T) {
	w := newWorld(t, pod("p", "steady=700Mi", "100Mi", ""))
	w.run(20 * time.Second)
	if got := w.happened(); got != nil || w.pressure() != corev1.ConditionFalse {
		t.Errorf("happened: %v, MemoryPressure %s, want nothing", got, w.pressure())
	}
}

func TestTheBackOffDoublesUpToFiveMinutes(t *testing.T) {
	p := &podState{}
	var got []time.Duration
	for range 8 {
		p.kill(began)
		got = append(got, p.restartAt.Sub(began)/time.Second)
	}
	if diff := cmp.Diff([]time.Duration{0, 10, 20, 40, 80, 160, 300, 300}, got); diff != "" {
		t.Errorf("seconds (-want +got):\n%s", diff)
	}
}

func TestWhatTheSystemHoldsIsNotThePods(t *testing.T) {
	// The pods would fit with 860Mi of 1000Mi, but for the 200Mi of the system.
	w := newWorld(t, pod("guaranteed", "steady=300Mi", "300Mi", "300Mi"), pod("burst", "start=10Mi steady=560Mi over=4s", "10Mi", ""))
	w.run(6 * time.Second)
	w.wantHappened("oom-kill burst")
}

func TestTheSeedAndNotTheSchedulerDecidesWhatAPodUses(t *testing.T) {
	if draw(1, "api", 1, "scale") != draw(1, "api", 1, "scale") {
		t.Error("the same pod draws different numbers")
	}
	if draw(1, "api", 1, "scale") == draw(2, "api", 1, "scale") {
		t.Error("different seeds draw the same number")
	}
}
