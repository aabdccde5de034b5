// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/lab/trace"
)

func TestMemoryMovesInAStraightLine(t *testing.T) {
	ramp := life{times: []float64{10, 110, 210}, bytes: []int64{100, 300, 0}}
	late := ramp
	late.shift = 1000
	for _, test := range []struct {
		name   string
		of     life
		second float64
		from   int
		want   int64
		index  int
	}{
		{"before the first sample", ramp, 5, 0, 100, 0},
		{"at the first", ramp, 10, 0, 100, 0},
		{"half-way up", ramp, 60, 0, 200, 0},
		{"at the second", ramp, 110, 0, 300, 1},
		{"half-way down", ramp, 160, 1, 150, 1},
		{"after the last", ramp, 900, 0, 0, 2},
		{"back from the last", ramp, 60, 2, 200, 0},
		{"a place that is none", ramp, 60, 99, 200, 0},
		{"a place before all", ramp, 160, -1, 150, 1},
		{"a series that is started later", late, 1060, 0, 200, 0},
		{"one sample", life{times: []float64{0}, bytes: []int64{7}}, 500, 0, 7, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, index := test.of.at(test.second, test.from); got != test.want || index != test.index {
				t.Errorf("%d at sample %d, want %d at %d", got, index, test.want, test.index)
			}
		})
	}
}

// sampled is a series with a sample every six hours, in MiB, of a pod that is provisioned with 4000 MiB.
func sampled(id string, mebibytes ...int64) trace.Series {
	series := trace.Series{ID: id, RequestBytes: 4000 * mebibyte, RequestSource: "provisioned", End: trace.Open}
	for i, held := range mebibytes {
		series.Times = append(series.Times, float64(i)*21_600)
		series.Bytes = append(series.Bytes, held*mebibyte)
	}
	return series
}

// between is the series with a life of those seconds.
func between(series trace.Series, start, end float64) trace.Series {
	series.Start, series.End = start, end
	return series
}

// made is what a plan says of a pod.
type made struct {
	ID             string
	Request, Limit int64 // MiB
}

func planOf(t *testing.T, scenario Scenario, series ...trace.Series) (*Plan, error) {
	t.Helper()
	read := &trace.Trace{Name: "worked", Series: series}
	read.Summarize()
	return NewPlan(read, scenario, nil, 50, 10_000*mebibyte, 1)
}

// What a recorded pod requests bounds it no more than it does in its cluster, and replicas are made from one template.
func TestPodsOfAWorkloadRequestAlikeAndHaveTheirOwnLimits(t *testing.T) {
	owned := func(id, limit string, mebibytes ...int64) trace.Series {
		series := sampled(id, mebibytes...)
		series.Extra = map[string]string{trace.WorkloadColumn: "shop/Deployment/web"}
		if limit != "" {
			series.Extra[trace.LimitColumn] = limit
		}
		return series
	}
	plan, err := planOf(t, Base(), owned("unknown", "", 100, 100, 100, 100, 900, 900, 900, 900), owned("none", "0", 200, 200, 200, 200, 0, 0, 0, 0),
		owned("some", "1048576000", 50, 50, 50, 50, 0, 0, 0, 0), sampled("machine", 100, 100, 100, 100, 0, 0, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]made{}
	for _, l := range plan.lives {
		got[l.id] = made{l.id, (l.request + mebibyte - 1) / mebibyte, l.limit / mebibyte}
	}
	want := map[string]made{"unknown": {"unknown", 230, 0}, "none": {"none", 230, 0}, "some": {"some", 230, 1000}, "machine": {"machine", 115, 4000}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pods (-want +got):\n%s", diff)
	}
	if _, err := planOf(t, Base(), owned("bad", "1Gi", 1, 1, 1, 1, 1, 1, 1, 1)); err == nil || !strings.Contains(err.Error(), `series bad: limit_bytes "1Gi"`) {
		t.Errorf("error %v, want one that names the series, the column and the figure", err)
	}
}

func TestRequestsAreMadeOfTheProfileDay(t *testing.T) {
	// Eight samples are two days: the first four make the profile, whose 90th percentile is the third smallest of them.
	tests := []struct {
		name   string
		change func(*Scenario)
		series trace.Series
		want   []made
	}{
		{"1.15 times the 90th percentile", nil, sampled("a", 100, 400, 200, 300, 9000, 9000, 9000, 9000), []made{{"a", 345, 4000}}},
		{"half of that", func(s *Scenario) { s.RequestFactor /= 2 }, sampled("a", 100, 400, 200, 300, 0, 0, 0, 0), []made{{"a", 172, 4000}}},
		{"as the trace has it", func(s *Scenario) { s.Requests = RequestsGiven }, sampled("a", 100, 100, 100, 100, 0, 0, 0, 0), []made{{"a", 4000, 4000}}},
		{"at least 16Mi", nil, sampled("a", 0, 0, 0, 0, 0, 0, 0, 0), []made{{"a", 16, 4000}}},
		{"no limit below it", nil, sampled("a", 8000, 8000, 8000, 8000, 0, 0, 0, 0), []made{{"a", 9200, 9200}}},
		{"one that comes three steps late", nil, between(trace.Series{
			ID: "late", RequestBytes: 4000 * mebibyte, RequestSource: "provisioned", Times: []float64{64_800, 86_400}, Bytes: []int64{200 * mebibyte, 0},
		}, 64_800, -1), []made{{"late", 229, 4000}}},
		{"one that comes later has no profile", nil, between(sampled("b", 1, 1, 1, 1, 1, 1, 1, 1), 64_801, -1), nil},
		{"one that goes before has none either", nil, between(sampled("b", 1, 1, 1, 1, 1, 1, 1, 1), 0, 86_400), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			scenario := Base()
			if test.change != nil {
				test.change(&scenario)
			}
			plan, err := planOf(t, scenario, test.series, sampled("other", 50, 50, 50, 50, 50, 50, 50, 50))
			if err != nil {
				t.Fatal(err)
			}
			var got []made
			for _, pod := range plan.lives {
				if pod.id != "other" {
					got = append(got, made{pod.id, pod.request / mebibyte, pod.limit / mebibyte})
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("pods (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAStaticFillIsAnHourAfterTheProfileDay(t *testing.T) {
	var series []trace.Series
	for id := range strings.SplitSeq("abcdefghij", "") {
		series = append(series, sampled(id, 1, 1, 1, 1, 1, 1, 1, 1))
	}
	large := sampled("too large for a node", 1, 1, 1, 1, 1, 1, 1, 1)
	large.RequestBytes = 9701 * mebibyte // of 10,000 the kubelet keeps 300
	plan, err := planOf(t, Base(), append(series, large)...)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Pods() != len(series) || plan.from != 86_400 || plan.to < 2*86_400 {
		t.Errorf("%d pods from %g to %g, want %d from the second day on", plan.Pods(), plan.from, plan.to, len(series))
	}
	var order []string
	for i, pod := range plan.lives {
		order = append(order, pod.id)
		if want := 86_400 + 360*float64(i); pod.start != want {
			t.Errorf("pod %d arrives at %g, want %g", i, pod.start, want)
		}
	}
	if slices.IsSorted(order) {
		t.Error("the pods arrive in the order of the trace, want it shuffled by the seed")
	}
}

func TestStickyMemoryIsTheMostOfAnHour(t *testing.T) {
	got := sticky([]float64{0, 1800, 3600, 5400, 7200}, []int64{5, 9, 1, 2, 3})
	if diff := cmp.Diff([]int64{5, 9, 9, 2, 3}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestShortSeriesAreStartedAgainAndAgain(t *testing.T) {
	short := trace.Series{ID: "job", RequestBytes: 100 * mebibyte, Start: 50, End: 350, Times: []float64{50, 150, 250}, Bytes: []int64{1, 3, 5}}
	scenario := Base()
	scenario.RequestFactor /= 2
	plan, err := planOf(t, scenario, short, between(sampled("endless", 1), 0, -1))
	if err != nil {
		t.Fatal(err)
	}
	if plan.Pods() != 50 || plan.from != 0 {
		t.Errorf("%d pods from %g, want 50 from the start", plan.Pods(), plan.from)
	}
	last := 0.0
	for _, pod := range plan.lives {
		if pod.start < last || pod.start > startsSeconds || math.Abs(pod.end-pod.start-300) > 1e-6 {
			t.Errorf("%s from %g to %g, want 300 s within four hours, one after the other", pod.id, pod.start, pod.end)
		}
		if held, _ := pod.at(pod.start+100, 0); held != 3 {
			t.Errorf("%s holds %d after 100 s, want the 3 of the series then", pod.id, held)
		}
		if pod.request != 50*mebibyte {
			t.Errorf("%s requests %d, want half of what the trace has", pod.id, pod.request)
		}
		last = pod.start
	}
}

func TestARunMovesOnByASecondAtLeast(t *testing.T) {
	for _, test := range []struct {
		name   string
		series trace.Series
		want   float64
	}{
		{"one sample in two days", between(sampled("a", 1), 0, 2*daySeconds), 1},
		{"one sample in an hour", between(sampled("a", 1), 0, 3600), 1},
		{"a sample every six hours", sampled("a", 1, 1, 1, 1, 1, 1, 1, 1), 21_600},
	} {
		t.Run(test.name, func(t *testing.T) {
			plan, err := planOf(t, Base(), test.series)
			if err != nil {
				t.Fatal(err)
			}
			if plan.step != test.want {
				t.Errorf("a step of %g s, want %g", plan.step, test.want)
			}
		})
	}
}

// They would be the base case under another name.
func TestAShortTraceRefusesScenariosThatNeedDays(t *testing.T) {
	refused := []string{"requests-provisioned", "churn"}
	for _, scenario := range Scenarios() {
		t.Run(scenario.Name, func(t *testing.T) {
			m := &Matrix{Trace: &trace.Trace{Name: "worked", Series: []trace.Series{between(sampled("a", 1), 0, 3600)}}, Scenarios: []Scenario{scenario}, NodeBytes: 10_000 * mebibyte, Starts: 5}
			m.Trace.Summarize()
			err := m.Check(t.Context())
			if !slices.Contains(refused, scenario.Name) {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if slices.ContainsFunc(ScenariosOf(m.Trace), func(s Scenario) bool { return s.Name == scenario.Name }) {
				t.Error("it is one of those that the trace can play")
			}
			if want := "leave " + scenario.Name + " out, or record for two days"; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want it to say %q", err, want)
			}
		})
	}
}

func TestATraceThatCannotBePlayedSaysWhy(t *testing.T) {
	for _, test := range []struct {
		name   string
		series trace.Series
		want   string
	}{
		{"a day and a half", sampled("a", 1, 1, 1, 1, 1, 1), "a replay needs two days"},
		{"nothing of the first day", between(sampled("a", 1, 1, 1, 1, 1, 1, 1, 1), 64_801, -1), "no series can be played, of which the first day is the profile: 1 not there for all of the first day"},
		{"short and endless", sampled("a", 1), "no series that ends"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := planOf(t, Base(), test.series); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "worked") {
				t.Errorf("error %v, want one that names the trace and says %q", err, test.want)
			}
		})
	}
}
