// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	k8smetrics "k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/testutil"
	fwk "k8s.io/kube-scheduler/framework"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage"
	"github.com/headroom-dev/headroom/pkg/usage/prometheus"
)

// pastPeaks answers for the hour that ends then.
type pastPeaks func(until time.Time) (map[string]int64, error)

func (p pastPeaks) Peaks(_ context.Context, start, end time.Time, step time.Duration) (*prometheus.Peaks, error) {
	if !start.Equal(end) || step != time.Hour {
		return nil, fmt.Errorf("asked from %s to %s by %s, want one hour", start, end, step)
	}
	held, err := p(end)
	if err != nil {
		return nil, err
	}
	peaks := &prometheus.Peaks{Pods: map[types.NamespacedName][]prometheus.Peak{}, RefusedCount: map[sample.Reason]int{}}
	for name, bytes := range held {
		peaks.Pods[types.NamespacedName{Namespace: "default", Name: name}] = []prometheus.Peak{{Bytes: bytes, Since: end.Add(-step), Until: end}}
	}
	return peaks, nil
}

// newPast returns one for pods that run now, whose records end in a learner.
func newPast(t *testing.T, source pastSource, period time.Duration, pods ...*corev1.Pod) *past {
	t.Helper()
	indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	for _, pod := range pods {
		if err := indexer.Add(pod); err != nil {
			t.Fatal(err)
		}
	}
	metrics, registry := newMetrics("profile"), k8smetrics.NewKubeRegistry()
	for _, metric := range metrics.all() {
		registry.MustRegister(metric)
	}
	return &past{
		source: source, period: period, pods: corelisters.NewPodLister(indexer), synced: func() bool { return true },
		clock: clocktesting.NewFakeClock(now), metrics: metrics,
		handover: &handover{learner: forecast.NewLearner(forecast.Prior{}), changed: func() {}},
	}
}

// learned returns what is expected of the pod in an hour of the day, in Mi, once all was read.
func (p *past) learned(pod *corev1.Pod, hour int) int64 {
	learner := p.handover.learner
	learner.Begin(now)
	p.handover.settle(now)
	learner.Publish()
	demand := learner.Demand(pod)
	course := demand.Course(0)
	var sums [forecast.Hours]float64
	course.AddTo(&sums, 1)
	return int64(sums[hour]) / mi
}

func TestWhatPodsHeldBeforeIsRead(t *testing.T) {
	web, other := newPod("web", 100*mi), newPod("other", 100*mi)
	peak := now.Truncate(time.Hour).Add(-30 * time.Hour)
	var asked []time.Time
	past := newPast(t, pastPeaks(func(until time.Time) (map[string]int64, error) {
		asked = append(asked, until)
		if until.Equal(peak) {
			return map[string]int64{"web": 900 * mi, "gone": 5000 * mi}, nil
		}
		return map[string]int64{"web": 300 * mi}, nil
	}), 48*time.Hour, web, other)
	past.run(t.Context())

	last := now.Truncate(time.Hour)
	var want []time.Time
	for hours := 47; hours >= 0; hours-- {
		want = append(want, last.Add(-time.Duration(hours)*time.Hour))
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("hours that were asked for, the oldest first (-want +got):\n%s", diff)
	}
	// The hour that ended 30 hours ago came once more a day later, with 300Mi.
	if got := past.learned(web, forecast.HourOf(peak.Add(-time.Second))); got != 450 {
		t.Errorf("in the hour of the peak of the day before yesterday %dMi are expected, want half of it, 450Mi", got)
	}
	if got := past.learned(web, forecast.HourOf(peak.Add(-2*time.Hour))); got != 300 {
		t.Errorf("in another hour %dMi are expected, want 300Mi", got)
	}
	if records := past.handover.learner.Records(); len(records) != 1 {
		t.Errorf("%d workloads are known, want that of the one pod that runs and was seen", len(records))
	}
	if got := past.handover.learner.Demand(web); got.FirmBytes != 100*mi {
		t.Errorf("the pod asks firmly for %d, want its request: what was held once is only expected", got.FirmBytes)
	}
	if got, err := testutil.GetCounterMetricValue(past.metrics.pastHours.WithLabelValues(resultSuccess)); err != nil || got != 48 {
		t.Errorf("hours that were read: %v (%v), want 48", got, err)
	}
}

func TestAnHourThatCannotBeReadIsAskedForAgain(t *testing.T) {
	for _, test := range []struct {
		name     string
		failures int
		wantTook time.Duration
		wantRead bool
	}{
		{"once", 1, pastRetry, true},
		{"for some minutes", pastTries - 1, (pastTries - 1) * pastRetry, true},
		{"for longer: what was read before counts", 100, (pastTries - 1) * pastRetry, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			web, failed := newPod("web", 100*mi), 0
			second := now.Truncate(time.Hour)
			past := newPast(t, pastPeaks(func(until time.Time) (map[string]int64, error) {
				if until.Equal(second) && failed < test.failures {
					failed++
					return nil, errors.New("busy")
				}
				return map[string]int64{"web": 300 * mi * until.Unix() / second.Unix()}, nil
			}), 2*time.Hour, web)
			clock := past.clock.(*clocktesting.FakeClock)
			done := make(chan struct{})
			go func() {
				defer close(done)
				past.run(t.Context())
			}()
			for finished := false; !finished; {
				select {
				case <-done:
					finished = true
				case <-time.After(time.Millisecond):
					if clock.HasWaiters() {
						clock.Step(pastRetry)
					}
				}
			}
			if took := clock.Since(now); took != test.wantTook {
				t.Errorf("took %s, want %s", took, test.wantTook)
			}
			if got := past.learned(web, forecast.HourOf(second.Add(-61*time.Minute))); got == 0 {
				t.Error("nothing was learned of the hour before")
			}
			wantHours := 1.
			if test.wantRead {
				wantHours = 2
			}
			if got, err := testutil.GetCounterMetricValue(past.metrics.pastHours.WithLabelValues(resultSuccess)); err != nil || got != wantHours {
				t.Errorf("hours that were read: %v (%v), want %v", got, err, wantHours)
			}
		})
	}
}

func TestReadingThePastEndsWithTheScheduler(t *testing.T) {
	past := newPast(t, pastPeaks(func(time.Time) (map[string]int64, error) { return nil, errors.New("busy") }), time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		past.run(ctx)
	}()
	clock := past.clock.(*clocktesting.FakeClock)
	if err := wait.PollUntilContextTimeout(ctx, time.Millisecond, 20*time.Second, true, func(context.Context) (bool, error) { return clock.HasWaiters(), nil }); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-done
}

func TestThePastIsReadFromPrometheus(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.URL.Path != "/api/v1/query_range" || request.FormValue("start") != request.FormValue("end") {
			http.Error(w, "not what was to be asked", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"namespace":"default","pod":"web"},"values":[[%s,"%d"]]},
			{"metric":{"namespace":"default","pod":"web2"},"values":[[%s,"-5"]]}]}}`, request.FormValue("end"), 700*mi, request.FormValue("end"))
	}))
	defer server.Close()
	source, err := prometheus.New(prometheus.Options{Address: server.URL, Clock: clocktesting.NewFakeClock(now)})
	if err != nil {
		t.Fatal(err)
	}
	defer source.CloseIdleConnections()
	if _, err := source.Peaks(t.Context(), now, now, time.Hour); err != nil {
		t.Fatal(err)
	}
	web := newPod("web", 100*mi)
	past := newPast(t, source, 24*time.Hour, web)
	past.run(t.Context())
	if got := past.learned(web, 3); got != 700 {
		t.Errorf("%dMi are expected, want 700Mi", got)
	}
	if got, err := testutil.GetCounterMetricValue(past.metrics.refused.WithLabelValues(string(sample.ReasonNegative))); err != nil || got != 24 {
		t.Errorf("figures that were refused: %v (%v), want one for each hour", got, err)
	}
}

// rememberingSource is a source that knows the past, and tells when it is asked for it.
type rememberingSource struct {
	source
	asked chan time.Time
}

func (r *rememberingSource) Peaks(ctx context.Context, start, _ time.Time, _ time.Duration) (*prometheus.Peaks, error) {
	select {
	case r.asked <- start:
	case <-ctx.Done():
	}
	return &prometheus.Peaks{}, nil
}

func TestThePastIsReadOnceTheInformersAreFilled(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, test := range []struct {
		name   string
		period time.Duration
		want   int
	}{
		{"for two hours", 2 * time.Hour, 2},
		{"not at all", 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			client := fake.NewClientset()
			informerFactory := informers.NewSharedInformerFactory(client, 0)
			defer informerFactory.Shutdown()
			defer cancel()
			args := arguments()
			args.Source = config.MemorySource{Type: config.SourcePrometheus, Prometheus: &config.PrometheusSource{
				Address: "https://p", History: config.PrometheusHistory{Period: metav1.Duration{Duration: test.period}},
			}}
			remembering := &rememberingSource{asked: make(chan time.Time)}
			if _, err := quietFactory(clocktesting.NewFakeClock(now)).newFrom(ctx, args,
				handle{factory: informerFactory, client: client}, func(*config.HeadroomMemoryArgs, fwk.Handle) (usage.Source, error) { return remembering, nil }); err != nil {
				t.Fatal(err)
			}
			patience := 20 * time.Second
			if test.want == 0 {
				patience = 200 * time.Millisecond
			}
			informerFactory.Start(ctx.Done())
			asked := 0
			for timeout := time.After(patience); asked < max(test.want, 1); asked++ {
				select {
				case <-remembering.asked:
					continue
				case <-timeout:
				}
				break
			}
			if asked != test.want {
				t.Errorf("%d hours were asked for, want %d", asked, test.want)
			}
		})
	}
}
