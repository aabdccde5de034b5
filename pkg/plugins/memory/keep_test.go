// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/events"
	k8smetrics "k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/testutil"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
	"github.com/headroom-dev/headroom/pkg/usage"
)

// keeping is a keeper of the fleet's book that keeps when it is told to, and what it says.
type keeping struct {
	*keeper
	recorder *events.FakeRecorder
}

func newKeeping(t *testing.T, fleet *fleet, source usage.Source) *keeping {
	t.Helper()
	clock := clocktesting.NewFakeClock(now)
	indexer := func() cache.Indexer {
		return cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	}
	nodes, pods := indexer(), indexer()
	for _, node := range fleet.nodes {
		if err := nodes.Add(node); err != nil {
			t.Fatal(err)
		}
	}
	for _, pod := range fleet.pods {
		if err := pods.Add(pod); err != nil {
			t.Fatal(err)
		}
	}
	recorder := events.NewFakeRecorder(10)
	k := &keeper{
		books: fleet.plugin.books, waiting: fleet.plugin.waiting, metrics: fleet.plugin.metrics, clock: clock,
		poller:    usage.NewPoller(source, usage.PollerOptions{Interval: time.Minute, Keep: time.Minute}, clock),
		builder:   ledger.NewBuilder(ledger.Options{FreshFor: 90 * time.Second, EvictionHardBytes: 100 * mi, MaxNotFreshPercent: 50, Estimator: fleet.plugin.estimator}),
		announcer: &announcer{clock: clock, recorder: recorder}, changed: make(chan struct{}, 1),
		nodes: corelisters.NewNodeLister(nodes), pods: corelisters.NewPodLister(pods),
	}
	k.history = newHistory(clock, k.change)
	registry := k8smetrics.NewKubeRegistry()
	for _, metric := range k.metrics.all() {
		registry.MustRegister(metric)
	}
	return &keeping{keeper: k, recorder: recorder}
}

// read lets the source be read once.
func (k *keeping) read(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	k.poller.Run(ctx, cancel)
}

func (k *keeping) keep(t *testing.T) {
	t.Helper()
	if _, err := k.keeper.keep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestThatNothingIsKnownIsNoNewsBeforeTheFirstRead(t *testing.T) {
	k := newKeeping(t, newFleet(nil).node("n1", 0, 0), &source{})
	k.keep(t)
	if n := len(k.recorder.Events); n != 0 {
		t.Errorf("%d events before the source was read, want none", n)
	}
	k.read(t)
	k.keep(t)
	if n := len(k.recorder.Events); n != 1 {
		t.Errorf("%d events after it failed, want one", n)
	}
}

func TestWhatASetOfSamplesHasWrongCountsOnce(t *testing.T) {
	fleet := newFleet(nil).node("n1", 1000*mi, 0)
	fleet.samples.Nodes["gone"] = sample.Node{Measurement: sample.Measurement{Bytes: mi, Time: now}}
	k := newKeeping(t, fleet, fixed{fleet.samples})
	k.read(t)
	for range 3 {
		k.keep(t)
	}
	if got := counted(t, k.metrics.refused, string(sample.ReasonUnknown)); got != 1 {
		t.Errorf("counted %v times, want once", got)
	}
	k.read(t)
	k.keep(t)
	if got := counted(t, k.metrics.refused, string(sample.ReasonUnknown)); got != 2 {
		t.Errorf("after another read: counted %v times, want twice", got)
	}
}

func TestOnlyEvictionsOfNowAreCounted(t *testing.T) {
	k := newKeeping(t, newFleet(nil).node("n1", 1000*mi, 0), &source{})
	for name, age := range map[string]time.Duration{"now": time.Minute, "long-ago": 10 * time.Hour, "by-a-clock-far-ahead": -time.Hour} {
		pod := newPod(name, mi)
		pod.Spec.NodeName = "n1"
		pod.Status = corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", Message: "The node was low on resource: memory.", Conditions: []corev1.PodCondition{
			{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(now.Add(-age))}}}
		k.history.see(pod)
	}
	k.keep(t)
	if got, err := testutil.GetCounterMetricValue(k.metrics.troubles); err != nil || got != 1 {
		t.Errorf("counted %v (%v), want the one of a minute ago", got, err)
	}
}

func TestPodsThatDoNotWaitAnyMoreAreForgotten(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3800*mi, 0)
	waits, placed := newPod("waits", 500*mi), newPod("placed", 500*mi)
	placed.Spec.NodeName = "n1"
	fleet.pods = []*corev1.Pod{waits, placed}
	k := newKeeping(t, fleet, fixed{fleet.samples})
	k.read(t)
	k.keep(t)
	for _, pod := range []*corev1.Pod{waits, placed, newPod("gone", 500*mi)} {
		k.waiting.add(pod, 500*mi, k.books.current())
	}
	k.keep(t)
	if n := k.waiting.count(); n != 1 {
		t.Errorf("%d pods wait, want 1", n)
	}
}

func TestWhatKubeletsTellIsInTheBook(t *testing.T) {
	fleet := newFleet(nil).node("n1", 1000*mi, 0)
	k := newKeeping(t, fleet, fixed{fleet.samples})
	k.kubelets = &kubelets{}
	k.kubelets.known.Store(&map[string]*threshold.Settings{"n1": {EvictionHard: threshold.Amount{Bytes: 500 * mi}, EvictionHardOrigin: threshold.OriginConfigz, EnforcesPods: true}})
	k.read(t)
	k.keep(t)
	if left, _ := k.books.current().left(0); left != 2500*mi {
		t.Errorf("left = %dMi, want 2500Mi by the kubelet's threshold", left/mi)
	}
}

func TestWhatOfANodeMakesANewBook(t *testing.T) {
	before := newFleet(nil).node("n1", 0, 0).nodes[0]
	before.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse}}
	for _, test := range []struct {
		name   string
		change func(*corev1.Node)
		want   bool
	}{
		{"a heartbeat", func(n *corev1.Node) { n.Status.Conditions[0].LastHeartbeatTime = metav1.NewTime(now) }, false},
		{"pressure", func(n *corev1.Node) { n.Status.Conditions[0].Status = corev1.ConditionTrue }, true},
		{"another size", func(n *corev1.Node) { n.Status.Allocatable = corev1.ResourceList{} }, true},
		{"its annotation", func(n *corev1.Node) { n.Annotations = map[string]string{threshold.EvictionHardAnnotation: "1Gi"} }, true},
		{"another annotation", func(n *corev1.Node) { n.Annotations = map[string]string{"owner": "me"} }, false},
	} {
		keeper := &keeper{changed: make(chan struct{}, 1)}
		after := before.DeepCopy()
		test.change(after)
		keeper.nodeHandler().OnUpdate(before, after)
		if got := len(keeper.changed) == 1; got != test.want {
			t.Errorf("%s makes a new book: %v, want %v", test.name, got, test.want)
		}
	}
}
