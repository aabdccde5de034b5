// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	k8smetrics "k8s.io/component-base/metrics"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// newCheckpointing returns checkpoints of a learner that knows some owners' workloads. The keeper comes by whenever it is
// called, as its goroutine would.
func newCheckpointing(client *fake.Clientset, leads bool, owners ...string) *checkpoints {
	c := newCheckpoints(&config.ForecastCheckpoint{Namespace: "headroom", Name: "headroom-forecast", Interval: metav1.Duration{Duration: time.Minute}}, client)
	c.clock, c.metrics, c.leads = clocktesting.NewFakeClock(now), newMetrics("profile"), func() bool { return leads }
	c.handover = &handover{learner: forecast.NewLearner(forecast.Prior{})}
	c.handover.changed = func() { c.handover.settle(now) }
	c.handover.learner.Begin(now)
	for _, owner := range owners {
		c.handover.learner.Observe(forecast.Workload{Owner: owner}, 100*mi, time.Hour)
	}
	registry := k8smetrics.NewKubeRegistry()
	for _, metric := range c.metrics.all() {
		registry.MustRegister(metric)
	}
	return c
}

// turns lets the checkpoints be run until they have waited so many times.
func (c *checkpoints) turns(t *testing.T, count int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.run(ctx)
	}()
	clock := c.clock.(*clocktesting.FakeClock)
	for turn := range count + 1 {
		if turn > 0 {
			clock.Step(time.Minute)
		}
		if err := wait.PollUntilContextTimeout(ctx, time.Millisecond, 20*time.Second, true, func(context.Context) (bool, error) { return clock.HasWaiters(), nil }); err != nil {
			t.Fatalf("turn %d: %v", turn, err)
		}
	}
	cancel()
	<-done
}

func (c *checkpoints) known() []string {
	var owners []string
	for _, record := range c.handover.learner.Records() {
		owners = append(owners, record.Workload().Owner)
	}
	return owners
}

// wantKnownAfterAStart compares the workloads that a replica knows which has just read the checkpoint.
func wantKnownAfterAStart(t *testing.T, client *fake.Clientset, want ...string) {
	t.Helper()
	next := newCheckpointing(client, false)
	next.turns(t, 0)
	if diff := cmp.Diff(want, next.known()); diff != "" {
		t.Errorf("known after a start (-want +got):\n%s", diff)
	}
}

func TestALeaderWritesWhatTheNextOneReads(t *testing.T) {
	client := fake.NewClientset()
	standby := newCheckpointing(client, false, "web")
	standby.turns(t, 3)
	if _, err := client.CoreV1().ConfigMaps("headroom").Get(t.Context(), "headroom-forecast", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("a replica that does not lead has written: %v", err)
	}
	leader := newCheckpointing(client, true, "web")
	leader.turns(t, 3)
	if got := counted(t, leader.metrics.checkpoints, checkpointWrite, resultSuccess); got != 3 {
		t.Errorf("%v writes succeeded, want 3", got)
	}
	wantKnownAfterAStart(t, client, "web")
}

func TestACheckpointThatCannotBeUsedIsReplaced(t *testing.T) {
	client := fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "headroom", Name: "headroom-forecast", Labels: map[string]string{"mine": "yes"}},
		BinaryData: map[string][]byte{CheckpointKey: []byte("no checkpoint")}})
	c := newCheckpointing(client, true, "web")
	c.turns(t, 1)
	if got := counted(t, c.metrics.checkpoints, checkpointRead, resultRefused); got != 1 {
		t.Errorf("counted %v times that it was refused, want once", got)
	}
	object, err := client.CoreV1().ConfigMaps("headroom").Get(t.Context(), "headroom-forecast", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if checkpoint, err := forecast.Decode(object.BinaryData[CheckpointKey]); err != nil || len(checkpoint.Records) != 1 || object.Labels["mine"] != "yes" {
		t.Errorf("written: %+v, %v, labels %v, want one workload, and the labels as they were", checkpoint, err, object.Labels)
	}
}

// One that was made for the scheduler to fill is none that cannot be used.
func TestAnEmptyConfigMapIsFilled(t *testing.T) {
	client := fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "headroom", Name: "headroom-forecast"}})
	c := newCheckpointing(client, true, "web")
	c.turns(t, 1)
	if got := counted(t, c.metrics.checkpoints, checkpointRead, resultRefused); got != 0 {
		t.Errorf("counted %v times that it was refused, want never: nothing was learned before", got)
	}
	wantKnownAfterAStart(t, client, "web")
}

// What could not be read may be of days: a leader that has just started must not write over it.
func TestNothingIsWrittenOverWhatCouldNotBeRead(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("get", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(corev1.Resource("configmaps"), "headroom-forecast", nil)
	})
	c := newCheckpointing(client, true, "web")
	c.turns(t, 2)
	for _, action := range client.Actions() {
		if action.GetVerb() != "get" {
			t.Errorf("%s was tried", action.GetVerb())
		}
	}
	if got := counted(t, c.metrics.checkpoints, checkpointRead, resultFailure); got != 3 {
		t.Errorf("counted %v failures, want 3", got)
	}
}
