// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// knows returns a learner that has seen so many workloads for a day.
func knows(workloads int) *forecast.Learner {
	learner := forecast.NewLearner(fixedPrior{})
	for hour := range forecast.Hours {
		learner.Begin(noon.Add(time.Duration(hour) * time.Hour))
		for i := range workloads {
			learner.Observe(workloadNumber(i), int64(i+hour)*mi, time.Hour)
		}
		learner.Publish()
	}
	return learner
}

func workloadNumber(i int) forecast.Workload {
	return forecast.Workload{Namespace: fmt.Sprintf("team-%d", i%100), Kind: "ReplicaSet", Owner: fmt.Sprintf("application-%d-5d4f8c7b9", i), Template: fmt.Sprintf("%016x", i)}
}

func TestTenThousandWorkloadsTakeLessThan64MiB(t *testing.T) {
	used := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before := used()
	learner := knows(10_000)
	took := int64(used()) - int64(before)
	t.Logf("%.1f MiB, %d bytes a workload", float64(took)/float64(mi), took/10_000)
	if took > 64*mi {
		t.Errorf("10000 workloads take %d bytes, want less than 64 MiB", took)
	}
	runtime.KeepAlive(learner)
}

// Demands are asked for while pods are scheduled: what was learned is read without a lock, while more is learned, and without
// memory of its own.
func TestDemandsDoNotWaitForWhatIsBeingLearned(t *testing.T) {
	learner, prior := knows(100), fixedPrior{}.Demand(nil)
	if allocated := testing.AllocsPerRun(100, func() { learner.Adjust(prior, forecast.Workload{Owner: "unknown"}) }); allocated != 0 {
		t.Errorf("to correct a demand takes %v allocations, want none", allocated)
	}
	learner.Begin(noon.Add(25 * time.Hour))
	learner.Observe(workloadNumber(7), 5000*mi, time.Hour) // Being learned, and not published yet.
	if got := learner.Adjust(prior, workloadNumber(7)).PeakBytes; got > 100*mi {
		t.Errorf("%dMi are expected before that is published", got/mi)
	}
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for i := range 1000 {
				if got := learner.Adjust(prior, workloadNumber(i%100)); got.PeakSource != forecast.SourceSiblings {
					t.Errorf("workload %d: %+v, want what was learned", i%100, got)
					return
				}
			}
		})
	}
	for i := range 100 {
		learner.Begin(noon.Add(25*time.Hour + time.Duration(i)*time.Second))
		learner.Observe(workloadNumber(i), mi, time.Second)
		learner.Publish()
	}
	readers.Wait()
}

func BenchmarkPublish(b *testing.B) {
	learner := knows(10_000)
	for b.Loop() {
		learner.Publish()
	}
}

func BenchmarkEncode(b *testing.B) {
	records := knows(10_000).Records()
	for b.Loop() {
		data, kept, err := forecast.Encode(records, noon)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(data)), "B")
		b.ReportMetric(float64(kept), "workloads")
	}
}

func BenchmarkDecode(b *testing.B) {
	data, _, err := forecast.Encode(knows(10_000).Records(), noon)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := forecast.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}
