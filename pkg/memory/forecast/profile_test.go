// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"testing"
	"time"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// A job runs each day at noon and holds 1000Mi; once it ran in the afternoon as well, and held 40000Mi.
func TestAPeakThatDoesNotComeBackIsForgottenThoughItsHourIsNotSeenAgain(t *testing.T) {
	job := forecast.Workload{Owner: "job"}
	for _, test := range []struct {
		name string
		days int  // since
		seen bool // it ran on these days
		want int64
	}{
		{"that day", 0, true, 46000},
		{"before that hour of the next day", 1, true, 46000},
		{"two days later", 2, true, 23000},
		{"a week later", 7, true, 1150},
		{"a week later, in which nobody looked: nothing says that it would not come back", 7, false, 46000},
	} {
		t.Run(test.name, func(t *testing.T) {
			learner := forecast.NewLearner(fixedPrior{})
			run := func(at time.Time, bytes int64) {
				learner.Begin(at)
				learner.Observe(job, bytes, 10*time.Hour)
				learner.Publish()
			}
			run(noon.Add(-24*time.Hour), 1000*mi)
			run(noon.Add(3*time.Hour), 40000*mi)
			for day := range test.days {
				if test.seen {
					run(noon.Add(time.Duration(day+1)*24*time.Hour), 1000*mi)
				}
			}
			learner.Begin(noon.Add(time.Duration(test.days)*24*time.Hour + 4*time.Hour))
			learner.Publish()
			if got := learner.Adjust(fixedPrior{}.Demand(nil), job).PeakBytes / mi; got != test.want {
				t.Errorf("peak = %dMi, want %dMi", got, test.want)
			}
		})
	}
}

// Pods of a job run for some hours of some days, and hold most in the last one. On the first day of the next round that is expected of
// them still.
func TestTheDaysOnWhichAWorkloadRestsMakeItForgetNothing(t *testing.T) {
	job, monday := forecast.Workload{Owner: "job"}, time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name string
		days []int // after Monday on which it runs from 9 to 17
		want int64
	}{
		{"on weekdays", []int{0, 1, 2, 3, 4, 7}, 46000},
		{"once a week", []int{0, 7}, 46000},
		{"every day", []int{0, 1, 2}, 46000},
	} {
		t.Run(test.name, func(t *testing.T) {
			learner := forecast.NewLearner(fixedPrior{})
			for i, day := range test.days {
				for hour := range 8 {
					if last := i == len(test.days)-1; last && hour > 1 {
						break
					}
					held := int64(1000)
					if hour == 7 {
						held = 40000
					}
					learner.Begin(monday.Add(time.Duration(day)*24*time.Hour + time.Duration(hour)*time.Hour))
					learner.Observe(job, held*mi, time.Hour)
					learner.Publish()
				}
			}
			if got := learner.Adjust(fixedPrior{}.Demand(nil), job).PeakBytes / mi; got < test.want-10 || got > test.want+10 {
				t.Errorf("peak = %dMi, want %dMi", got, test.want)
			}
		})
	}
}

// What a new revision held a day after the last one is told two days late, as Prometheus' history is: by then the older peak had halved once.
func TestWhatIsToldLateOfARevisionIsOfItsTime(t *testing.T) {
	first, second := forecast.Workload{Owner: "web-a", Template: "a"}, forecast.Workload{Owner: "web-b", Template: "b"}
	learner := forecast.NewLearner(fixedPrior{})
	learner.Begin(noon)
	learner.Observe(first, 1000*mi, 10*time.Hour)
	learner.Begin(noon.Add(3 * 24 * time.Hour).Add(-time.Hour))
	learner.Recall(second, 800*mi, noon.Add(24*time.Hour), 10*time.Hour)
	learner.Publish()
	if got, want := learner.Adjust(fixedPrior{}.Demand(nil), second).PeakBytes/mi, int64(920); got < want-1 || got > want {
		t.Errorf("peak = %dMi, want %dMi", got, want)
	}
}
