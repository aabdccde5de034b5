// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// Yesterday a pod held 400Mi in the hour from 12 on, and 200Mi from 13 on.
func TestWhatCameTrueIsToldWhenAnHourEnds(t *testing.T) {
	type outcome struct {
		Ratios   []float64
		Exceeded int
	}
	for _, test := range []struct {
		name string
		held map[time.Duration]int64 // since noon today, Mi
		want outcome
	}{
		{"as yesterday", map[time.Duration]int64{0: 400, time.Hour: 200}, outcome{Ratios: []float64{1, 1}}},
		{"the most within the hour counts", map[time.Duration]int64{0: 100, time.Minute: 220, 2 * time.Minute: 100}, outcome{Ratios: []float64{0.55}}},
		{"half as much again", map[time.Duration]int64{0: 600}, outcome{Ratios: []float64{1.5}, Exceeded: 1}},
		{"it is told again only of one that grows further", map[time.Duration]int64{0: 600, time.Minute: 610, 2 * time.Minute: 1000}, outcome{Ratios: []float64{2.5}, Exceeded: 2}},
		{"an hour that was not seen yesterday", map[time.Duration]int64{4 * time.Hour: 100}, outcome{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			web, learner, got := forecast.Workload{Owner: "web"}, forecast.NewLearner(fixedPrior{}), outcome{}
			for hour, held := range []int64{400, 200} {
				learner.Begin(noon.Add(time.Duration(hour-24) * time.Hour))
				learner.Observe(web, held*mi, 10*time.Hour)
				learner.Publish()
			}
			learner.Report(forecast.Outcomes{
				HourEnded: func(ratio float64) { got.Ratios = append(got.Ratios, ratio) },
				Exceeded:  func() { got.Exceeded++ },
			})
			for after := time.Duration(0); after < 6*time.Hour; after += time.Minute {
				learner.Begin(noon.Add(after))
				if held := test.held[after]; held > 0 {
					learner.Observe(web, held*mi, time.Minute)
				}
				learner.Publish()
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateApprox(0, 0.001)); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

// A revision that begins in the middle of an hour was not there on an earlier day: what came of the hour is told of the one before it.
func TestAnHourIsToldOnceWhereARevisionBeginsInIt(t *testing.T) {
	learner, revision := forecast.NewLearner(fixedPrior{}), func(hash string) forecast.Workload {
		return forecast.Workload{Kind: "ReplicaSet", Owner: "web-" + hash, Template: hash}
	}
	var got []float64
	learner.Report(forecast.Outcomes{HourEnded: func(ratio float64) { got = append(got, ratio) }})
	for _, seen := range []struct {
		after    time.Duration // since yesterday noon
		revision string
		held     int64
	}{{0, "a", 1000}, {24 * time.Hour, "a", 1500}, {24*time.Hour + 10*time.Minute, "b", 100}, {25 * time.Hour, "b", 100}} {
		learner.Begin(noon.Add(seen.after))
		learner.Observe(revision(seen.revision), seen.held*mi, time.Minute)
		learner.Publish()
	}
	if diff := cmp.Diff([]float64{1.5}, got); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestOfAWorkloadThatIsHardlyKnownNothingIsTold(t *testing.T) {
	web, learner := forecast.Workload{Owner: "web"}, forecast.NewLearner(fixedPrior{})
	learner.Report(forecast.Outcomes{Exceeded: func() { t.Error("it was seen for a minute and is said to have held more than expected") }})
	for held := range int64(3) {
		learner.Begin(noon.Add(time.Duration(held) * time.Minute))
		learner.Observe(web, (100+100*held)*mi, time.Minute)
		learner.Publish()
	}
}
