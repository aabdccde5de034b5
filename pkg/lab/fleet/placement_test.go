// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/lab/screen"
)

const fitsNowhere = "0/2 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. preemption: none"

// newPlacement returns a placement of pods over a client whose scheduler does as decide says with each pod that is created:
// it returns a node, or the message of a pod that fits nowhere, or neither.
func newPlacement(pods []Pod, decide func(name string) (node, message string)) (*placement, *fake.Clientset) {
	client := fake.NewClientset()
	client.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		pod := action.(clienttesting.CreateAction).GetObject().(*corev1.Pod)
		node, message := decide(pod.Name)
		pod.Spec.NodeName = node
		if message != "" {
			pod.Status.Conditions = []corev1.PodCondition{{
				Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: message,
			}}
		}
		return false, nil, nil // the tracker of the client stores the changed pod
	})
	return &placement{
		client: client, clock: clock.RealClock{}, pods: pods, tracker: newTracker(clock.RealClock{}, pods),
		screen: screen.New(io.Discard, false), settle: 300 * time.Millisecond,
	}, client
}

// countedClock counts how often it was looked at.
type countedClock struct {
	clock.RealClock
	count atomic.Int64
}

func (c *countedClock) Now() time.Time {
	c.count.Add(1)
	return c.RealClock.Now()
}

func threePods() []Pod {
	return []Pod{{Name: "a", CPUMilli: 1, RequestedBytes: 10}, {Name: "b", CPUMilli: 2, RequestedBytes: 20}, {Name: "c", CPUMilli: 3, RequestedBytes: 30}}
}

func TestPlacementEndsWhenEveryPodIsPlaced(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	p, _ := newPlacement(threePods(), func(string) (string, string) { return "node-1", "" })
	p.settle = time.Hour
	if err := p.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	var summary Summary
	p.tracker.result(&summary)
	want := Summary{
		Pods: 3, Placed: 3, Reasons: map[string]int{}, Examples: map[string]Example{},
		PlacedRequests: Amount{Pods: 3, CPUMilli: 6, MemoryBytes: 60}, Seconds: summary.Seconds, PodsPerSecond: summary.PodsPerSecond,
	}
	if diff := cmp.Diff(want, summary); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

func TestPlacementWaitsForLatePlacesBeforeItGivesUpOnAPod(t *testing.T) {
	p, client := newPlacement(threePods(), func(name string) (string, string) {
		if name == "a" {
			return "node-1", ""
		}
		return "", fitsNowhere
	})
	p.settle = 5 * lookInterval
	looks := &countedClock{}
	p.clock = looks
	judged := make(chan error, 1)
	until := func(condition func() bool) error {
		return wait.PollUntilContextTimeout(t.Context(), time.Millisecond, time.Minute, true, func(context.Context) (bool, error) { return condition(), nil })
	}
	go func() { // when they were looked at twice since all of them were judged, b finds a place after all
		if err := until(func() bool { return p.tracker.now().judged() }); err != nil {
			judged <- err
			return
		}
		enough := looks.count.Load() + 2
		if err := until(func() bool { return looks.count.Load() >= enough }); err != nil {
			judged <- err
			return
		}
		pod, err := client.CoreV1().Pods(namespace).Get(t.Context(), "b", metav1.GetOptions{})
		if err == nil {
			pod.Spec.NodeName = "node-2"
			_, err = client.CoreV1().Pods(namespace).Update(t.Context(), pod, metav1.UpdateOptions{})
		}
		judged <- err
	}()
	if err := p.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-judged; err != nil {
		t.Fatal(err)
	}
	var summary Summary
	p.tracker.result(&summary)
	want := Summary{
		Pods: 3, Placed: 2, Unplaced: 1,
		Reasons: map[string]int{"Insufficient cpu; Insufficient memory": 1},
		Examples: map[string]Example{
			"Insufficient cpu; Insufficient memory": {Pod: "c", Row: 3, CPUMilli: 3, MemoryBytes: 30, Message: fitsNowhere},
		},
		PlacedRequests: Amount{Pods: 2, CPUMilli: 3, MemoryBytes: 30},
		Seconds:        summary.Seconds, PodsPerSecond: float64(2) / summary.Seconds,
	}
	if diff := cmp.Diff(want, summary); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if summary.Seconds <= 0 {
		t.Errorf("seconds %v, want more than 0", summary.Seconds)
	}
}

func TestPlacementEndsWithItsContextAndTellsHowFarItCame(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	cause := errors.New("somebody pressed Ctrl-C")
	ctx, cancel := context.WithCancelCause(t.Context())
	p, _ := newPlacement(threePods(), func(name string) (string, string) {
		if name == "c" {
			cancel(cause)
		}
		return "", ""
	})
	if err := p.run(ctx); err == nil {
		t.Fatal("no error")
	}
	var summary Summary
	p.tracker.result(&summary)
	if summary.Unplaced != 3 || summary.Reasons[reasonNotJudged]+summary.Reasons[reasonNotCreated] != 3 {
		t.Errorf("summary %+v, want 3 pods that were not judged, or not created", summary)
	}
}

func TestPlacementReportsAPodThatCannotBeCreated(t *testing.T) {
	p, client := newPlacement(threePods(), func(string) (string, string) { return "node-1", "" })
	refusal := errors.New("the store is full")
	client.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		refused := action.(clienttesting.CreateAction).GetObject().(*corev1.Pod).Name == "b"
		return refused, nil, refusal
	})
	err := p.run(t.Context())
	if !errors.Is(err, refusal) || !strings.Contains(err.Error(), "create pod b") {
		t.Errorf("error %v, want one about pod b that wraps %v", err, refusal)
	}
}

func TestPlacementFailsWhenTheSchedulerIsSilent(t *testing.T) {
	fakeClock := clocktesting.NewFakeClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	p := &placement{clock: fakeClock, tracker: newTracker(fakeClock, threePods()), screen: screen.New(io.Discard, false)}
	fakeClock.Step(stallLimit)
	err := p.wait(t.Context())
	if err == nil || !strings.Contains(err.Error(), "3 of 3 pods waiting for it, a among them") {
		t.Errorf("error %v, want one that counts the waiting pods and names one", err)
	}
}

func TestTrackerFollowsAPodFromVerdictToPlaceAndIgnoresStrangers(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	fakeClock := clocktesting.NewFakeClock(start)
	tracker := newTracker(fakeClock, threePods())
	pod := func(name, node, reason string) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PodSpec{NodeName: node},
			Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{
				Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: reason, Message: "why",
			}}},
		}
	}
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	for second, step := range []struct {
		name    string
		pod     *corev1.Pod
		deleted bool
		want    state
	}{
		{"a is there", pod("a", "", ""), false, state{pods: 3, created: 1, began: at(1), changed: at(1)}},
		{"an error of the scheduler is no verdict", pod("a", "", corev1.PodReasonSchedulerError), false, state{pods: 3, created: 1, began: at(1), changed: at(1)}},
		{"a fits nowhere", pod("a", "", corev1.PodReasonUnschedulable), false, state{pods: 3, created: 1, unschedulable: 1, began: at(1), changed: at(3)}},
		{"and again", pod("a", "", corev1.PodReasonUnschedulable), false, state{pods: 3, created: 1, unschedulable: 1, began: at(1), changed: at(3)}},
		{"a is placed", pod("a", "n", ""), false, state{pods: 3, created: 1, placed: 1, began: at(1), lastPlaced: at(5), changed: at(5)}},
		{"a stranger", pod("x", "n", ""), false, state{pods: 3, created: 1, placed: 1, began: at(1), lastPlaced: at(5), changed: at(5)}},
		{"a placed pod counts when it is gone", pod("a", "n", ""), true, state{pods: 3, created: 1, placed: 1, began: at(1), lastPlaced: at(5), changed: at(5)}},
		{"b is deleted unseen", pod("b", "", ""), true, state{pods: 3, created: 2, placed: 1, unschedulable: 1, began: at(1), lastPlaced: at(5), changed: at(8)}},
	} {
		fakeClock.SetTime(at(second + 1))
		tracker.see(step.pod, step.deleted)
		if diff := cmp.Diff(step.want, tracker.now(), cmp.AllowUnexported(state{})); diff != "" {
			t.Fatalf("%s: state (-want +got):\n%s", step.name, diff)
		}
	}
	var summary Summary
	tracker.result(&summary)
	want := map[string]int{reasonDeleted: 1, reasonNotCreated: 1}
	if diff := cmp.Diff(want, summary.Reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}
