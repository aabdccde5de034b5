// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage"
)

// handle is the part of the scheduler that the plugin uses.
type handle struct {
	fwk.Handle
	factory informers.SharedInformerFactory
	client  kubernetes.Interface
}

func (h handle) SharedInformerFactory() informers.SharedInformerFactory { return h.factory }
func (h handle) ClientSet() kubernetes.Interface                        { return h.client }
func (h handle) EventRecorder() events.EventRecorderLogger              { return nil }
func (h handle) ProfileName() string                                    { return "default-scheduler" }
func (h handle) Activate(klog.Logger, map[string]*corev1.Pod)           {}

// quietFactory serves no metrics: those of a process are for the first book of a name.
func quietFactory(ticker clock.WithTicker) *Factory {
	return &Factory{clock: ticker, serve: func(*metrics) {}, shared: map[sharedKey]*shared{}}
}

// source answers with what is set, or fails.
type source struct{ set atomic.Pointer[sample.Set] }

func (s *source) Read(context.Context) (*sample.Set, error) {
	if set := s.set.Load(); set != nil {
		return set, nil
	}
	return nil, errors.New("no metrics here")
}

func arguments() *config.HeadroomMemoryArgs {
	return &config.HeadroomMemoryArgs{
		Filter:              config.FilterHard,
		Strategy:            config.StrategySpread,
		PackPercent:         75,
		RefreshInterval:     metav1.Duration{Duration: 15 * time.Second},
		FreshFor:            metav1.Duration{Duration: 90 * time.Second},
		MaxNotFreshPercent:  50,
		WarmUp:              metav1.Duration{Duration: time.Minute},
		AssumedEvictionHard: resource.MustParse("100Mi"),
		LimitPriorPercent:   50,
		Source:              config.MemorySource{Type: config.SourceMetricsAPI},
	}
}

func TestTheBookFollowsSamplesPodsAndTheClock(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	fleet := newFleet(nil).node("n1", 3000*mi, 0)
	client := fake.NewClientset(fleet.nodes[0])
	factory := informers.NewSharedInformerFactory(client, 0)
	clock := clocktesting.NewFakeClock(now)
	source := &source{}
	plugin, err := quietFactory(clock).newFrom(ctx, arguments(), handle{factory: factory, client: client},
		func(*config.HeadroomMemoryArgs, fwk.Handle) (usage.Source, error) { return source, nil })
	if err != nil {
		t.Fatal(err)
	}
	factory.Start(ctx.Done())
	defer factory.Shutdown()
	defer cancel()

	// until steps the clock until the book is as wanted: what waits for the clock goes on, whatever the order.
	until := func(what string, wanted func(*book) bool) {
		t.Helper()
		if err := wait.PollUntilContextTimeout(ctx, time.Millisecond, 20*time.Second, true, func(context.Context) (bool, error) {
			book := plugin.books.current()
			if len(book.snapshot.Nodes) == 1 && wanted(book) {
				return true, nil
			}
			clock.Step(time.Second)
			return false, nil
		}); err != nil {
			t.Fatalf("%s: %v; book %+v", what, err, plugin.books.current().snapshot)
		}
	}
	measure := func(bytes int64) {
		source.set.Store(&sample.Set{Nodes: map[string]sample.Node{"n1": {Measurement: sample.Measurement{Bytes: bytes, Time: clock.Now().Add(30 * time.Second)}}}})
	}

	until("a source that fails leaves the node unknown", func(b *book) bool { return b.snapshot.Nodes[0].State == ledger.Absent && b.snapshot.Degraded })
	measure(1000 * mi)
	until("a sample makes it fresh", func(b *book) bool {
		left, known := b.left(0)
		return known && left == 2900*mi
	})
	pod := newPod("p", 400*mi)
	pod.Spec.NodeName = "n1"
	measure(1000 * mi)
	if _, err := client.CoreV1().Pods("default").Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	until("a pod that somebody bound counts", func(b *book) bool {
		left, _ := b.left(0)
		return left == 2500*mi
	})
	measure(1000 * mi)
	if err := client.CoreV1().Pods("default").Delete(ctx, "p", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	until("and counts no more when it is gone", func(b *book) bool {
		left, _ := b.left(0)
		return left == 2900*mi
	})
	source.set.Store(nil)
	until("a source that fails again makes the node stale", func(b *book) bool { return b.snapshot.Nodes[0].State == ledger.Stale })
}

func TestNewRefusesBadArguments(t *testing.T) {
	invalid := arguments()
	invalid.FreshFor.Duration = time.Second
	for _, test := range []struct {
		name string
		args runtime.Object
		want string
	}{
		{"arguments of another plugin", &schedulerconfig.NodeAffinityArgs{}, "HeadroomMemoryArgs"},
		{"an invalid field", invalid, "freshFor"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := NewFactory().New(t.Context(), test.args, handle{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one that names %q", err, test.want)
			}
		})
	}
}
