// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestDownsamplingKeepsPeaksOrderAndEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gaps := rapid.SliceOfN(rapid.Int64Range(0, int64(20*time.Second)), 1, 900).Draw(t, "gaps")
		limit := rapid.IntRange(4, maxPoints).Draw(t, "limit")
		var points []Point
		var offset time.Duration
		for i, gap := range gaps {
			offset += time.Duration(gap)
			points = append(points, Point{Offset: offset, WorkingSetBytes: rapid.Int64Range(0, 16*gib).Draw(t, "bytes") + int64(i%2)})
		}
		got := downsample(points, limit)
		if len(got) > limit && len(got) > 0 {
			t.Fatalf("%d points of %d remain, want at most %d", len(got), len(points), limit)
		}
		if peak(got) != peak(points) {
			t.Fatalf("peak is %d, want %d", peak(got), peak(points))
		}
		if got[0] != points[0] || got[len(got)-1] != points[len(points)-1] {
			t.Fatalf("ends are %v and %v, want %v and %v", got[0], got[len(got)-1], points[0], points[len(points)-1])
		}
		rest := points
		for _, point := range got {
			at := slices.Index(rest, point)
			if at < 0 {
				t.Fatalf("%v is not a sample, or is out of order", point)
			}
			rest = rest[at+1:]
		}
	})
}

func TestDownsamplingKeepsEveryPeakThatStandsAlone(t *testing.T) {
	var points []Point
	for i := range 3000 {
		points = append(points, Point{Offset: time.Duration(i) * time.Second, WorkingSetBytes: gib})
	}
	for i := 50; i < len(points); i += 100 {
		points[i].WorkingSetBytes = 2 * gib
	}
	peaks := 0
	for _, point := range downsample(points, maxPoints) {
		if point.WorkingSetBytes == 2*gib {
			peaks++
		}
	}
	if diff := cmp.Diff(30, peaks); diff != "" {
		t.Errorf("peaks that remain (-want +got):\n%s", diff)
	}
}

func TestSamplesOutOfOrderAreSortedInACopy(t *testing.T) {
	points := []Point{{2, 20}, {1, 10}, {3, 30}}
	if diff := cmp.Diff([]Point{{1, 10}, {2, 20}, {3, 30}}, inTimeOrder(points)); diff != "" {
		t.Errorf("inTimeOrder (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Point{{2, 20}, {1, 10}, {3, 30}}, points); diff != "" {
		t.Errorf("the argument (-want +got):\n%s", diff)
	}
}

func TestSpansHoldTheLastSampleBetweenSamplesOnly(t *testing.T) {
	points := []Point{{10, 5}, {11, 9}, {12, 7}, {35, 3}}
	got := spans(points, 60, 6)
	want := []span{
		{0, 10, 0, false},
		{10, 20, 9, true},
		{20, 30, 7, true},
		{30, 40, 3, true},
		{40, 50, 0, false},
		{50, 60, 0, false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	if last := spans([]Point{{60, 4}}, 60, 6)[5]; last.Bytes != 4 || !last.Known {
		t.Errorf("the sample at the very end is lost: %+v", last)
	}
}
