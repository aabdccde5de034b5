// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"
	"time"
)

// axes are the scales that all charts of a page share.
type axes struct {
	// end is the offset at the right edge.
	end time.Duration
	// top is the number of bytes at the upper edge.
	top float64
	// columns is the number of stretches of time that tell their exact figures, in a chart and in the heat map. There
	// are no more than samples, or stretches without one would have to borrow from the one before.
	columns int
}

// tick is a labelled place on an axis, in percent from the left or from the top.
type tick struct {
	At    float64
	Label string
	// Edge is "start" or "end" where the label would stick out of the chart if it were centred.
	Edge string
}

// maxColumns bounds axes.columns.
const maxColumns = 60

// newAxes covers every sample, event, capacity and threshold of the run.
func newAxes(run Run) axes {
	a := axes{end: run.Duration}
	var highest int64
	samples := 0
	for _, pool := range run.Pools {
		for _, node := range pool.Nodes {
			highest = max(highest, node.CapacityBytes, peak(node.Points))
			samples = max(samples, len(node.Points))
			for _, point := range node.Points {
				a.end = max(a.end, point.Offset)
			}
		}
		for _, event := range pool.Events {
			a.end = max(a.end, event.Offset)
		}
	}
	a.top = float64(highest) * 1.04
	a.columns = min(max(samples-1, 1), maxColumns)
	return a
}

// x and y are percentages of the width from the left and of the height from the top.
func (a axes) x(offset time.Duration) float64 {
	return round(float64(offset)/float64(a.end)*100, 2)
}

func (a axes) y(bytes int64) float64 {
	return round(100-float64(bytes)/a.top*100, 2)
}

func round(value float64, decimals int) float64 {
	factor := math.Pow(10, float64(decimals))
	return math.Round(value*factor) / factor
}

// timeTicks gives up to five ticks at whole seconds, minutes or hours.
func (a axes) timeTicks() []tick {
	steps := []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	}
	step := 24 * time.Hour
	for _, candidate := range steps {
		if a.end/candidate <= 4 {
			step = candidate
			break
		}
	}
	for a.end/step > 4 {
		step *= 2
	}
	var ticks []tick
	for at := time.Duration(0); at <= a.end; at += step {
		t := tick{At: a.x(at), Label: formatClock(at)}
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

// bytesTicks gives three or four ticks at round binary figures, leaving out those that would touch the label at
// thresholdY (percent from the top; negative for none).
func (a axes) bytesTicks(thresholdY float64) []tick {
	step := int64(1)
	for a.top/float64(step) >= 4 {
		step *= 2
	}
	var ticks []tick
	for at := int64(0); float64(at) <= a.top; at += step {
		y := a.y(at)
		if thresholdY >= 0 && math.Abs(y-thresholdY) < 30 {
			continue
		}
		ticks = append(ticks, tick{At: y, Label: formatBytes(at)})
	}
	return ticks
}
