// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"
	"time"

	"github.com/headroom-dev/headroom/pkg/lab/report/document"
	"github.com/headroom-dev/headroom/pkg/lab/report/figure"
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
	return document.Round(float64(offset)/float64(a.end)*100, 2)
}

func (a axes) y(bytes int64) float64 {
	return document.Round(100-float64(bytes)/a.top*100, 2)
}

// bytesTicks gives three or four ticks at round binary figures, leaving out those that would touch the label at
// thresholdY (percent from the top; negative for none).
func (a axes) bytesTicks(thresholdY float64) []document.Tick {
	step := int64(1)
	for a.top/float64(step) >= 4 {
		step *= 2
	}
	var ticks []document.Tick
	for at := int64(0); float64(at) <= a.top; at += step {
		y := a.y(at)
		if thresholdY >= 0 && math.Abs(y-thresholdY) < 30 {
			continue
		}
		ticks = append(ticks, document.Tick{At: y, Label: figure.Bytes(at)})
	}
	return ticks
}
