// SPDX-License-Identifier: Apache-2.0

package predict

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/lab/trace"
)

func TestATraceIsPutOnSteps(t *testing.T) {
	series := func(id string, request int64, end float64, times []float64, bytes ...int64) trace.Series {
		return trace.Series{ID: id, RequestBytes: request, End: end, Times: times, Bytes: bytes}
	}
	tr := &trace.Trace{Name: "t", Step: 60, Window: 300, Series: []trace.Series{
		series("as large as a node", 100, trace.Open, []float64{0, 10, 20, 60, 180}, 5, 9, 3, 4, 6),
		series("larger", 101, trace.Open, []float64{0}, 1),
		series("never sampled", 1, trace.Open, nil),
	}}
	f, err := newFleet(tr, 100, 1)
	if err != nil {
		t.Fatal(err)
	}
	if f.leftOut != 1 || f.unsampled != 1 || f.steps != 5 || f.step != time.Minute || len(f.nodes) != 1 {
		t.Fatalf("fleet %+v, want 5 steps of a minute, a node, one series that is too large and one without samples", f)
	}
	// The largest of a step, and without a sample what the step before held.
	if diff := cmp.Diff([]float64{9, 4, 4, 6, 6}, f.nodes[0].members[0].bytes); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
	tr.Series = []trace.Series{series("ends", 1, 150, []float64{60, 140}, 2, 3), series("lives on", 1, trace.Open, []float64{240}, 1)}
	if f, err = newFleet(tr, 100, 1); err != nil {
		t.Fatal(err)
	}
	got := map[string][2]int{}
	for _, m := range f.nodes[0].members {
		got[m.name] = [2]int{m.first, m.end}
	}
	if diff := cmp.Diff(map[string][2]int{"ends": {1, 3}, "lives on": {4, 5}}, got); diff != "" {
		t.Errorf("first and end (-want +got):\n%s", diff)
	}
}

func TestWhatEndsMakesRoomForWhatComesThen(t *testing.T) {
	of := func(name string, first, end int, request float64) member {
		return member{name: name, first: first, end: end, request: request}
	}
	nodes := pack([]member{of("a", 0, 2, 10), of("b", 2, 4, 10), of("c", 1, 4, 1)}, 10, 1)
	var got [][]string
	for _, n := range nodes {
		var names []string
		for _, m := range n.members {
			names = append(names, m.name)
		}
		got = append(got, names)
	}
	if diff := cmp.Diff([][]string{{"a", "b"}, {"c"}}, got); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
}

func TestNoPeakIsInBothHalves(t *testing.T) {
	const horizon = 6
	for _, test := range []struct {
		name                             string
		days, begin, early, middle, last int
	}{
		{"two days: after a quarter", 2, 12, 24, 30, 42},
		{"eight days: after one", 8, 24, 102, 108, 186},
	} {
		d, err := newDivision(&fleet{step: time.Hour, steps: 24 * test.days}, "t", horizon*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		got := [...]int{d.begin, d.early, d.middle, d.end}
		if want := [...]int{test.begin, test.early, test.middle, test.last}; got != want {
			t.Errorf("%s: begin, early, middle and end are %v, want %v", test.name, got, want)
		}
	}
}

func TestTheHoursThatAHorizonReaches(t *testing.T) {
	sums := [24]float64{10: 1, 11: 5, 12: 7, 9: 100}
	at := func(hour, minute int) time.Time { return time.Date(2000, 1, 1, hour, minute, 0, 0, time.UTC) }
	for _, test := range []struct {
		now     time.Time
		horizon time.Duration
		want    float64
	}{
		{at(10, 0), 59 * time.Minute, 1},
		{at(10, 0), time.Hour, 5},
		{at(10, 30), time.Hour, 5},
		{at(10, 30), 90 * time.Minute, 7},
		{at(10, 0), 23 * time.Hour, 100},
		{at(10, 0), 24 * time.Hour, 100},
	} {
		if got := highest(&sums, test.now, test.horizon); got != test.want {
			t.Errorf("from %s on, %s reach %v, want %v", test.now.Format(time.TimeOnly), test.horizon, got, test.want)
		}
	}
}
