// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// fixedPrior expects 1000Mi of every pod.
type fixedPrior struct{}

func (fixedPrior) Demand(*corev1.Pod) forecast.Demand {
	return forecast.Demand{RequestBytes: 500 * mi, FirmBytes: 500 * mi, PeakBytes: 1000 * mi, PeakSource: forecast.SourceLimit}
}

func TestWhatSiblingsHeldOutweighsThePriorTheLongerTheyRan(t *testing.T) {
	web := forecast.Workload{Namespace: "shop", Owner: "web"}
	for _, test := range []struct {
		name     string
		held     int64 // Mi
		ran      time.Duration
		from, to int64 // Mi, of the expected peak
	}{
		{"not at all", 200, 0, 1000, 1000},
		{"for a minute", 200, time.Minute, 900, 999},
		{"for ten minutes", 200, 10 * time.Minute, 500, 550},
		{"for hours: what they held, with a margin", 200, 10 * time.Hour, 230, 231},
		{"more than was expected", 2000, 10 * time.Hour, 2300, 2300},
		{"more than was expected, a moment ago", 2000, time.Minute, 1100, 1200},
	} {
		t.Run(test.name, func(t *testing.T) {
			learner := forecast.NewLearner(fixedPrior{})
			learner.Begin(noon)
			learner.Observe(web, test.held*mi, test.ran)
			learner.Publish()
			got := learner.Adjust(fixedPrior{}.Demand(nil), web)
			if peak := got.PeakBytes / mi; peak < test.from || peak > test.to {
				t.Errorf("peak = %dMi, want %d to %dMi", peak, test.from, test.to)
			}
			if got.FirmBytes != 500*mi || got.PeakSource != forecast.SourceSiblings {
				t.Errorf("demand = %+v, want the firm part as it was, and the source named", got)
			}
		})
	}
}

func TestNothingIsLearnedOfOthersAndBeforeItIsPublished(t *testing.T) {
	learner := forecast.NewLearner(fixedPrior{})
	learner.Begin(noon)
	learner.Observe(forecast.Workload{Owner: "web"}, mi, time.Hour)
	prior := fixedPrior{}.Demand(nil)
	if got := learner.Adjust(prior, forecast.Workload{Owner: "web"}); got != prior {
		t.Errorf("before: %+v, want the prior", got)
	}
	learner.Publish()
	if got := learner.Adjust(prior, forecast.Workload{Owner: "other"}); got != prior {
		t.Errorf("another workload: %+v, want the prior", got)
	}
	for _, source := range []forecast.Source{forecast.SourceDeclared, forecast.SourceOOMKilled} {
		said := prior
		said.PeakSource = source
		if got := learner.Adjust(said, forecast.Workload{Owner: "web"}); got != said {
			t.Errorf("%s: %+v, want what it was", source, got)
		}
	}
}

func TestPeaksAreForgottenInTime(t *testing.T) {
	web, learner := forecast.Workload{Owner: "web"}, forecast.NewLearner(fixedPrior{})
	at := func(after time.Duration, held int64) int64 {
		learner.Begin(noon.Add(after))
		if held > 0 {
			learner.Observe(web, held*mi, 10*time.Hour)
		}
		learner.Publish()
		return learner.Adjust(fixedPrior{}.Demand(nil), web).PeakBytes / mi
	}
	for _, step := range []struct {
		name  string
		after time.Duration
		held  int64
		want  int64
	}{
		{"a peak", 0, 800, 920},
		{"is remembered though less is held", 6 * time.Hour, 100, 920},
		{"and into the next span", 13 * time.Hour, 100, 920},
		{"and then no more", 26 * time.Hour, 100, 115},
		{"a workload that is not seen for a day is forgotten", 51 * time.Hour, 0, 1000},
	} {
		if got := at(step.after, step.held); got != step.want {
			t.Errorf("%s: peak = %dMi, want %dMi", step.name, got, step.want)
		}
	}
}

func TestWhatIsLearnedIsBounded(t *testing.T) {
	learner := forecast.NewLearner(fixedPrior{})
	for i := range 30_000 {
		learner.Begin(noon.Add(time.Duration(i) * time.Second))
		learner.Observe(forecast.Workload{Owner: strconv.Itoa(i)}, mi, 10*time.Hour)
	}
	learner.Publish()
	prior := fixedPrior{}.Demand(nil)
	known := 0
	for i := range 30_000 {
		if learner.Adjust(prior, forecast.Workload{Owner: strconv.Itoa(i)}) != prior {
			known++
		}
	}
	if known > 20_000 || known < 1000 {
		t.Errorf("%d workloads are known, want many, and at most 20000", known)
	}
	if learner.Adjust(prior, forecast.Workload{Owner: "29999"}) == prior {
		t.Error("the workload that was seen last is forgotten")
	}
}

// What was observed and what the prior says bound what is expected.
func TestTheExpectedPeakLiesBetweenPriorAndObservation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		learner, web := forecast.NewLearner(fixedPrior{}), forecast.Workload{Owner: "web"}
		learner.Begin(noon)
		var highest int64
		for range rapid.IntRange(1, 5).Draw(t, "observations") {
			held := rapid.Int64Range(0, 4000).Draw(t, "held") * mi
			highest = max(highest, held)
			learner.Observe(web, held, time.Duration(rapid.IntRange(0, 10_000).Draw(t, "ran"))*time.Second)
		}
		learner.Publish()
		got, learned := learner.Adjust(fixedPrior{}.Demand(nil), web).PeakBytes, highest+highest*15/100
		if low, high := min(learned, 1000*mi), max(learned, 1000*mi); got < low-1 || got > high+1 {
			t.Fatalf("peak = %d, want %d to %d", got, low, high)
		}
	})
}
