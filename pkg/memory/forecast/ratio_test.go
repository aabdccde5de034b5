// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// shopWorkload is one of the namespace shop.
func shopWorkload(number int) forecast.Workload {
	return forecast.Workload{Namespace: "shop", Kind: "Job", Owner: "job-" + strconv.Itoa(number), Template: "t"}
}

func TestTheRequestsOfANewWorkloadAreJudgedByThoseOfItsNamespace(t *testing.T) {
	asks := func(request int64, source forecast.Source) forecast.Demand {
		return forecast.Demand{RequestBytes: request, FirmBytes: request, PeakBytes: request, PeakSource: source}
	}
	const warm, young = time.Hour, 10 * time.Second
	for _, test := range []struct {
		name string
		// held by five workloads of the namespace in Mi, and by as many others alike that there are copies of them. Each requests
		// 100Mi.
		held   []int64
		copies int
		ran    time.Duration
		of     forecast.Workload
		asks   forecast.Demand
		want   int64
		by     forecast.Source
	}{
		{"in the middle they hold three times what they request", []int64{100, 200, 300, 700, 900}, 4, warm, shopWorkload(99), asks(50*mi, forecast.SourceRequest), 150, forecast.SourceNamespace},
		{"they hold less: it may hold all that it requests", []int64{10, 20, 30, 40, 50}, 4, warm, shopWorkload(99), asks(50*mi, forecast.SourceRequest), 50, forecast.SourceRequest},
		{"15 are too few", []int64{300, 300, 300, 300, 300}, 3, warm, shopWorkload(99), asks(50*mi, forecast.SourceRequest), 50, forecast.SourceRequest},
		{"they only just started", []int64{300, 300, 300, 300, 300}, 4, young, shopWorkload(99), asks(50*mi, forecast.SourceRequest), 50, forecast.SourceRequest},
		{"a limit tells more", []int64{300, 300, 300, 300, 300}, 4, warm, shopWorkload(99), asks(50*mi, forecast.SourceLimit), 50, forecast.SourceLimit},
		{"what is declared stays", []int64{300, 300, 300, 300, 300}, 4, warm, shopWorkload(99), asks(50*mi, forecast.SourceDeclared), 50, forecast.SourceDeclared},
		{"nothing is requested", []int64{300, 300, 300, 300, 300}, 4, warm, shopWorkload(99), asks(0, forecast.SourceDefault), 0, forecast.SourceDefault},
		{"another namespace", []int64{300, 300, 300, 300, 300}, 4, warm, forecast.Workload{Namespace: "test"}, asks(50*mi, forecast.SourceRequest), 50, forecast.SourceRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			learner := forecast.NewLearner(fixedPrior{})
			learner.Begin(noon)
			for i, held := range slices.Repeat(test.held, test.copies) {
				learner.Observe(shopWorkload(i), held*mi, test.ran)
				learner.Requested(shopWorkload(i), 100*mi)
			}
			learner.Requested(shopWorkload(77), mi) // of which nothing was observed
			learner.Publish()
			got := learner.Adjust(test.asks, test.of)
			if got.PeakBytes != test.want*mi || got.PeakSource != test.by {
				t.Errorf("expected to hold %dMi by %s, want %dMi by %s", got.PeakBytes/mi, got.PeakSource, test.want, test.by)
			}
			if got.FirmBytes != test.asks.FirmBytes {
				t.Errorf("%d bytes firmly, want %d: what is only expected keeps nobody from a node", got.FirmBytes, test.asks.FirmBytes)
			}
		})
	}
}

// Sums over the pods of a node must not overflow, whatever a pod requests.
func TestWhatIsExpectedByRatioIsBounded(t *testing.T) {
	learner := forecast.NewLearner(fixedPrior{})
	learner.Begin(noon)
	for i := range 20 {
		learner.Observe(shopWorkload(i), 1<<50, time.Hour)
		learner.Requested(shopWorkload(i), 1)
	}
	learner.Publish()
	got := learner.Adjust(forecast.Demand{RequestBytes: 1 << 50, PeakBytes: 1 << 50, PeakSource: forecast.SourceRequest}, shopWorkload(99))
	if got.PeakBytes != 1<<50 {
		t.Errorf("expected to hold %d bytes, want the 1 PiB that no pod exceeds", got.PeakBytes)
	}
}

// It is handed on with what was learned.
func TestTheRatioOfANamespaceSurvivesACheckpoint(t *testing.T) {
	learner := forecast.NewLearner(fixedPrior{})
	learner.Begin(noon)
	for i := range 20 {
		learner.Observe(shopWorkload(i), 400*mi, time.Hour)
		learner.Requested(shopWorkload(i), 100*mi)
	}
	got := restarted(t, learner).Adjust(forecast.Demand{RequestBytes: 50 * mi, PeakBytes: 50 * mi, PeakSource: forecast.SourceRequest}, shopWorkload(99))
	if got.PeakBytes < 198*mi || got.PeakBytes > 202*mi || got.PeakSource != forecast.SourceNamespace {
		t.Errorf("expected to hold %dMi by %s, want 200Mi, but for rounding, by the namespace ratio", got.PeakBytes/mi, got.PeakSource)
	}
}

// What is not known of a request takes nothing away from what is, whichever learner saw the workload last.
func TestAnUnknownRequestIsNoNews(t *testing.T) {
	for _, test := range []struct {
		name string
		// own and other are what the two learners know that was requested, in Mi; later is how long after its own the other's
		// observation was.
		own, other int64
		later      time.Duration
		want       int64
	}{
		{"the other saw it later, and knows", 100, 200, time.Minute, 50 * 400 / 200},
		{"the other saw it later, and does not know", 100, 0, time.Minute, 50 * 400 / 100},
		{"the other saw it earlier, and knows", 100, 200, -time.Minute, 50 * 400 / 100},
		{"only the other knows, and saw it earlier", 0, 200, -time.Minute, 50 * 400 / 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			own, other := forecast.NewLearner(fixedPrior{}), forecast.NewLearner(fixedPrior{})
			own.Begin(noon)
			other.Begin(noon.Add(test.later))
			for i := range 20 {
				own.Observe(shopWorkload(i), 400*mi, time.Hour)
				own.Requested(shopWorkload(i), test.own*mi)
				other.Observe(shopWorkload(i), 400*mi, time.Hour)
				other.Requested(shopWorkload(i), test.other*mi)
			}
			own.Merge(other.Records(), noon.Add(time.Hour))
			own.Publish()
			got := own.Adjust(forecast.Demand{RequestBytes: 50 * mi, PeakBytes: 50 * mi, PeakSource: forecast.SourceRequest}, shopWorkload(99))
			if got.PeakBytes != test.want*mi {
				t.Errorf("expected to hold %dMi, want %dMi", got.PeakBytes/mi, test.want)
			}
		})
	}
}
