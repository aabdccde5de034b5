// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// expected returns what is expected of a pod of the workload at most, and what it counts for at once, both in Mi.
func expected(learner *forecast.Learner, workload forecast.Workload) (peak, firm int64) {
	learner.Publish()
	demand := learner.Adjust(fixedPrior{}.Demand(nil), workload)
	return demand.PeakBytes / mi, demand.FirmBytes / mi
}

// What the pods of a workload held when they last ran says less of what they hold now the longer that is ago, also once one of them is
// seen again.
func TestALevelOfLongAgoDoesNotComeBack(t *testing.T) {
	for _, test := range []struct {
		name     string
		away     time.Duration
		again    func(learner *forecast.Learner, workload forecast.Workload, at time.Time)
		min, max int64 // Mi
	}{
		{"seen all the time", time.Minute, observed(1000), 31000, 33000},
		{"seen again after an hour", time.Hour, observed(1000), 1000, 2000},
		{"seen again after six days", 6 * 24 * time.Hour, observed(1000), 1000, 1000},
		{"seen again after six days with more", 6 * 24 * time.Hour, observed(60000), 60000, 60000},
		{"heard of after six days, of an hour before", 6 * 24 * time.Hour, recalled(1000), 500, 500},
		{"evicted a minute later", time.Minute, ended(1000), 40000, 40000},
		{"evicted after six days", 6 * 24 * time.Hour, ended(1000), 1200, 1200},
	} {
		t.Run(test.name, func(t *testing.T) {
			learner, job := forecast.NewLearner(fixedPrior{}), forecast.Workload{Owner: "job"}
			learner.Begin(noon)
			learner.Observe(job, 40000*mi, 10*time.Hour)
			at := noon.Add(test.away)
			learner.Begin(at)
			test.again(learner, job, at)
			if _, firm := expected(learner, job); firm < test.min-1 || firm > test.max+1 {
				t.Errorf("a pod counts for %dMi, want %d to %dMi", firm, test.min, test.max)
			}
		})
	}
}

func observed(held int64) func(*forecast.Learner, forecast.Workload, time.Time) {
	return func(learner *forecast.Learner, workload forecast.Workload, _ time.Time) {
		learner.Observe(workload, held*mi, time.Minute)
	}
}

func recalled(held int64) func(*forecast.Learner, forecast.Workload, time.Time) {
	return func(learner *forecast.Learner, workload forecast.Workload, at time.Time) {
		learner.Recall(workload, held*mi, at.Add(-time.Minute), time.Minute)
	}
}

func ended(held int64) func(*forecast.Learner, forecast.Workload, time.Time) {
	return func(learner *forecast.Learner, workload forecast.Workload, at time.Time) {
		learner.Ended(workload, held*mi, at)
	}
}

func TestNoMoreWorkloadsAreForgottenThanHaveTo(t *testing.T) {
	learner := forecast.NewLearner(fixedPrior{})
	learner.Begin(noon)
	for i := range 3 {
		learner.Observe(forecast.Workload{Owner: fmt.Sprint("old-", i)}, mi, time.Hour)
	}
	learner.Begin(noon.Add(time.Minute))
	for i := range 19_999 {
		learner.Observe(forecast.Workload{Owner: fmt.Sprint("new-", i)}, mi, time.Hour)
	}
	learner.Begin(noon.Add(2 * time.Minute)) // none of them was seen for a minute
	learner.Publish()
	old := 0
	records := learner.Records()
	for _, record := range records {
		if record.Workload().Owner == "old-2" {
			old++
		}
	}
	if len(records) != 20_000 || old != 1 {
		t.Errorf("%d workloads are remembered and %d is the last of those seen before, want 20000 and 1", len(records), old)
	}
}

// A pod that is ended early in an hour says nothing of what others hold later in it.
func TestAnEndDoesNotLowerWhatIsExpectedOfItsHour(t *testing.T) {
	for _, days := range []int{1, 7} {
		for name, again := range map[string]func(*forecast.Learner, forecast.Workload, time.Time){
			"observed": observed(5000), "ended": ended(5000),
			"recalled": func(learner *forecast.Learner, workload forecast.Workload, at time.Time) {
				learner.Recall(workload, 5000*mi, at, time.Minute)
			},
		} {
			learner, job := forecast.NewLearner(fixedPrior{}), forecast.Workload{Owner: "job"}
			learner.Begin(noon.Add(50 * time.Minute))
			learner.Observe(job, 40000*mi, 10*time.Hour)
			at := noon.AddDate(0, 0, days).Add(5 * time.Minute)
			learner.Begin(at)
			again(learner, job, at)
			if peak, _ := expected(learner, job); peak != 46000 {
				t.Errorf("%s %d days later, 45 minutes before its peak: %dMi are expected at most, want 46000Mi", name, days, peak)
			}
			learner.Begin(at.Add(5 * time.Minute))
			learner.Observe(job, 5000*mi, time.Minute)
			if peak, _ := expected(learner, job); peak != 46000 {
				t.Errorf("%s %d days later, and then seen: %dMi are expected at most, want 46000Mi", name, days, peak)
			}
		}
	}
}

// What is restored is the same whether it is read before or after the first sample.
func TestWhatIsRestoredDoesNotDependOnTheOrder(t *testing.T) {
	job := forecast.Workload{Owner: "job", Template: "x"}
	before := forecast.NewLearner(fixedPrior{})
	for hour := range 8 {
		before.Begin(noon.Add(time.Duration(hour) * time.Hour))
		before.Observe(job, 1000*mi<<(hour/7*5), time.Hour) // 32000Mi in the last one
		before.Publish()
	}
	for _, hour := range []int{0, 3, 7, 9} {
		for _, days := range []int{1, 3, 7} {
			now := noon.AddDate(0, 0, days).Add(time.Duration(hour) * time.Hour)
			read, seen := forecast.NewLearner(fixedPrior{}), forecast.NewLearner(fixedPrior{})
			for _, learner := range []*forecast.Learner{read, seen} {
				learner.Begin(now)
			}
			read.Merge(before.Records(), now)
			read.Observe(job, 1000*mi, time.Minute)
			seen.Observe(job, 1000*mi, time.Minute)
			seen.Merge(before.Records(), now)
			kept := forecast.NewLearner(fixedPrior{}) // It stood by, and hears of the sample from another one.
			kept.Merge(before.Records(), noon.Add(8*time.Hour))
			kept.Begin(now)
			kept.Merge(only(job, 1000, now).Records(), now)
			first, _ := expected(read, job)
			second, _ := expected(seen, job)
			third, _ := expected(kept, job)
			if first != second || first != third {
				t.Errorf("%d days later, %d hours past noon: %dMi are expected if the checkpoint is read first, %dMi if a sample is, and %dMi if that is read later",
					days, hour, first, second, third)
			}
		}
	}
}

// only returns a learner that has seen one pod of a workload once.
func only(workload forecast.Workload, held int64, at time.Time) *forecast.Learner {
	learner := forecast.NewLearner(fixedPrior{})
	learner.Begin(at)
	learner.Observe(workload, held*mi, time.Minute)
	return learner
}

// A revision that begins in the middle of an hour may peak later in it, as the one before did on earlier days.
func TestARevisionExpectsOfItsFirstHourWhatTheOneBeforeDid(t *testing.T) {
	learner, revision := forecast.NewLearner(fixedPrior{}), func(hash string) forecast.Workload {
		return forecast.Workload{Kind: "ReplicaSet", Owner: "web-" + hash, Template: hash}
	}
	learner.Begin(noon.Add(50 * time.Minute))
	learner.Observe(revision("a"), 16000*mi, 10*time.Hour)
	learner.Begin(noon.Add(24*time.Hour + 5*time.Minute))
	learner.Observe(revision("a"), 1000*mi, time.Minute)
	learner.Begin(noon.Add(24*time.Hour + 10*time.Minute))
	learner.Observe(revision("b"), 1000*mi, time.Minute)
	if peak, _ := expected(learner, revision("b")); peak != 18400 {
		t.Errorf("%dMi are expected of the new revision, want the 16000Mi of its predecessor and the margin", peak)
	}
}

// A scheduler that takes over in the middle of an hour expects of it what the one before did, and of the next day no more than that one
// would have: what did not come fades, also where each day another one takes over.
func TestWhatAnHourMayStillBringIsHandedOn(t *testing.T) {
	learner, job := forecast.NewLearner(fixedPrior{}), forecast.Workload{Owner: "job"}
	learner.Begin(noon.Add(10 * time.Minute))
	learner.Observe(job, 16000*mi, 10*time.Hour)
	for day, want := range []int64{18400, 9200, 4600} { // Mi, with the margin
		now := noon.Add(time.Duration(day+1)*24*time.Hour + 30*time.Minute)
		learner.Begin(now)
		learner.Observe(job, 1000*mi, time.Minute)
		data, _, err := forecast.Encode(learner.Records(), now)
		if err != nil {
			t.Fatal(err)
		}
		next, err := restore(fixedPrior{}, data)
		if err != nil {
			t.Fatal(err)
		}
		before, _ := expected(learner, job)
		after, _ := expected(next, job)
		for by, got := range map[string]int64{"the first": before, "the next": after} {
			if got < want*99/100 || got > want*101/100 { // A checkpoint has three digits.
				t.Errorf("day %d: %dMi are expected by %s, want about %dMi", day+1, got, by, want)
			}
		}
		learner = next
	}
}

// A clock that ran ahead and was set back must not make all that comes later count for nothing.
func TestAClockThatIsSetBack(t *testing.T) {
	learner, web := forecast.NewLearner(fixedPrior{}), forecast.Workload{Owner: "web"}
	learner.Begin(noon.Add(20 * 24 * time.Hour))
	learner.Observe(web, 1000*mi, 10*time.Hour)
	for day := range 5 {
		learner.Begin(noon.AddDate(0, 0, day))
		learner.Observe(web, 4000*mi, time.Hour)
		learner.Publish()
	}
	if peak, _ := expected(learner, web); peak != 4600 {
		t.Errorf("%dMi are expected at most after five days of 4000Mi, want those and the margin, 4600Mi", peak)
	}
}
