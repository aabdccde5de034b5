// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/headroom-dev/headroom/pkg/lab/trace"
)

// needsDays: of a trace that is shorter it would be the base case under another name.
func (s *Scenario) needsDays() bool { return s.Requests == RequestsGiven || s.Fill == FillChurn }

// ScenariosOf returns all scenarios that a trace can play.
func ScenariosOf(t *trace.Trace) []Scenario {
	return slices.DeleteFunc(Scenarios(), func(s Scenario) bool { return t.Window < daySeconds && s.needsDays() })
}

// planStarts starts random series that have an end, at random times, so that about as many run at any time: each with its memory from
// its first sample on. Nodes have so much room for pods.
func planStarts(t *trace.Trace, scenario Scenario, starts int, room int64, random *rand.Rand) (*Plan, error) {
	if scenario.needsDays() {
		return nil, fmt.Errorf("trace %s: it lasts %d s, and from less than a day pods are started with the requests of the trace, as in the scenario base: leave %s out, or record for two days",
			t.Name, t.Window, scenario.Name)
	}
	usable, left, err := endings(t, scenario, room)
	if err != nil {
		return nil, fmt.Errorf("trace %s: %w", t.Name, err)
	}
	if len(usable) == 0 {
		return nil, fmt.Errorf("trace %s: no series that ends in its %d s (%s): from less than a day pods are started that have an end; record for two days, or pods that end", t.Name, t.Window, left)
	}
	if starts <= 0 {
		return nil, fmt.Errorf("%d starts: want 1 or more", starts)
	}
	plan := &Plan{step: stepOf(t), to: startsSeconds + float64(t.Window), leftOut: left}
	for i := range starts {
		made := *usable[random.IntN(len(usable))]
		made.id = fmt.Sprintf("%s-%d", made.id, i)
		made.start = startsSeconds * random.Float64()
		made.shift += made.start
		made.end += made.start
		plan.lives = append(plan.lives, &made)
	}
	slices.SortStableFunc(plan.lives, func(a, b *life) int { return cmp.Compare(a.start, b.start) })
	return plan, nil
}

// endings returns the lives of the series that have an end and that a node can run, as if they started at 0, and how many are left out.
func endings(t *trace.Trace, scenario Scenario, room int64) (usable []*life, left leftOut, err error) {
	left = leftOut{}
	for i := range t.Series {
		series := &t.Series[i]
		switch {
		case len(series.Times) == 0:
			left[unsampled]++
			continue
		case series.End < 0:
			left[endless]++
			continue
		}
		made := &life{
			id: series.ID, workload: workloadOf(series), times: series.Times, bytes: series.Bytes,
			shift: -series.Start, end: series.End - series.Start, request: request(series, scenario),
		}
		if _, told := series.Extra[trace.LimitColumn]; told { // No machine is started again and again.
			if made.limit, _, err = limit(series); err != nil {
				return nil, nil, err
			}
		}
		if scenario.Sticky {
			made.bytes = sticky(series.Times, series.Bytes)
		}
		usable = append(usable, made)
	}
	requestAlike(usable)
	return left.withoutTooLarge(usable, room), left, nil
}

// request is what a started series requests. There is no day to profile it by: it is what the trace has, or half of that where
// requests are underset.
func request(series *trace.Series, scenario Scenario) int64 {
	factor := 1.0
	if scenario.Requests == RequestsProfiled {
		factor = scenario.RequestFactor / Base().RequestFactor
	}
	return max(int64(factor*float64(series.RequestBytes)), leastRequest)
}

// startsSeconds is the time within which planStarts starts pods.
const startsSeconds = 4 * 3_600
