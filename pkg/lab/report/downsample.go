// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"slices"
	"time"
)

// maxPoints bounds the points drawn and embedded for one node.
const maxPoints = 300

// inTimeOrder returns the points sorted by offset; the argument stays as it is.
func inTimeOrder(points []Point) []Point {
	return slices.SortedStableFunc(slices.Values(points), func(a, b Point) int { return cmp.Compare(a.Offset, b.Offset) })
}

// downsample keeps at most limit (4 or more) of points, which are in time order: the first, the last, and the
// lowest and the highest of each of equally long spans of time. So no peak is lost, and none is made up.
func downsample(points []Point, limit int) []Point {
	if len(points) <= limit {
		return points
	}
	spans := (limit - 2) / 2
	start := points[0].Offset
	width := (points[len(points)-1].Offset-start)/time.Duration(spans) + 1
	kept := []Point{points[0]}
	inner := points[1 : len(points)-1]
	for len(inner) > 0 {
		span := (inner[0].Offset - start) / width
		low, high, end := 0, 0, 0
		for ; end < len(inner) && (inner[end].Offset-start)/width == span; end++ {
			if inner[end].WorkingSetBytes < inner[low].WorkingSetBytes {
				low = end
			}
			if inner[end].WorkingSetBytes > inner[high].WorkingSetBytes {
				high = end
			}
		}
		kept = append(kept, inner[min(low, high)])
		if low != high {
			kept = append(kept, inner[max(low, high)])
		}
		inner = inner[end:]
	}
	return append(kept, points[len(points)-1])
}

// span is the highest sample within a stretch of time.
type span struct {
	From, To time.Duration
	Bytes    int64
	// Known is false where no sample was taken, before the first one or after the last.
	Known bool
}

// spans cuts the time from 0 to end into count equal stretches. A stretch between two samples that has none of its
// own takes the one before it.
func spans(points []Point, end time.Duration, count int) []span {
	out := make([]span, count)
	for i := range out {
		out[i].From = end * time.Duration(i) / time.Duration(count)
		out[i].To = end * time.Duration(i+1) / time.Duration(count)
	}
	next := 0
	for i := range out {
		last := i == count-1
		for ; next < len(points) && (points[next].Offset < out[i].To || last); next++ {
			out[i].Bytes = max(out[i].Bytes, points[next].WorkingSetBytes)
			out[i].Known = true
		}
		if !out[i].Known && next > 0 && next < len(points) {
			out[i].Bytes, out[i].Known = points[next-1].WorkingSetBytes, true
		}
	}
	return out
}

// peak is the highest working set of a node, 0 without samples.
func peak(points []Point) int64 {
	var highest int64
	for _, point := range points {
		highest = max(highest, point.WorkingSetBytes)
	}
	return highest
}
