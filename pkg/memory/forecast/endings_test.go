// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"testing"
	"time"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// evict lets a pod of the workload hold 4000Mi and be evicted, all of it told twice, which does no harm.
func evict(learner *forecast.Learner, workload forecast.Workload, at time.Time) {
	learner.Begin(at)
	learner.Observe(workload, 4000*mi, 10*time.Hour)
	for range 2 {
		learner.Ended(workload, 4000*mi, at)
	}
}

// halfIsEnough returns the time after which a pod of the workload is tried with half of the room that the one held that was
// evicted at the given time.
func halfIsEnough(t *testing.T, learner *forecast.Learner, workload forecast.Workload, at time.Time) time.Duration {
	t.Helper()
	for after := time.Duration(0); after < 24*time.Hour; after += time.Minute {
		learner.Begin(at.Add(after))
		learner.Publish()
		if demand := learner.Adjust(fixedPrior{}.Demand(nil), workload); demand.FirmBytes <= 2400*mi { // half of 4000Mi and a fifth
			return after
		}
	}
	t.Fatal("half of what it held is not enough after a day")
	return 0
}

// The successor of a pod that was evicted is tried with less and less room. Where it is evicted each time, it is tried less and
// less often; after a quiet day as often as at first.
func TestWhatIsEndedAgainAndAgainWaitsLonger(t *testing.T) {
	web, learner, now := forecast.Workload{Owner: "web"}, forecast.NewLearner(fixedPrior{}), noon
	for _, step := range []struct {
		name  string
		later time.Duration // than the one before
		want  time.Duration
	}{
		{"for the first time", 0, 15 * time.Minute},
		{"again", 2 * time.Hour, 25 * time.Minute},
		{"and again", 2 * time.Hour, 45 * time.Minute},
		{"after a quiet day", 24 * time.Hour, 15 * time.Minute},
	} {
		now = now.Add(step.later)
		evict(learner, web, now)
		if got := halfIsEnough(t, learner, web, now); got != step.want {
			t.Errorf("evicted %s: half of what it held is enough after %s, want %s", step.name, got, step.want)
		}
	}
}

func TestEndsAreRememberedAcrossARestart(t *testing.T) {
	web, learner := forecast.Workload{Owner: "web", Template: "abc"}, forecast.NewLearner(fixedPrior{})
	for i := range 3 {
		evict(learner, web, noon.Add(time.Duration(i-2)*time.Hour))
	}
	restored := restarted(t, learner)
	// What was written is rounded to three digits.
	if got := halfIsEnough(t, restored, web, noon); got < 44*time.Minute || got > 47*time.Minute {
		t.Errorf("after a restart half of what it held is enough after %s, want 45m", got)
	}
}

// Another replica's clock is an hour ahead: what it says of the future happened by now, and what happens next follows it.
func TestEndsOfAClockThatIsAheadHideNoLaterOnes(t *testing.T) {
	web, ahead, own := forecast.Workload{Owner: "web"}, forecast.NewLearner(fixedPrior{}), forecast.NewLearner(fixedPrior{})
	evict(ahead, web, noon.Add(time.Hour))
	own.Merge(ahead.Records(), noon)
	next := noon.Add(30 * time.Minute)
	evict(own, web, next)
	if got, want := halfIsEnough(t, own, web, next), 25*time.Minute; got != want {
		t.Errorf("half of what it held is enough after %s, want %s: it was ended for the second time", got, want)
	}
}

// Pods of a workload hold 8000Mi and are evicted before they are warm: what one held counts the more the more often it happened.
func TestWhatNeverGetsWarmIsKnownByHowItEnds(t *testing.T) {
	web, learner := forecast.Workload{Owner: "web"}, forecast.NewLearner(fixedPrior{})
	for i, want := range []float64{0.39, 0.63, 0.78, 0.86, 0.86} {
		now := noon.Add(time.Duration(i) * time.Hour)
		learner.Begin(now)
		for range 2 { // told of twice
			learner.Ended(web, 8000*mi, now)
		}
		learner.Publish()
		if got := float64(learner.Adjust(fixedPrior{}.Demand(nil), web).FirmBytes) / float64(9600*mi); got < want-0.01 || got > want+0.01 {
			t.Errorf("after %d evictions %.2f of what was held and a fifth counts, want %.2f", i+1, got, want)
		}
	}
}
