// SPDX-License-Identifier: Apache-2.0

package document

import (
	"math"
	"time"

	"github.com/headroom-dev/headroom/pkg/lab/report/figure"
)

// Tick is a labelled place on an axis, in percent from the left or from the top.
type Tick struct {
	At    float64
	Label string
	// Edge is "start" or "end" where the label would stick out of the chart if it were centred.
	Edge string
}

// Round rounds to so many decimals: more would only fill a page.
func Round(value float64, decimals int) float64 {
	factor := math.Pow(10, float64(decimals))
	return math.Round(value*factor) / factor
}

// TimeTicks gives up to five ticks at whole seconds, minutes or hours on an axis from 0 to end, which is above 0.
func TimeTicks(end time.Duration) []Tick {
	steps := []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	}
	step := 24 * time.Hour
	for _, candidate := range steps {
		if end/candidate <= 4 {
			step = candidate
			break
		}
	}
	for end/step > 4 {
		step *= 2
	}
	var ticks []Tick
	for at := time.Duration(0); at <= end; at += step {
		t := Tick{At: Round(float64(at)/float64(end)*100, 2), Label: figure.Clock(at)}
		switch {
		case at == 0:
			t.Edge = "start"
		case t.At > 92:
			t.Edge = "end"
		}
		ticks = append(ticks, t)
	}
	return ticks
}
