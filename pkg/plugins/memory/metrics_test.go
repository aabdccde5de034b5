// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	k8smetrics "k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/testutil"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage"
)

// counted returns how far a counter of the labels has counted.
func counted(t *testing.T, counter *k8smetrics.CounterVec, labels ...string) float64 {
	t.Helper()
	value, err := testutil.GetCounterMetricValue(counter.WithLabelValues(labels...))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestMetricsTellOfTheBook(t *testing.T) {
	fleet := newFleet(nil).node("n1", 1950*mi, 10*time.Second).node("n2", 3900*mi, 30*time.Second).node("stale", 0, 10*time.Minute)
	fleet.samples.Nodes["gone"] = sample.Node{Measurement: sample.Measurement{Bytes: 1, Time: now}}
	registry := k8smetrics.NewKubeRegistry()
	m := fleet.plugin.metrics
	registry.MustRegister(m.breaker, m.nodes, m.sampleAge, m.left, m.refused, m.thresholds)
	snapshot := fleet.publish().snapshot
	m.kept(snapshot, time.Millisecond)
	m.refuse(snapshot.Refused)
	want := `
# HELP headroom_memory_breaker_open [ALPHA] 1 while too few nodes have a fresh sample, so that requests decide on every node.
# TYPE headroom_memory_breaker_open gauge
headroom_memory_breaker_open{book="profile"} 0
# HELP headroom_memory_left_ratio [ALPHA] Memory left until eviction as a share of the memory for pods, by the share of nodes with a fresh sample that have no more. Negative past the threshold.
# TYPE headroom_memory_left_ratio gauge
headroom_memory_left_ratio{book="profile",share="0"} 0
headroom_memory_left_ratio{book="profile",share="0.01"} 0
headroom_memory_left_ratio{book="profile",share="0.1"} 0
headroom_memory_left_ratio{book="profile",share="0.5"} 0.5
headroom_memory_left_ratio{book="profile",share="0.9"} 0.5
headroom_memory_left_ratio{book="profile",share="0.99"} 0.5
headroom_memory_left_ratio{book="profile",share="1"} 0.5
# HELP headroom_memory_nodes [ALPHA] Nodes by the state of their memory sample.
# TYPE headroom_memory_nodes gauge
headroom_memory_nodes{book="profile",state="absent"} 0
headroom_memory_nodes{book="profile",state="fresh"} 2
headroom_memory_nodes{book="profile",state="stale"} 1
headroom_memory_nodes{book="profile",state="unsupported"} 0
# HELP headroom_memory_sample_age_seconds [ALPHA] Age of the nodes' memory samples when the book was made, by the share of nodes whose sample is no older.
# TYPE headroom_memory_sample_age_seconds gauge
headroom_memory_sample_age_seconds{book="profile",share="0"} 10
headroom_memory_sample_age_seconds{book="profile",share="0.01"} 10
headroom_memory_sample_age_seconds{book="profile",share="0.1"} 10
headroom_memory_sample_age_seconds{book="profile",share="0.5"} 30
headroom_memory_sample_age_seconds{book="profile",share="0.9"} 600
headroom_memory_sample_age_seconds{book="profile",share="0.99"} 600
headroom_memory_sample_age_seconds{book="profile",share="1"} 600
# HELP headroom_memory_samples_refused_total [ALPHA] Samples that cannot be true or are not there, by reason.
# TYPE headroom_memory_samples_refused_total counter
headroom_memory_samples_refused_total{book="profile",reason="unknown"} 1
# HELP headroom_memory_thresholds [ALPHA] Nodes by where the figure of their eviction threshold comes from.
# TYPE headroom_memory_thresholds gauge
headroom_memory_thresholds{book="profile",origin="assumed"} 3
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func TestReadsAreCountedOnce(t *testing.T) {
	m := newMetrics("profile")
	registry := k8smetrics.NewKubeRegistry()
	registry.MustRegister(m.reads, m.refused, m.lastRead)
	first := usage.Stats{Reads: 3, Errors: 1, Refused: map[sample.Reason]int64{sample.ReasonFuture: 2}, LastSuccess: time.Unix(100, 0)}
	m.read(usage.Stats{}, first)
	m.read(first, usage.Stats{Reads: 5, Errors: 1, Refused: map[sample.Reason]int64{sample.ReasonFuture: 5}, LastSuccess: time.Unix(130, 0)})
	want := `
# HELP headroom_memory_samples_refused_total [ALPHA] Samples that cannot be true or are not there, by reason.
# TYPE headroom_memory_samples_refused_total counter
headroom_memory_samples_refused_total{book="profile",reason="future"} 5
# HELP headroom_memory_source_last_success_timestamp_seconds [ALPHA] Time of the last read of the source that succeeded, in seconds since 1970.
# TYPE headroom_memory_source_last_success_timestamp_seconds gauge
headroom_memory_source_last_success_timestamp_seconds{book="profile"} 130
# HELP headroom_memory_source_reads_total [ALPHA] Reads of the source of samples, by result.
# TYPE headroom_memory_source_reads_total counter
headroom_memory_source_reads_total{book="profile",result="failure"} 1
headroom_memory_source_reads_total{book="profile",result="success"} 4
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func TestMetricsFollowTheConventions(t *testing.T) {
	m := newMetrics("profile")
	registry := k8smetrics.NewKubeRegistry()
	for _, metric := range m.all() {
		registry.MustRegister(metric)
	}
	fleet := newFleet(nil).node("n1", mi, 0)
	m.kept(fleet.publish().snapshot, time.Second)
	m.rejected([]verdict{measured}, outcomePlaced)
	m.shadowed(shadowSame)
	m.checkpoints.WithLabelValues(checkpointRead, resultSuccess).Inc()
	m.pastHours.WithLabelValues(resultSuccess).Inc()
	m.checkpointWorkloads.WithLabelValues("kept").Set(1)
	m.read(usage.Stats{}, usage.Stats{Reads: 1, Refused: map[sample.Reason]int64{sample.ReasonFuture: 1}, LastSuccess: now})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	text := &bytes.Buffer{}
	for _, family := range families {
		if _, err := testutil.MetricFamilyToText(text, family); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := len(families), len(m.all()); got != want {
		t.Errorf("%d metrics are served, want all %d", got, want)
	}
	problems, err := testutil.NewPromLinter(text).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

func TestRegisteringTwiceDoesNoHarm(*testing.T) {
	newMetrics("twice").register()
	newMetrics("twice").register() // must not fail: one process may run two schedulers
}

// Profiles whose books are kept differently show both, each under the name of the first profile that has it.
func TestBooksHaveMetricsOfTheirOwn(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	client := fake.NewClientset()
	informerFactory := informers.NewSharedInformerFactory(client, 0)
	registry := k8smetrics.NewKubeRegistry()
	factory := quietFactory(clock.RealClock{})
	factory.serve = func(m *metrics) { registry.MustRegister(m.reservations) }
	for _, profile := range []struct {
		name    string
		reserve string
		pods    int
	}{{"first", "0", 1}, {"shares", "0", 1}, {"own", "1Gi", 3}} {
		args := arguments()
		args.Reserve = resource.MustParse(profile.reserve)
		plugin, err := factory.newFrom(ctx, args, named{handle{factory: informerFactory, client: client}, profile.name},
			func(*config.HeadroomMemoryArgs, fwk.Handle) (usage.Source, error) { return &source{}, nil })
		if err != nil {
			t.Fatal(err)
		}
		for i := range profile.pods {
			plugin.Reserve(ctx, nothing{}, newPod(fmt.Sprint(profile.name, i), mi), "n1")
		}
		plugin.metrics.reservations.Set(float64(plugin.books.reserved()))
	}
	want := `
# HELP headroom_memory_reservations [ALPHA] Pods that were given a node and are not in the book yet.
# TYPE headroom_memory_reservations gauge
headroom_memory_reservations{book="first"} 2
headroom_memory_reservations{book="own"} 3
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	cancel()
	informerFactory.Shutdown()
}

// named is a handle of a profile.
type named struct {
	handle
	profile string
}

func (n named) ProfileName() string { return n.profile }
