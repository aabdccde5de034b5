// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	shipped "github.com/headroom-dev/headroom/config"
	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
)

func TestEveryPolicyCanBePlayed(t *testing.T) {
	for _, policy := range Named() {
		if err := policy.Check(t.Context()); err != nil {
			t.Errorf("%s: %v", policy.Name, err)
		}
	}
}

func TestAConfigurationThatCannotBePlayedIsRefused(t *testing.T) {
	for _, test := range []struct {
		name, configuration, want string
	}{
		{"the shipped one", string(shipped.SchedulerConfig), ""},
		{"in-tree plugins", header, ""},
		{"one that asks a metrics server", header + "    plugins: {multiPoint: {enabled: [{name: TargetLoadPacking}]}}\n", "play load-variation, low-risk or target-load-memory instead"},
		{"an unknown plugin", header + "    plugins: {multiPoint: {enabled: [{name: Guess}]}}\n", "Guess"},
		{"two profiles", header + "  - schedulerName: other\n", "one profile"},
		{"arguments out of range", header + "    plugins: {multiPoint: {enabled: [{name: HeadroomMemory}]}}\n    pluginConfig: [{name: HeadroomMemory, args: {packPercent: 400}}]\n", "packPercent"},
		{"no configuration", "kind: Pod\napiVersion: v1\n", "no kind"},
	} {
		t.Run(test.name, func(t *testing.T) {
			policy := PolicyOf("own", test.configuration)
			switch err := policy.Check(t.Context()); {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "own")):
				t.Errorf("error %v, want one that names the policy and says %q", err, test.want)
			}
		})
	}
}

func TestAConfigurationOfTheUsersIsPlayedLikeTheShippedOne(t *testing.T) {
	named, plan := small(t, generated(), "headroom", "requests-underset")
	want := decisions(t, named, plan, 200_000)
	own, plan := small(t, generated(), "headroom", "requests-underset")
	own.Policy = PolicyOf("own", string(shipped.SchedulerConfig))
	if diff := cmp.Diff(want, decisions(t, own, plan, 200_000)); diff != "" || len(want) < 40 {
		t.Errorf("%d decisions (-named, +own):\n%s", len(want), diff)
	}
}

// Each ablation decides otherwise than what it lacks a part of, and lacks no more than that part.
func TestAnAblationLacksWhatItsNameSays(t *testing.T) {
	for _, test := range []struct {
		name   string
		filter config.FilterMode
		scores bool
		// hours and peaks: what is expected of a pod differs from hour to hour, and differs from its request.
		hours, peaks bool
	}{
		{"headroom", config.FilterHard, true, true, true},
		{"headroom-without-filter", config.FilterOff, true, true, true},
		{"headroom-without-score", config.FilterHard, false, true, true},
		{"headroom-without-hours", config.FilterHard, true, false, true},
		{"headroom-without-history", config.FilterHard, true, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			wanted, plan := small(t, generated(), test.name, "requests-underset")
			r := newRun(wanted, plan)
			if err := r.prepare(t.Context(), wanted.Policy); err != nil {
				t.Fatal(err)
			}
			if got := r.headroom.book.Args.Filter; got != test.filter {
				t.Errorf("filter %s, want %s", got, test.filter)
			}
			scores := r.scheduler.framework.ListPlugins().Score.Enabled
			var names []string
			for _, plugin := range scores {
				names = append(names, plugin.Name)
			}
			if got := slices.Contains(names, memory.Name); got != test.scores {
				t.Errorf("it scores: %v, want %v", got, test.scores)
			}
			before := learnedOf(r.headroom.book.Learner(), plan)
			if err := r.play(t.Context()); err != nil {
				t.Fatal(err)
			}
			want := learned{test.hours, test.peaks}
			if diff := cmp.Diff([]learned{want, want}, []learned{before, learnedOf(r.headroom.book.Learner(), plan)}); diff != "" {
				t.Errorf("what it knows before the run and after it (-want +got):\n%s", diff)
			}
		})
	}
}

// learned is what is known of any pod of a plan: that it holds more in some hours than in others, and what its like held.
type learned struct{ Hours, Peaks bool }

func learnedOf(learner *forecast.Learner, plan *Plan) (known learned) {
	for _, life := range plan.history {
		demand := learner.Demand(newPod(life, 0, 0))
		var sums [forecast.Hours]float64
		course := demand.Course(0)
		course.AddTo(&sums, 1)
		known.Hours = known.Hours || slices.Max(sums[:]) > slices.Min(sums[:])
		known.Peaks = known.Peaks || demand.PeakSource == forecast.SourceSiblings
	}
	return known
}

func TestLearningEndsWithItsContext(t *testing.T) {
	wanted, plan := small(t, generated(), "headroom", "base")
	r := newRun(wanted, plan)
	if err := r.prepare(t.Context(), wanted.Policy); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.headroom.learn(ctx, plan); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that it was canceled", err)
	}
}

// What is recalled is the most that pods of one template held; an earlier template of the same workload may have held more.
func TestPeakHistoryIsTheLargestSampleOfTheDayBefore(t *testing.T) {
	wanted, plan := small(t, generated(), "headroom-without-hours", "base")
	r := newRun(wanted, plan)
	if err := r.prepare(t.Context(), wanted.Policy); err != nil {
		t.Fatal(err)
	}
	ofTemplate, ofWorkload := map[forecast.Workload]int64{}, map[string]int64{}
	for _, life := range plan.history {
		for i, second := range life.times {
			if second < (24 * time.Hour).Seconds() {
				template := workloadIn(life)
				ofTemplate[template] = max(ofTemplate[template], life.bytes[i])
				ofWorkload[life.workload] = max(ofWorkload[life.workload], life.bytes[i])
			}
		}
	}
	for _, life := range plan.history {
		demand := r.headroom.book.Learner().Demand(newPod(life, 0, 0))
		least, most := 1.149*float64(ofTemplate[workloadIn(life)]), 1.151*float64(ofWorkload[life.workload])
		if got := float64(demand.PeakBytes); got < least || got > most {
			t.Errorf("%s: a peak of %.0f bytes is expected, want %.0f to %.0f: 15 %% more than was held", life.id, got, least, most)
		}
	}
}
