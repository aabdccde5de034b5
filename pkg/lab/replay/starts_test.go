// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/lab/trace"
)

// A recording of some hours is played by the rules of one of days: docs/traces.md.
func TestPodsThatAreStartedHaveTheirLimitsAndOneRequestAWorkload(t *testing.T) {
	ending := func(id, workload string, request int64, limit string) trace.Series {
		series := between(owned(id, request*mebibyte, limit, 1), 0, 3600)
		series.Extra[trace.WorkloadColumn] = workload
		return series
	}
	plain := between(sampled("plain", 1), 0, 3600)
	plan, err := planOf(t, Base(), ending("a", "web", 100, "0"), ending("b", "web", 256, "1073741824"), ending("c", "other", 512, "268435456"),
		ending("huge", "huge", 9701, "0"), plain)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]made{}
	for _, pod := range plan.lives {
		id, _, _ := strings.Cut(pod.id, "-")
		got[id] = made{ID: pod.workload, Request: pod.request / mebibyte, Limit: pod.limit / mebibyte}
	}
	want := map[string]made{
		"a":     {ID: "web", Request: 256},
		"b":     {ID: "web", Request: 256, Limit: 1024},
		"c":     {ID: "other", Request: 512, Limit: 512}, // no limit is below a request
		"plain": {ID: "plain", Request: 4000},
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("pods (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff(leftOut{tooLarge: 1}, plan.leftOut); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
}

func TestALimitThatIsNoNumberIsRefusedInAShortTrace(t *testing.T) {
	if _, err := planOf(t, Base(), between(owned("a", mebibyte, "much", 1), 0, 3600)); err == nil || !strings.Contains(err.Error(), `trace worked: series a: limit_bytes "much"`) {
		t.Errorf("error %v, want one that names the trace, the series and what it has", err)
	}
}

// However long the arrival process lasts before it repeats, about as many pods run as there are profiled ones.
func TestChurnKeepsAsManyPodsAsThereAreProfiled(t *testing.T) {
	const alive = 3600.0
	for _, test := range []struct {
		name   string
		length float64 // within which pods arrive
	}{
		{"an hour", 3600}, {"half a day", daySeconds / 2}, {"a day", daySeconds}, {"two days", 2 * daySeconds},
	} {
		t.Run(test.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			var arrivals Arrivals
			for range 40_000 {
				arrivals = append(arrivals, trace.Arrival{At: random.Float64() * test.length, Shortest: alive, Longest: alive})
			}
			slices.SortFunc(arrivals, func(a, b trace.Arrival) int { return cmp.Compare(a.At, b.At) })
			var profiled []*life
			for range 200 {
				profiled = append(profiled, &life{end: math.Inf(1)})
			}
			plan := &Plan{to: 4 * daySeconds}
			if err := plan.churn(profiled, arrivals, random); err != nil {
				t.Fatal(err)
			}
			run := 0.0
			for _, pod := range plan.lives {
				run += min(pod.end, plan.to) - pod.start
			}
			if mean := run / plan.to; mean < 180 || mean > 220 {
				t.Errorf("%.0f pods run on average, want about 200", mean)
			}
		})
	}
}
