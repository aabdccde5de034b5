// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"slices"
	"time"

	k8smetrics "k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage"
)

// What became of a pod of which nodes were rejected, and what shadow mode thought of the node that was chosen.
const (
	outcomePlaced  = "placed"
	outcomePending = "pending"

	shadowSame     = "same"
	shadowWorse    = "worse"
	shadowRejected = "rejected"
	shadowUnknown  = "unknown"
)

// metrics are the plugin's own, beside those that the framework keeps of every plugin.
type metrics struct {
	rejections   *k8smetrics.CounterVec
	shadows      *k8smetrics.CounterVec
	nodes        *k8smetrics.GaugeVec
	sampleAge    *k8smetrics.GaugeVec
	left         *k8smetrics.GaugeVec
	breaker      *k8smetrics.Gauge
	build        *k8smetrics.Histogram
	refused      *k8smetrics.CounterVec
	reads        *k8smetrics.CounterVec
	pastHours    *k8smetrics.CounterVec
	lastRead     *k8smetrics.Gauge
	reservations *k8smetrics.Gauge
	waitingPods  *k8smetrics.Gauge
	woken        *k8smetrics.Counter
	troubles     *k8smetrics.Counter
	cooling      *k8smetrics.Gauge
	thresholds   *k8smetrics.GaugeVec

	checkpoints         *k8smetrics.CounterVec
	checkpointWorkloads *k8smetrics.GaugeVec
	checkpointBytes     *k8smetrics.Gauge
	forecastError       *k8smetrics.Histogram
	exceeded            *k8smetrics.Counter
}

const (
	namespace = "headroom"
	subsystem = "memory"
)

// bookLabel tells the metrics of several books in one process apart.
const bookLabel = "book"

// newMetrics returns the metrics of a book, named after the first profile that has it. They count nothing until they are registered.
func newMetrics(book string) *metrics {
	constant := map[string]string{bookLabel: book}
	counter := func(name, help string, labels ...string) *k8smetrics.CounterVec {
		return k8smetrics.NewCounterVec(&k8smetrics.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help, ConstLabels: constant, StabilityLevel: k8smetrics.ALPHA}, labels)
	}
	gauges := func(name, help string, labels ...string) *k8smetrics.GaugeVec {
		return k8smetrics.NewGaugeVec(&k8smetrics.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help, ConstLabels: constant, StabilityLevel: k8smetrics.ALPHA}, labels)
	}
	gauge := func(name, help string) *k8smetrics.Gauge {
		return k8smetrics.NewGauge(&k8smetrics.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help, ConstLabels: constant, StabilityLevel: k8smetrics.ALPHA})
	}
	total := func(name, help string) *k8smetrics.Counter {
		return k8smetrics.NewCounter(&k8smetrics.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help, ConstLabels: constant, StabilityLevel: k8smetrics.ALPHA})
	}
	return &metrics{
		rejections: counter("rejections_total", "Scheduling attempts in which at least one node was rejected, by reason and by what became of the pod.", "reason", "outcome"),
		shadows:    counter("shadow_decisions_total", "Pods placed in shadow mode, by what the plugin would have said of the chosen node.", "verdict"),
		nodes:      gauges("nodes", "Nodes by the state of their memory sample.", "state"),
		sampleAge:  gauges("sample_age_seconds", "Age of the nodes' memory samples when the book was made, by the share of nodes whose sample is no older.", "share"),
		left:       gauges("left_ratio", "Memory left until eviction as a share of the memory for pods, by the share of nodes with a fresh sample that have no more. Negative past the threshold.", "share"),
		breaker:    gauge("breaker_open", "1 while too few nodes have a fresh sample, so that requests decide on every node."),
		build: k8smetrics.NewHistogram(&k8smetrics.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "book_build_duration_seconds", Help: "Time to make a book from samples, pods and nodes.", ConstLabels: constant,
			Buckets: k8smetrics.ExponentialBuckets(0.0005, 2, 14), StabilityLevel: k8smetrics.ALPHA,
		}),
		refused:      counter("samples_refused_total", "Samples that cannot be true or are not there, by reason.", "reason"),
		reads:        counter("source_reads_total", "Reads of the source of samples, by result.", "result"),
		pastHours:    counter("source_history_reads_total", "Reads of what pods held in an hour of the past, when the scheduler started, by result.", "result"),
		lastRead:     gauge("source_last_success_timestamp_seconds", "Time of the last read of the source that succeeded, in seconds since 1970."),
		reservations: gauge("reservations", "Pods that were given a node and are not in the book yet."),
		waitingPods:  gauge("waiting_pods", "Pods that wait for memory."),
		woken:        total("woken_pods_total", "Pods woken because memory returned that they fit in."),
		troubles:     total("troubles_total", "Pods seen to have been evicted, or killed for good, because their node ran short of memory."),
		cooling:      gauge("cooling_nodes", "Nodes that are avoided because they ran short of memory a while ago."),
		thresholds:   gauges("thresholds", "Nodes by where the figure of their eviction threshold comes from.", "origin"),

		checkpoints:         counter("checkpoints_total", "Reads and writes of what was learned of workloads, by result.", "operation", "result"),
		checkpointWorkloads: gauges("checkpoint_workloads", "Workloads when what was learned was last written, by whether there was room for them.", "state"),
		checkpointBytes:     gauge("checkpoint_size_bytes", "Size of what was last written, compressed."),
		forecastError: k8smetrics.NewHistogram(&k8smetrics.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "forecast_error_ratio",
			Help:        "The most that a pod of a workload held in an hour as a ratio of what was expected of that hour of the day, for workloads that were seen in it on an earlier day.",
			ConstLabels: constant,
			Buckets:     []float64{0.25, 0.5, 0.75, 0.9, 1, 1.1, 1.15, 1.25, 1.5, 2, 4}, StabilityLevel: k8smetrics.ALPHA,
		}),
		exceeded: total("forecast_exceeded_total", "Times that a warm pod held more than was expected at most of a workload that is known well."),
	}
}

func (m *metrics) all() []k8smetrics.Registerable {
	return []k8smetrics.Registerable{
		m.rejections, m.shadows, m.nodes, m.sampleAge, m.left, m.breaker, m.build, m.refused, m.reads, m.pastHours, m.lastRead,
		m.reservations, m.waitingPods, m.woken, m.troubles, m.cooling, m.thresholds,
		m.checkpoints, m.checkpointWorkloads, m.checkpointBytes, m.forecastError, m.exceeded,
	}
}

// MetricNames returns the names of the metrics that the plugin adds to those of the scheduler, for whoever shows them or alerts
// on them.
func MetricNames() []string {
	var names []string
	for _, metric := range newMetrics("").all() {
		names = append(names, metric.FQName())
	}
	return names
}

// register adds the metrics to those that the scheduler serves. Where another instance has done so before for a book of this name, this
// one counts nothing.
func (m *metrics) register() {
	for _, metric := range m.all() {
		if err := legacyregistry.Register(metric); err != nil {
			return
		}
	}
}

func (m *metrics) rejected(verdicts []verdict, outcome string) {
	for _, v := range verdicts {
		m.rejections.WithLabelValues(v.reason(), outcome).Inc()
	}
}

func (m *metrics) shadowed(verdict string) { m.shadows.WithLabelValues(verdict).Inc() }

// outcomes are counted as the learner tells them.
func (m *metrics) outcomes() forecast.Outcomes {
	return forecast.Outcomes{HourEnded: m.forecastError.Observe, Exceeded: m.exceeded.Inc}
}

// read adds what a poller did between two looks at it.
func (m *metrics) read(before, stats usage.Stats) {
	m.reads.WithLabelValues("success").Add(float64(stats.Reads - stats.Errors - before.Reads + before.Errors))
	m.reads.WithLabelValues("failure").Add(float64(stats.Errors - before.Errors))
	for reason, count := range stats.Refused {
		m.refused.WithLabelValues(string(reason)).Add(float64(count - before.Refused[reason]))
	}
	if !stats.LastSuccess.IsZero() {
		m.lastRead.Set(float64(stats.LastSuccess.UnixMilli()) / 1000)
	}
}

// kept describes a new book, which took so long to make.
func (m *metrics) kept(snapshot *ledger.Snapshot, took time.Duration) {
	m.build.Observe(took.Seconds())
	breaker := 0.0
	if snapshot.Degraded {
		breaker = 1
	}
	m.breaker.Set(breaker)
	states, origins, cooling := map[ledger.State]int{}, map[string]int{}, 0
	var ages, left []float64
	for i := range snapshot.Nodes {
		node := &snapshot.Nodes[i]
		states[node.State]++
		if origin := string(node.Thresholds.EvictionHardOrigin); origin != "" {
			origins[origin]++
		}
		if node.Cooling > 0 {
			cooling++
		}
		if node.State == ledger.Fresh || node.State == ledger.Stale {
			ages = append(ages, snapshot.Time.Sub(node.SampleTime).Seconds())
		}
		if node.State == ledger.Fresh && node.Thresholds.Pods > 0 {
			left = append(left, float64(node.Left)/float64(node.Thresholds.Pods))
		}
	}
	for _, state := range []ledger.State{ledger.Fresh, ledger.Stale, ledger.Absent, ledger.Unsupported} {
		m.nodes.WithLabelValues(state.String()).Set(float64(states[state]))
	}
	m.thresholds.Reset()
	for origin, count := range origins {
		m.thresholds.WithLabelValues(origin).Set(float64(count))
	}
	m.cooling.Set(float64(cooling))
	quantiles(m.sampleAge, ages)
	quantiles(m.left, left)
}

// refuse counts the samples that cannot be true of the nodes and pods that there are.
func (m *metrics) refuse(refused map[sample.Reason]ledger.Refusals) {
	for reason, samples := range refused {
		m.refused.WithLabelValues(string(reason)).Add(float64(samples.Count))
	}
}

// quantiles shows how the values are spread. Without values nothing is known, and nothing is shown.
func quantiles(gauge *k8smetrics.GaugeVec, values []float64) {
	gauge.Reset()
	if len(values) == 0 {
		return
	}
	slices.Sort(values)
	for _, quantile := range []struct {
		label string
		share float64
	}{{"0", 0}, {"0.01", 0.01}, {"0.1", 0.1}, {"0.5", 0.5}, {"0.9", 0.9}, {"0.99", 0.99}, {"1", 1}} {
		gauge.WithLabelValues(quantile.label).Set(values[int(quantile.share*float64(len(values)-1)+0.5)])
	}
}
