// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/template"
	"github.com/prometheus/prometheus/util/annotations"
)

// now is when everything here is evaluated, in seconds since 1970.
const now = 1_700_000_000

// stored are samples a minute apart, the last of them now, by their metric.
type stored map[string][]float64

// seriesSet goes through a list.
type seriesSet struct {
	series []storage.Series
	at     int
}

func (s *seriesSet) Next() bool                        { s.at++; return s.at <= len(s.series) }
func (s *seriesSet) At() storage.Series                { return s.series[s.at-1] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// queryable is what an engine reads stored samples by.
func (s stored) queryable(t *testing.T) storage.Queryable {
	t.Helper()
	var all []promql.Series
	for metric, values := range s {
		parsed, err := parser.NewParser(parser.Options{}).ParseMetric(metric)
		if err != nil {
			t.Fatal(err)
		}
		series := promql.Series{Metric: parsed}
		for i, value := range values {
			series.Floats = append(series.Floats, promql.FPoint{T: (now - 60*int64(len(values)-1-i)) * 1000, F: value})
		}
		all = append(all, series)
	}
	selected := func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
		found := &seriesSet{}
		for _, series := range all {
			if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(series.Metric.Get(m.Name)) }) {
				found.series = append(found.series, promql.NewStorageSeries(series))
			}
		}
		return found
	}
	return &storage.MockQueryable{MockQuerier: &storage.MockQuerier{SelectMockFunction: selected}}
}

// evaluate returns what an expression is now.
func (s stored) evaluate(t *testing.T, expression string) promql.Vector {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 10_000, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{})})
	t.Cleanup(func() { _ = engine.Close() })
	query, err := engine.NewInstantQuery(t.Context(), s.queryable(t), nil, expression, time.Unix(now, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer query.Close()
	vector, err := query.Exec(t.Context()).Vector()
	if err != nil {
		t.Fatal(err)
	}
	return vector
}

// summaries returns what an alert says, once for each time that it fires.
func (s stored) summaries(t *testing.T, name string) []string {
	t.Helper()
	var said []string
	for _, rule := range alerts(t) {
		if rule.Alert != name {
			continue
		}
		for _, sample := range s.evaluate(t, rule.Expr) {
			text := "{{$labels := .Labels}}{{$value := .Value}}" + rule.Annotations["summary"]
			data := template.AlertTemplateData(sample.Metric.Map(), nil, "", sample)
			expanded, err := template.NewTemplateExpander(t.Context(), text, name, data, model.TimeFromUnix(now), nil, &url.URL{}, nil).Expand()
			if err != nil {
				t.Fatal(err)
			}
			said = append(said, expanded)
		}
	}
	return said
}

const (
	troubles    = "headroom_memory_troubles_total"
	exceeded    = "headroom_memory_forecast_exceeded_total"
	refused     = "headroom_memory_samples_refused_total"
	lastSuccess = "headroom_memory_source_last_success_timestamp_seconds"
	failures    = "headroom_memory_source_reads_total"
	failed      = `{namespace="n",job="j",instance="a",result="failure"}`
	replicaA    = `{namespace="n",job="j",instance="a"}`
	replicaB    = `{namespace="n",job="j",instance="b"}`
	ofTheFuture = `{namespace="n",job="j",instance="a",reason="future"}`
	notFound    = `{namespace="n",job="j",instance="a",reason="nothing-found"}`
	notRead     = `{namespace="n",job="j",instance="a",reason="kubelet-unread"}`
)

// rising is a counter that goes up by one every minute.
func rising() []float64 {
	values := make([]float64, 50)
	for i := range values {
		values[i] = float64(i)
	}
	return values
}

// counted is a counter that went up by one, ten minutes ago.
func counted() []float64 {
	return append(slices.Repeat([]float64{0}, 40), slices.Repeat([]float64{1}, 10)...)
}

func TestAlertsSayWhatHappened(t *testing.T) {
	for _, test := range []struct {
		name, alert string
		series      stored
		want        []string
	}{
		{"each replica counts the same pod", "HeadroomNodesRanShort", stored{troubles + replicaA: counted(), troubles + replicaB: counted()},
			[]string{"1 pods were evicted or killed in 30 minutes because their node ran short of memory."}},
		{"none was evicted", "HeadroomNodesRanShort", stored{troubles + replicaA: slices.Repeat([]float64{7}, 50)}, nil},
		{"the source was silent for ten minutes", "HeadroomSourceFails", stored{lastSuccess + replicaA: {now - 600}, lastSuccess + replicaB: {now - 900}},
			[]string{"The source of memory samples has not answered for 10m 0s."}},
		{"and never answered the other replica", "HeadroomSourceFails", stored{lastSuccess + replicaA: {now - 600}, lastSuccess + replicaB: {0}},
			[]string{"The source of memory samples has not answered for 10m 0s."}},
		{"and reads fail", "HeadroomSourceFails", stored{lastSuccess + replicaA: {now - 600}, failures + failed: rising()},
			[]string{"The source of memory samples has not answered for 10m 0s."}},
		{"it is read every ten minutes only", "HeadroomSourceFails", stored{lastSuccess + replicaA: {now - 590}, failures + failed: slices.Repeat([]float64{3}, 50)}, nil},
		{"it answers", "HeadroomSourceFails", stored{lastSuccess + replicaA: {now - 20}, lastSuccess + replicaB: {0}}, nil},
		{"it never answered", "HeadroomSourceFails", stored{lastSuccess + replicaA: {0}, lastSuccess + replicaB: {0}}, nil},
		{"it never answered", "HeadroomSourceNeverAnswered", stored{lastSuccess + replicaA: {0}, lastSuccess + replicaB: {0}},
			[]string{"The source of memory samples has not answered since the scheduler started."}},
		{"it answered one replica", "HeadroomSourceNeverAnswered", stored{lastSuccess + replicaA: {0}, lastSuccess + replicaB: {now - 600}}, nil},
		{"what cannot be true, beside what is not there", "HeadroomSamplesRefused",
			stored{refused + ofTheFuture: rising(), refused + notFound: rising(), refused + notRead: rising()},
			[]string{"Samples are refused that cannot be true: future."}},
		{"series that are not stored", "HeadroomSamplesRefused", stored{refused + notFound: rising()}, nil},
		{"a kubelet that is down", "HeadroomSamplesRefused", stored{refused + notRead: rising()}, nil},
	} {
		t.Run(test.alert+", "+test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.series.summaries(t, test.alert)); diff != "" {
				t.Errorf("summaries (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPanelsCountWhatHappenedOnce(t *testing.T) {
	for _, test := range []struct {
		name, panel, metric string
		series              stored
		want                []float64
	}{
		{"each replica counts the same pod", "Nodes that are avoided", troubles, stored{troubles + replicaA: counted(), troubles + replicaB: counted()}, []float64{1}},
		{"each replica counts the same pod", "Pods that held more than was expected", exceeded,
			stored{exceeded + replicaA: counted(), exceeded + replicaB: counted()}, []float64{1.0 / 1800}},
		{"ten minutes", "Since the last answer of the source", lastSuccess, stored{lastSuccess + replicaA: {now - 600}, lastSuccess + replicaB: {0}}, []float64{600}},
		{"no answer yet", "Since the last answer of the source", lastSuccess, stored{lastSuccess + replicaA: {0}}, nil},
	} {
		t.Run(test.panel+", "+test.name, func(t *testing.T) {
			found := 0
			for where, expression := range expressions(t) {
				if !strings.HasPrefix(where, "panel "+test.panel+": ") || !strings.Contains(expression, test.metric) {
					continue
				}
				found++
				var got []float64
				for _, sample := range test.series.evaluate(t, strings.ReplaceAll(expression, "[5m]", "[30m]")) {
					got = append(got, sample.F)
				}
				// Prometheus extrapolates to the ends of the range.
				near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 0.05*max(a, b) })
				if diff := cmp.Diff(test.want, got, near); diff != "" {
					t.Errorf("%s (-want +got):\n%s", expression, diff)
				}
			}
			if found != 1 {
				t.Errorf("%d expressions of %s, want 1", found, test.metric)
			}
		})
	}
}
