// SPDX-License-Identifier: Apache-2.0

package usage_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage"
	"github.com/headroom-dev/headroom/pkg/usage/metricsapi"
)

// nodeItem is a node in a list of metrics.k8s.io.
func nodeItem(name, memory string, taken time.Time) string {
	return fmt.Sprintf(`{"metadata":{"name":%q},"timestamp":%q,"usage":{"memory":%q}}`, name, taken.Format(time.RFC3339), memory)
}

func list(items ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"items":[%s]}`, strings.Join(items, ","))
	}
}

func refusal(code int, retryAfter string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", retryAfter)
		w.WriteHeader(code)
	}
}

// One real source goes through everything that can happen to it, while a poller reads it.
func TestAPollerLivesThroughTroubleWithItsSource(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	var answer atomic.Pointer[http.HandlerFunc]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if strings.HasSuffix(request.URL.Path, "/pods") {
			list()(w, request)
			return
		}
		(*answer.Load())(w, request)
	}))
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()
	fake := clocktesting.NewFakeClock(now)
	clock := &waitingClock{FakeClock: fake, waits: make(chan time.Duration, 1)}
	source, err := metricsapi.New(&rest.Config{Host: server.URL}, metricsapi.Options{Clock: fake})
	if err != nil {
		t.Fatal(err)
	}
	poller := usage.NewPoller(source, usage.PollerOptions{Interval: 10 * time.Second, Keep: 5 * time.Minute, Jitter: unshaken}, clock)

	at := func(bytes int64, after time.Duration) sample.Node {
		return sample.Node{Measurement: sample.Measurement{Bytes: bytes, Time: now.Add(after)}}
	}
	both := map[string]sample.Node{"a": at(1, 0), "b": at(2, 0)}
	later := now.Add(20 * time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	var ticks, stopped chan struct{}
	var pending time.Duration
	for i, step := range []struct {
		name   string
		answer http.HandlerFunc
		want   map[string]sample.Node
		// waits until the next read.
		waits time.Duration
	}{
		{"it is not there yet", refusal(503, ""), nil, time.Second},
		{"it comes up", list(nodeItem("a", "1", now), nodeItem("b", "2", now)), both, 10 * time.Second},
		{"half of the nodes are missing", list(nodeItem("a", "3", later)), map[string]sample.Node{"a": at(3, 20*time.Second), "b": at(2, 0)}, 10 * time.Second},
		{"it is busy", refusal(429, "25"), map[string]sample.Node{"a": at(3, 20*time.Second), "b": at(2, 0)}, 25 * time.Second},
		{"its clock is ten minutes ahead", list(nodeItem("a", "9", now.Add(10*time.Minute)), nodeItem("b", "9", now.Add(10*time.Minute))),
			map[string]sample.Node{"a": at(3, 20*time.Second), "b": at(2, 0)}, 10 * time.Second},
		{"its clock is ten minutes behind", list(nodeItem("a", "9", now.Add(-10*time.Minute)), nodeItem("c", "9", now.Add(-10*time.Minute))),
			map[string]sample.Node{"a": at(3, 20*time.Second), "b": at(2, 0), "c": at(9, -10*time.Minute)}, 10 * time.Second},
		{"a login page is before it", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
			map[string]sample.Node{"a": at(3, 20*time.Second), "b": at(2, 0), "c": at(9, -10*time.Minute)}, 10 * time.Second},
		{"one node is poisoned", list(nodeItem("a", "-9", now.Add(70*time.Second)), nodeItem("b", "4", now.Add(70*time.Second))),
			map[string]sample.Node{"a": at(3, 20*time.Second), "b": at(4, 70*time.Second)}, 10 * time.Second},
	} {
		answer.Store(&step.answer)
		if i == 0 {
			ticks, stopped = run(ctx, poller)
		} else {
			fake.Step(pending)
		}
		waits := time.Duration(0)
		for {
			<-ticks
			wait := <-clock.waits
			if waits == 0 {
				var got map[string]sample.Node
				if latest := poller.Latest(); latest != nil {
					got = latest.Nodes
				}
				if diff := cmp.Diff(step.want, got, cmpopts.IgnoreFields(sample.Measurement{}, "Missed")); diff != "" {
					t.Errorf("%s (-want +got):\n%s", step.name, diff)
				}
			}
			if waits += wait; waits >= step.waits {
				pending = wait
				break
			}
			fake.Step(wait)
		}
		if waits != step.waits {
			t.Errorf("%s: it waits %s, want %s", step.name, waits, step.waits)
		}
	}
	cancel()
	<-stopped
}
