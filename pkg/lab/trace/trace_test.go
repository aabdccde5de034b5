// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"math"
	"testing"
)

func TestAtIsTheLastSampleWithinLife(t *testing.T) {
	s := Series{Start: 10, End: 40, Times: []float64{12, 20, 30.5}, Bytes: []int64{100, 200, 300}}
	open := Series{End: Open, Times: []float64{0}, Bytes: []int64{7}}
	unsampled := Series{Start: 0, End: 100}
	for _, test := range []struct {
		name   string
		series Series
		at     float64
		want   int64
		ok     bool
	}{
		{"before life", s, 9.9, 0, false},
		{"before the first sample nothing is known", s, 11, 0, false},
		{"at a sample", s, 20, 200, true},
		{"between samples", s, 30.4, 200, true},
		{"after the last sample", s, 39.9, 300, true},
		{"the end is exclusive", s, 40, 0, false},
		{"no end", open, 1e8, 7, true},
		{"never sampled", unsampled, 50, 0, false},
		{"no time at all", s, math.NaN(), 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, ok := test.series.At(test.at); got != test.want || ok != test.ok {
				t.Errorf("At(%v) = %d, %t, want %d, %t", test.at, got, ok, test.want, test.ok)
			}
		})
	}
}

func TestStepIsTheMedianDistanceAndWindowTheLargestEnd(t *testing.T) {
	sampled := func(end float64, times ...float64) Series {
		return Series{End: end, Times: times, Bytes: make([]int64, len(times))}
	}
	for _, test := range []struct {
		name       string
		series     []Series
		wantStep   float64
		wantWindow int64
	}{
		{"never sampled", []Series{{Start: 3, End: 10}}, 0, 10},
		{"one sample is no distance", []Series{sampled(60, 0)}, 0, 60},
		{"equal distances", []Series{sampled(600, 0, 300), sampled(900, 300, 600)}, 300, 900},
		{"a gap is no step", []Series{sampled(1000, 0, 60, 120, 900)}, 60, 1000},
		{"distances of all series count", []Series{sampled(10, 0, 1), sampled(100, 0, 20, 40)}, 20, 100},
		{"the smaller of two middle ones", []Series{sampled(1000, 0, 60, 180)}, 60, 1000},
		{"decimals", []Series{sampled(3.2, 0, 1, 2.1, 3.1)}, 1, 4},
		{"without an end, a step after the last sample", []Series{sampled(Open, 0, 300, 600)}, 300, 900},
		{"without end and samples, the start", []Series{{Start: 50, End: Open}}, 0, 50},
	} {
		t.Run(test.name, func(t *testing.T) {
			trace := Trace{Series: test.series}
			trace.Summarize()
			if trace.Step != test.wantStep || trace.Window != test.wantWindow {
				t.Errorf("step %v and window %d, want %v and %d", trace.Step, trace.Window, test.wantStep, test.wantWindow)
			}
		})
	}
}
