// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/component-base/metrics/legacyregistry"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	perf "k8s.io/kubernetes/test/integration/scheduler_perf"
	"k8s.io/kubernetes/test/utils/client-go/ktesting"

	testperf "github.com/headroom-dev/headroom/test/perf"
	"github.com/headroom-dev/headroom/test/perf/arms"
)

// stopwatchName is a plugin without influence: it notes when pods are bound.
const stopwatchName = "Stopwatch"

// measured is the label of the pods that count.
const measured = "measured"

// measurement times one workload, turn by turn: from the first scheduling attempt of a turn's measured pods to the last bind of one.
type measurement struct {
	arm      testperf.Arm
	metrics  *arms.Metrics
	gate     *gate
	turns    int
	whenDone func(*testperf.Measured) error

	mutex     sync.Mutex
	prepared  bool
	expected  int // measured pods of a turn
	bound     int // of this turn
	start     counters
	taken     int // turns
	spent     spending
	algorithm []time.Duration // of each attempt of a measured pod
	doneErr   error
}

// counters are totals of this process at one moment.
type counters struct {
	at          time.Time
	cpu         time.Duration
	allocations uint64
	filterSum   float64 // seconds
	filterCount uint64
}

// spending is what all turns took together.
type spending struct {
	time, cpu   time.Duration
	allocations uint64
	filterSum   float64 // seconds
	filterCount uint64
}

func (s *spending) add(start, end counters) {
	s.time += end.at.Sub(start.at)
	s.cpu += end.cpu - start.cpu
	s.allocations += end.allocations - start.allocations
	s.filterSum += end.filterSum - start.filterSum
	s.filterCount += end.filterCount - start.filterCount
}

func newMeasurement(b *testing.B, arm testperf.Arm, turns int, gate *gate) *measurement {
	b.Helper()
	if !slices.Contains(testperf.Arms(), arm) {
		b.Fatalf("%s=%s: want one of %v", armVariable, arm, testperf.Arms())
	}
	metrics := arms.NewMetrics()
	b.Cleanup(metrics.Close)
	return &measurement{arm: arm, metrics: metrics, turns: turns, gate: gate}
}

// registry has the plugins of all arms, and the stopwatch.
func (m *measurement) registry() frameworkruntime.Registry {
	registry := arms.Registry(m.metrics)
	registry[stopwatchName] = func(context.Context, kruntime.Object, fwk.Handle) (fwk.Plugin, error) { return &stopwatch{m}, nil }
	return registry
}

// nodesCreated is called by the harness when nodes are there. When they all are, it waits until the arm has read their
// metrics, so that each arm does the work that it would do in a cluster.
func (m *measurement) nodesCreated(ctx ktesting.TContext, instance *scheduler.Scheduler, workload *perf.Workload, nodes *corev1.NodeList) error {
	if !m.prepared {
		m.prepared = true
		m.prepare(instance, workload)
	}
	wanted := 0
	for _, name := range []string{"ssdNodes", "plainNodes"} {
		if count, err := workload.GetParam(name); err == nil {
			wanted += count
		}
	}
	if len(nodes.Items) < wanted {
		return nil
	}
	if running, err := workload.GetParam("runningPods"); err == nil {
		if err := m.fill(ctx, ctx.Client(), instance, nodes.Items, running); err != nil {
			return err
		}
	}
	m.metrics.SetNodes(nodes.Items)
	return m.metrics.AwaitRead(ctx, m.arm)
}

func (m *measurement) prepare(instance *scheduler.Scheduler, workload *perf.Workload) {
	m.expected, _ = workload.GetParam("measurePods")
	if each, err := workload.GetParam("eachPods"); err == nil {
		m.expected += 3 * each
	}
	m.algorithm = make([]time.Duration, 0, 2*m.turns*m.expected)
	schedulePod := instance.SchedulePod
	instance.SchedulePod = func(ctx context.Context, f framework.Framework, state fwk.CycleState, pod *framework.QueuedPodInfo) (scheduler.ScheduleResult, error) {
		if pod.Pod.Labels[gateLabel] != "" {
			if err := m.gate.pass(pod.Pod.UID); err != nil {
				return scheduler.ScheduleResult{}, err
			}
		}
		if pod.Pod.Labels[measured] == "" {
			return schedulePod(ctx, f, state, pod)
		}
		m.begin()
		begin := time.Now()
		result, err := schedulePod(ctx, f, state, pod)
		m.algorithm = append(m.algorithm, time.Since(begin)) // cycles come one after another
		return result, err
	}
}

// begin notes when a turn's first measured pod is tried.
func (m *measurement) begin() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.start.at.IsZero() {
		m.start = countBefore()
	}
}

// stopwatch notes when measured pods are bound.
type stopwatch struct{ measurement *measurement }

var _ fwk.PostBindPlugin = &stopwatch{}

func (s *stopwatch) Name() string { return stopwatchName }

func (s *stopwatch) PostBind(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) {
	m := s.measurement
	addErr := m.metrics.AddPod(pod)
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if addErr != nil {
		m.doneErr = addErr
	}
	if pod.Labels[measured] == "" {
		return
	}
	if m.bound++; m.bound < m.expected {
		return
	}
	m.spent.add(m.start, countAfter())
	m.start, m.bound = counters{}, 0
	if m.taken++; m.taken == m.turns {
		m.doneErr = errors.Join(m.doneErr, m.done())
	}
}

// cpuTime is what this process has had of the processors: what others take, on a machine that is shared, is not in it.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// countBefore reads the counters at the beginning of what is measured, and countAfter at its end, in the order that leaves out what
// reading them takes: an API server has many metrics.
func countBefore() (now counters) {
	now.filters()
	now.process()
	return now
}

func countAfter() (now counters) {
	now.process()
	now.filters()
	return now
}

func (c *counters) process() {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	c.at, c.allocations, c.cpu = time.Now(), stats.Mallocs, cpuTime()
}

func (c *counters) filters() {
	families, err := legacyregistry.DefaultGatherer.Gather()
	if err != nil {
		return
	}
	for _, family := range families {
		if family.GetName() != "scheduler_framework_extension_point_duration_seconds" {
			continue
		}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "extension_point" && label.GetValue() == "Filter" {
					c.filterSum += metric.GetHistogram().GetSampleSum()
					c.filterCount += metric.GetHistogram().GetSampleCount()
				}
			}
		}
	}
}

// done hands over the result of all turns.
func (m *measurement) done() error {
	slices.Sort(m.algorithm)
	var sum time.Duration
	for _, duration := range m.algorithm {
		sum += duration
	}
	pods := float64(m.turns * m.expected)
	result := &testperf.Measured{
		PodsPerSecond:   pods / m.spent.time.Seconds(),
		AlgorithmMsMean: float64(sum) / float64(len(m.algorithm)) / float64(time.Millisecond),
		AlgorithmMsP99:  float64(m.algorithm[len(m.algorithm)*99/100]) / float64(time.Millisecond),
		AllocsPerPod:    float64(m.spent.allocations) / pods,
		CPUMsPerPod:     float64(m.spent.cpu) / pods / float64(time.Millisecond),
	}
	if cycles := m.spent.filterCount; cycles > 0 {
		result.FilterMsMean = m.spent.filterSum / float64(cycles) * 1000
	}
	if m.whenDone == nil {
		return nil
	}
	return m.whenDone(result)
}

// finished returns why there is no result.
func (m *measurement) finished() error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	switch {
	case m.expected == 0:
		return errors.New("no workload was run: does -bench name one?")
	case m.taken < m.turns:
		return fmt.Errorf("%d of %d measured pods were bound in turn %d of %d", m.bound, m.expected, m.taken+1, m.turns)
	}
	return m.doneErr
}
