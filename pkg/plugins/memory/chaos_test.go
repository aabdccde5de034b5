// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	k8smetrics "k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/testutil"
	fwk "k8s.io/kube-scheduler/framework"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage"
)

// troubledSource is a source of 20 nodes that hold 1000Mi each, n0 excepted, which holds 3800Mi; and what is wrong with it.
type troubledSource struct {
	clock *clocktesting.FakeClock

	mutex  sync.Mutex
	down   bool
	silent int           // how many nodes are not reported, from the last on
	skew   time.Duration // of all timestamps
	poison *sample.Node  // what n1 reports instead
	read   time.Time     // when it was read last
}

// mayStep says whether the clock may go on: not before a read that is due was made. A clock that runs ahead of the poller
// lets samples grow old that a real source would have renewed. A source that is down is read less and less.
func (s *troubledSource) mayStep() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.down || s.clock.Since(s.read) <= 2*arguments().RefreshInterval.Duration
}

func (s *troubledSource) Read(context.Context) (*sample.Set, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.read = s.clock.Now()
	if s.down {
		return nil, errors.New("the server is currently unable to handle the request")
	}
	set := &sample.Set{Nodes: map[string]sample.Node{}, Pods: map[types.NamespacedName]sample.Pod{}}
	for i := range 20 - s.silent {
		bytes := 1000 * mi
		if i == 0 {
			bytes = 3800 * mi
		}
		set.Nodes[fmt.Sprint("n", i)] = sample.Node{Measurement: sample.Measurement{Bytes: bytes, Time: s.clock.Now().Add(s.skew)}}
	}
	if s.poison != nil {
		poison := *s.poison
		poison.Time = s.clock.Now()
		set.Nodes["n1"] = poison
	}
	return set, nil
}

// refusedFor reports whether samples were refused for the reason; it is so where there is none.
func refusedFor(t *testing.T, m *metrics, reason sample.Reason) bool {
	t.Helper()
	return reason == "" || counted(t, m.refused, string(reason)) > 0
}

func refusedForNothingElse(t *testing.T, m *metrics, want sample.Reason) {
	t.Helper()
	for _, reason := range []sample.Reason{sample.ReasonFuture, sample.ReasonImpossible} {
		if reason != want && refusedFor(t, m, reason) {
			t.Errorf("samples were refused as %s, want none", reason)
		}
	}
}

// Whatever happens to the source: pods are placed, nobody waits for data that is missing, and the metrics say what happened.
func TestTroubleWithTheSourceStopsNobody(t *testing.T) {
	for _, test := range []struct {
		name   string
		happen func(*troubledSource)
		after  time.Duration // that it lasts
		// wantPass: a pod of 500Mi passes n0, which measurements say is full. Where nothing is known it must.
		wantPass    bool
		wantBreaker float64
		wantStates  map[string]float64
		wantRefused sample.Reason // by which samples were refused; "": none were
	}{
		{"nothing", func(*troubledSource) {}, 0, false, 0, map[string]float64{"fresh": 20, "stale": 0, "absent": 0}, ""},
		{"down for an hour", func(s *troubledSource) { s.down = true }, time.Hour, true, 1, map[string]float64{"fresh": 0, "stale": 20, "absent": 0}, ""},
		{"half of the nodes silent", func(s *troubledSource) { s.silent = 10 }, 5 * time.Minute, false, 0, map[string]float64{"fresh": 10, "stale": 0, "absent": 10}, ""},
		{"most of the nodes silent", func(s *troubledSource) { s.silent = 11 }, 5 * time.Minute, true, 1, map[string]float64{"fresh": 9, "stale": 0, "absent": 11}, ""},
		{"ten minutes ahead", func(s *troubledSource) { s.skew = 10 * time.Minute }, 5 * time.Minute, true, 1, map[string]float64{"fresh": 0, "stale": 0, "absent": 20}, sample.ReasonFuture},
		{"ten minutes behind", func(s *troubledSource) { s.skew = -10 * time.Minute }, 5 * time.Minute, true, 1, map[string]float64{"fresh": 0, "stale": 20, "absent": 0}, ""},
		{"one node reports more than it has", func(s *troubledSource) {
			s.poison = &sample.Node{Measurement: sample.Measurement{Bytes: 1 << 60}}
		}, 5 * time.Minute, false, 0, map[string]float64{"fresh": 19, "stale": 0, "absent": 1}, sample.ReasonImpossible},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			fleet := newFleet(nil)
			for i := range 20 {
				fleet.node(fmt.Sprint("n", i), 0, 0)
			}
			client := fake.NewClientset()
			for _, node := range fleet.nodes {
				if _, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			clock := clocktesting.NewFakeClock(now)
			source := &troubledSource{clock: clock}
			informerFactory := informers.NewSharedInformerFactory(client, 0)
			factory := quietFactory(clock)
			registry := k8smetrics.NewKubeRegistry()
			factory.serve = func(m *metrics) { registry.MustRegister(m.breaker, m.nodes, m.refused) }
			plugin, err := factory.newFrom(ctx, arguments(), handle{factory: informerFactory, client: client},
				func(*config.HeadroomMemoryArgs, fwk.Handle) (usage.Source, error) { return source, nil })
			if err != nil {
				t.Fatal(err)
			}
			informerFactory.Start(ctx.Done())
			defer informerFactory.Shutdown()
			defer cancel()
			step := func(what string, until func() bool) {
				t.Helper()
				if err := wait.PollUntilContextTimeout(ctx, time.Millisecond, 20*time.Second, true, func(context.Context) (bool, error) {
					if until() {
						return true, nil
					}
					if source.mayStep() {
						clock.Step(5 * time.Second)
					}
					return false, nil
				}); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
			}
			step("a book of all nodes", func() bool { return len(plugin.books.current().snapshot.Nodes) == 20 })
			source.mutex.Lock()
			test.happen(source)
			source.mutex.Unlock()
			// Not in one leap, which would leave no node fresh: what opens the breaker for once keeps it open for longer.
			end := clock.Now().Add(test.after)
			step(fmt.Sprint(test.after, " passed"), func() bool { return !clock.Now().Before(end) })
			step(fmt.Sprintf("the metrics tell %v, breaker %v, and what was refused: %q", test.wantStates, test.wantBreaker, test.wantRefused), func() bool {
				return gauge(t, plugin.metrics.breaker) == test.wantBreaker && maps.Equal(test.wantStates, states(t, plugin.metrics)) && refusedFor(t, plugin.metrics, test.wantRefused)
			})
			refusedForNothingElse(t, plugin.metrics, test.wantRefused)
			fleet.plugin = plugin
			if got := fleet.filter(t, 500*mi, "n0").IsSuccess(); got != test.wantPass {
				t.Errorf("a pod passes the node that is full: %v, want %v", got, test.wantPass)
			}
			for i := 1; i < 20; i++ {
				if got := fleet.filter(t, 500*mi, fmt.Sprint("n", i)); !got.IsSuccess() {
					t.Errorf("n%d: %v, want success", i, got)
				}
			}
		})
	}
}

func gauge(t *testing.T, metric k8smetrics.GaugeMetric) float64 {
	t.Helper()
	value, err := testutil.GetGaugeMetricValue(metric)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// states returns how many nodes are in which state, by the metrics.
func states(t *testing.T, m *metrics) map[string]float64 {
	t.Helper()
	got := map[string]float64{}
	for _, state := range []string{"fresh", "stale", "absent"} {
		got[state] = gauge(t, m.nodes.WithLabelValues(state))
	}
	return got
}
