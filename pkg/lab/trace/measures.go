// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"maps"
	"math"
	"slices"
)

// step is the median distance of neighbouring samples in seconds, to the millisecond; of two middle ones the smaller.
func step(series []Series) float64 {
	// Most samples lie equally apart, so that counting is faster than sorting millions.
	counts := map[int64]int{}
	total := 0
	for _, s := range series {
		last, run := int64(-1), 0
		for i := 1; i < len(s.Times); i++ {
			distance := int64(math.Round((s.Times[i] - s.Times[i-1]) * 1000))
			if distance != last && run > 0 {
				counts[last] += run
				run = 0
			}
			last = distance
			run++
		}
		if run > 0 {
			counts[last] += run
			total += len(s.Times) - 1
		}
	}
	seen := 0
	for _, distance := range slices.Sorted(maps.Keys(counts)) {
		if seen += counts[distance]; 2*seen >= total {
			return float64(distance) / 1000
		}
	}
	return 0
}

// window is the largest end in whole seconds, rounded up. A series without an end ends a step after its last sample.
func window(series []Series, step float64) int64 {
	end := 0.0
	for _, s := range series {
		switch {
		case s.End >= 0:
			end = max(end, s.End)
		case len(s.Times) > 0:
			end = max(end, s.Times[len(s.Times)-1]+step)
		default:
			end = max(end, s.Start)
		}
	}
	return int64(math.Ceil(end))
}
