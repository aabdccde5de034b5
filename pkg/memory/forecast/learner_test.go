// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"math"
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
		{"for hours: what they held, with a margin", 200, 10 * time.Hour, 229, 231},
		{"more than was expected", 2000, 10 * time.Hour, 2299, 2300},
		{"more than was expected, a moment ago: it was seen", 2000, time.Minute, 2299, 2300},
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
			if firm := max(500, int64(float64(test.held)*(1-math.Exp(-test.ran.Minutes()/10)))); got.FirmBytes/mi < firm-1 || got.FirmBytes/mi > firm || got.PeakSource != forecast.SourceSiblings {
				t.Errorf("demand = %+v, want the firm part to be %dMi, the larger of the request and what is known to be held, and the source named", got, firm)
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
	declared := prior
	declared.PeakSource = forecast.SourceDeclared
	if got := learner.Adjust(declared, forecast.Workload{Owner: "web"}); got != declared {
		t.Errorf("declared: %+v, want what it was", got)
	}
}

// One of two containers was killed at its small limit: that tells less of the pod than what its siblings hold.
func TestAKillMakesNobodyExpectLess(t *testing.T) {
	web := forecast.Workload{Owner: "web"}
	for _, test := range []struct {
		name                     string
		held, killed             int64 // MiB that siblings hold, and that are expected after the kill
		wantPeakMin, wantFirmMin int64
		source                   forecast.Source
	}{
		{"siblings hold more", 3000, 300, 3000, 2800, forecast.SourceSiblings},
		{"siblings hold less", 100, 700, 700, 500, forecast.SourceOOMKilled},
	} {
		t.Run(test.name, func(t *testing.T) {
			learner := forecast.NewLearner(fixedPrior{})
			learner.Begin(noon)
			learner.Observe(web, test.held*mi, 10*time.Hour)
			learner.Publish()
			demand := fixedPrior{}.Demand(nil)
			demand.PeakBytes, demand.PeakSource = test.killed*mi, forecast.SourceOOMKilled
			got := learner.Adjust(demand, web)
			if got.PeakBytes < test.wantPeakMin*mi || got.FirmBytes < test.wantFirmMin*mi || got.PeakSource != test.source {
				t.Errorf("demand %+v, want a peak of %dMi and firmly %dMi at least, by %s", got, test.wantPeakMin, test.wantFirmMin, test.source)
			}
		})
	}
}

func TestAnHoursPeakHalvesEveryDay(t *testing.T) {
	web, learner := forecast.Workload{Owner: "web"}, forecast.NewLearner(fixedPrior{})
	for _, step := range []struct {
		name       string
		after      time.Duration
		held, want int64
	}{
		{"a peak", 0, 800, 920},
		{"is remembered though less is held", 6 * time.Hour, 100, 920},
		{"it may come again while the same hour lasts a day later", 24*time.Hour + 59*time.Minute, 100, 920},
		{"and when that is over half of it is left", 25 * time.Hour, 0, 460},
		{"it may come again a day after the next, too", 72 * time.Hour, 20, 460},
		{"and where a day was missed a quarter of that is left", 73 * time.Hour, 20, 115},
		{"a new peak counts at once", 74 * time.Hour, 400, 460},
		{"a workload of which no pod is seen is remembered for a week", 74*time.Hour + 7*24*time.Hour, 0, 460},
		{"and then forgotten", 74*time.Hour + 9*24*time.Hour, 0, 1000},
	} {
		learner.Begin(noon.Add(step.after))
		if step.held > 0 {
			learner.Observe(web, step.held*mi, 10*time.Hour)
		}
		learner.Publish()
		if got := learner.Adjust(fixedPrior{}.Demand(nil), web).PeakBytes / mi; got > step.want || got < step.want-1 {
			t.Errorf("%s: peak = %dMi, want %dMi", step.name, got, step.want)
		}
	}
}

// Siblings that run for long hold 300Mi by day and 800Mi at night, of which the hours from 18 to 22 were never seen.
func TestACourseTellsTheHoursApart(t *testing.T) {
	web, learner := forecast.Workload{Owner: "web"}, forecast.NewLearner(fixedPrior{})
	for hour := range 24 {
		held := 300 * mi
		switch {
		case hour < 6:
			held = 800 * mi
		case hour >= 18 && hour < 22:
			continue
		}
		learner.Begin(noon.Truncate(24 * time.Hour).Add(time.Duration(hour) * time.Hour))
		learner.Observe(web, held, 10*time.Hour)
	}
	learner.Publish()
	demand := learner.Adjust(fixedPrior{}.Demand(nil), web)
	for _, test := range []struct {
		name             string
		course           forecast.Course
		night, day, dusk int64
	}{
		{"what siblings held, and in hours not seen the most of it", demand.Course(0), 800, 300, 800},
		{"at least what the pod itself is known to hold", demand.Course(500 * mi), 800, 500, 800},
		{"without anything learned its peak all day long", forecast.Flat(700 * mi), 700, 700, 700},
	} {
		t.Run(test.name, func(t *testing.T) {
			var sums [forecast.Hours]float64
			test.course.AddTo(&sums, 1)
			for hour, want := range map[int]int64{3: test.night, 12: test.day, 20: test.dusk} {
				if got := int64(sums[hour]) / mi; got != want {
					t.Errorf("hour %d: %dMi, want %dMi", hour, got, want)
				}
			}
			test.course.AddTo(&sums, -1)
			if sums != [forecast.Hours]float64{} {
				t.Errorf("taken away again: %v, want nothing", sums)
			}
		})
	}
}

// A prior of 1000Mi, and a workload that was seen for a minute: at noon, and with another level at one.
func TestACourseOfAYoungWorkloadDoubtsOnlyThatItStaysBelowThePrior(t *testing.T) {
	web, learner := forecast.Workload{Owner: "web"}, forecast.NewLearner(fixedPrior{})
	learner.Begin(noon)
	learner.Observe(web, 2000*mi, 30*time.Second)
	learner.Begin(noon.Add(time.Hour))
	learner.Observe(web, 200*mi, 30*time.Second)
	learner.Publish()
	demand := learner.Adjust(fixedPrior{}.Demand(nil), web)
	course := demand.Course(0)
	var sums [forecast.Hours]float64
	course.AddTo(&sums, 1)
	for _, test := range []struct {
		name string
		hour int
		want int64 // Mi
	}{
		{"above the prior: it was seen", 12, 2000},
		{"below it: nearly the prior", 13, 923},
		{"never seen: the most that was", 14, 2000},
	} {
		if got := int64(sums[test.hour]) / mi; got != test.want {
			t.Errorf("%s: %dMi, want %dMi", test.name, got, test.want)
		}
	}
}

// A pod grew from 300Mi to 2000Mi and was evicted before that was measured.
func TestWhatAnEvictedPodHeldCountsForItsSuccessor(t *testing.T) {
	web := forecast.Workload{Owner: "web"}
	for _, test := range []struct {
		name           string
		ended          time.Duration // before now
		wantPeak, firm int64
	}{
		{"a moment ago: at once, and a fifth more, since it was growing", 0, 2400, 2400},
		{"yesterday, before it was last measured: half of it is expected, and nothing is known to be held", 24 * time.Hour, 1150, 500},
		{"long ago", 30 * 24 * time.Hour, 345, 500},
	} {
		t.Run(test.name, func(t *testing.T) {
			learner := forecast.NewLearner(fixedPrior{})
			learner.Begin(noon)
			learner.Observe(web, 300*mi, 10*time.Hour)
			for range 2 { // to be told twice does no harm
				learner.Ended(web, 2000*mi, noon.Add(-test.ended))
			}
			learner.Publish()
			got := learner.Adjust(fixedPrior{}.Demand(nil), web)
			if peak, firm := (got.PeakBytes+mi-1)/mi, (got.FirmBytes+mi-1)/mi; peak != test.wantPeak || firm != test.firm {
				t.Errorf("expected at most %dMi, and %dMi at once, want %dMi and %dMi", peak, firm, test.wantPeak, test.firm)
			}
		})
	}
}

// A pod that held 4000Mi was evicted, and its successor fits nowhere: it does not wait for so much room for ever.
func TestWhatIsHeldNowIsNotWaitedForLong(t *testing.T) {
	web, learner := forecast.Workload{Owner: "web"}, forecast.NewLearner(fixedPrior{})
	learner.Begin(noon)
	learner.Observe(web, 4000*mi, 10*time.Hour)
	for _, step := range []struct {
		after time.Duration
		want  int64
	}{{0, 4000}, {5 * time.Minute, 4000}, {15 * time.Minute, 2000}, {25 * time.Minute, 1000}, {45 * time.Minute, 500}, {24 * time.Hour, 500}} {
		learner.Begin(noon.Add(step.after))
		learner.Publish()
		got := learner.Adjust(fixedPrior{}.Demand(nil), web)
		if firm := (got.FirmBytes + mi - 1) / mi; firm != step.want {
			t.Errorf("after %s: %dMi of room are wanted, want %dMi", step.after, firm, step.want)
		}
		if peak := (got.PeakBytes + mi - 1) / mi; peak != 4600 {
			t.Errorf("after %s: a peak of %dMi is expected, want 4600Mi still", step.after, peak)
		}
	}
}

// What pods held a while ago is expected of those that come, and does not count for now, nor take anything off what is then measured.
func TestWhatIsRecalledIsExpectedAndNoMore(t *testing.T) {
	replicaSet := func(hash string) forecast.Workload {
		return forecast.Workload{Namespace: "shop", Kind: "ReplicaSet", Owner: "web-" + hash, Template: hash}
	}
	learner := forecast.NewLearner(fixedPrior{})
	check := func(name string, of forecast.Workload, peak, firm int64) {
		t.Helper()
		learner.Publish()
		got := learner.Adjust(fixedPrior{}.Demand(nil), of)
		if gotPeak, gotFirm := (got.PeakBytes+mi-1)/mi, (got.FirmBytes+mi-1)/mi; gotPeak != peak || gotFirm != firm {
			t.Errorf("%s: %dMi at most and %dMi firmly, want %dMi and %dMi", name, gotPeak, gotFirm, peak, firm)
		}
	}
	learner.Begin(noon)
	learner.Recall(replicaSet("old"), 2000*mi, noon.Add(-2*time.Hour), 10*time.Hour)
	check("recalled", replicaSet("old"), 2300, 500)
	check("its next revision", replicaSet("new"), 2300, 500)
	learner.Observe(replicaSet("old"), 1000*mi, time.Second)
	check("measured for the first time", replicaSet("old"), 2300, 1000)
}

// The pods of a ReplicaSet held 800Mi for hours, and its Deployment is updated.
func TestANewRevisionIsExpectedToHoldWhatTheLastOneDid(t *testing.T) {
	replicaSet := func(hash string) forecast.Workload {
		return forecast.Workload{Namespace: "shop", Kind: "ReplicaSet", Owner: "web-" + hash, Template: hash}
	}
	learner := forecast.NewLearner(fixedPrior{})
	learner.Begin(noon)
	learner.Observe(replicaSet("old"), 800*mi, 10*time.Hour)
	learner.Publish()
	prior := fixedPrior{}.Demand(nil)
	for _, test := range []struct {
		name           string
		workload       forecast.Workload
		wantPeak, firm int64
		source         forecast.Source
	}{
		{"before a pod of it was seen: it scores, and the request decides whether there is room", replicaSet("new"), 920, 500, forecast.SourceRevision},
		{"another revision of a StatefulSet's", forecast.Workload{Namespace: "shop", Kind: "StatefulSet", Owner: "web", Template: "new"}, 1000, 500, forecast.SourceLimit},
		{"another owner", forecast.Workload{Namespace: "shop", Kind: "ReplicaSet", Owner: "web2-new", Template: "new"}, 1000, 500, forecast.SourceLimit},
		{"another namespace", forecast.Workload{Namespace: "test", Kind: "ReplicaSet", Owner: "web-new", Template: "new"}, 1000, 500, forecast.SourceLimit},
		{"no owner", forecast.Workload{Namespace: "shop", Template: "new"}, 1000, 500, forecast.SourceLimit},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := learner.Adjust(prior, test.workload)
			if peak, firm := (got.PeakBytes+mi-1)/mi, got.FirmBytes/mi; peak != test.wantPeak || firm != test.firm || got.PeakSource != test.source {
				t.Errorf("expected at most %dMi, firmly %dMi, by %s; want %dMi, %dMi, %s", peak, firm, got.PeakSource, test.wantPeak, test.firm, test.source)
			}
		})
	}
	learner.Begin(noon.Add(time.Minute))
	learner.Observe(replicaSet("new"), 600*mi, 15*time.Second)
	learner.Publish()
	got := learner.Adjust(prior, replicaSet("new"))
	if peak, firm := (got.PeakBytes+mi-1)/mi, (got.FirmBytes+mi-1)/mi; peak != 920 || firm != 600 || got.PeakSource != forecast.SourceSiblings {
		t.Errorf("once a pod of it was seen: expected at most %dMi, firmly %dMi, by %s; want 920Mi, 600Mi, siblings", peak, firm, got.PeakSource)
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
