// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/headroom-dev/headroom/pkg/lab/report/document"
	"github.com/headroom-dev/headroom/pkg/lab/report/figure"
)

// Heights in pixels, the same in the template and the style sheet: the markers stand in a lane above the plot.
const (
	markerLane = 14
	plotHeight = 78
)

// chartRow is one node of each pool on a common scale of bytes.
type chartRow struct {
	Ticks []document.Tick
	// ThresholdAt is the place of the threshold's label, negative if the nodes of the row have none in common.
	ThresholdAt    float64
	ThresholdLabel string
	Charts         []chart
}

// chart is the memory of one node over time. Coordinates lie in 0..1000 both ways.
type chart struct {
	Pool  int
	Empty bool // the pool has fewer nodes than another
	Node  string
	// Peak, PeakOf (what Peak is a share of) and Counts caption the chart, Label reads it out.
	Peak, PeakOf, Counts, Label string
	Line, Area                  string
	// ThresholdY is 0 if the node has no threshold. ThresholdLabel is set, at LabelY pixels, where the row has no label
	// for all its charts.
	ThresholdY     int
	ThresholdLabel string
	LabelY         int
	Grid           string
	Hover          []hover
	Markers        []marker
	HasSamples     bool
}

// hover is an invisible strip that tells the figures of its stretch of time.
type hover struct {
	X, Width int
	Title    string
}

// chartRows pairs the first nodes of all pools, then the second ones and so on.
func chartRows(pools []shownPool, a axes) []chartRow {
	rows := 0
	for _, pool := range pools {
		rows = max(rows, len(pool.nodes))
	}
	out := make([]chartRow, rows)
	for i := range out {
		row := &out[i]
		thresholds := map[int64]bool{}
		for p, pool := range pools {
			if i >= len(pool.nodes) {
				row.Charts = append(row.Charts, chart{Pool: p, Empty: true})
				continue
			}
			node := pool.nodes[i]
			thresholds[node.ThresholdBytes] = true
			row.Charts = append(row.Charts, newChart(p, node, pool.eventsOn(node.Name), a))
		}
		row.ThresholdAt = -1
		if len(thresholds) == 1 {
			for threshold := range thresholds {
				if threshold > 0 {
					row.ThresholdAt, row.ThresholdLabel = a.y(threshold), figure.Bytes(threshold)
				}
			}
		}
		if row.ThresholdAt < 0 {
			labelThresholds(row.Charts, pools, i, a)
		}
		row.Ticks = a.bytesTicks(row.ThresholdAt)
	}
	return out
}

// labelThresholds gives each chart of row i a label of its own, below the line.
func labelThresholds(charts []chart, pools []shownPool, i int, a axes) {
	for p := range charts {
		if charts[p].ThresholdY > 0 {
			threshold := pools[p].nodes[i].ThresholdBytes
			charts[p].ThresholdLabel = "evicts at " + figure.Bytes(threshold)
			charts[p].LabelY = int(markerLane + plotHeight*a.y(threshold)/100 + 12)
		}
	}
}

func newChart(pool int, node NodeSeries, events []Event, a axes) chart {
	c := chart{Pool: pool, Node: node.Name, HasSamples: len(node.Points) > 0, Counts: eventCounts(events)}
	c.Peak = "no samples"
	if c.HasSamples {
		highest := peak(node.Points)
		c.Peak, c.PeakOf = "peak "+figure.Bytes(highest)+", "+figure.Share(share(highest, node)), " of "+limitName(node)
	}
	c.Label = fmt.Sprintf("Working set of node %s over %s: %s%s; %s.", node.Name, figure.Clock(a.end), c.Peak, c.PeakOf, countEvents(events))
	if node.ThresholdBytes > 0 {
		c.ThresholdY = thousandths(a.y(node.ThresholdBytes))
	}
	c.Line, c.Area = paths(node.Points, a)
	c.Grid = grid(a)
	for _, s := range spans(node.Points, a.end, a.columns) {
		if !s.Known {
			continue
		}
		from, to := thousandths(a.x(s.From)), thousandths(a.x(s.To))
		c.Hover = append(c.Hover, hover{X: from, Width: to - from, Title: s.title(node)})
	}
	c.Markers = markers(events, node, a)
	return c
}

// title gives the exact figures of a stretch of time.
func (s span) title(node NodeSeries) string {
	when := figure.Clock(s.From) + "–" + figure.Clock(s.To)
	if !s.Known {
		return when + ": no sample"
	}
	return when + ": " + describe(s.Bytes, node)
}

// describe prints bytes and their share of what limits the node.
func describe(bytes int64, node NodeSeries) string {
	return figure.Bytes(bytes) + ", " + figure.Share(share(bytes, node)) + " of " + limitName(node)
}

func limitName(node NodeSeries) string {
	if node.ThresholdBytes > 0 {
		return "threshold"
	}
	return "capacity (no eviction threshold)"
}

// share is bytes by the eviction threshold, or by the capacity of a node that has none.
func share(bytes int64, node NodeSeries) float64 {
	if node.ThresholdBytes > 0 {
		return float64(bytes) / float64(node.ThresholdBytes)
	}
	return float64(bytes) / float64(node.CapacityBytes)
}

// paths draws the line through the points, and the area under it.
func paths(points []Point, a axes) (line, area string) {
	if len(points) == 0 {
		return "", ""
	}
	var b strings.Builder
	for i, point := range points {
		if i > 0 {
			b.WriteByte('L')
		}
		b.WriteString(strconv.Itoa(thousandths(a.x(point.Offset))))
		b.WriteByte(' ')
		b.WriteString(strconv.Itoa(thousandths(a.y(point.WorkingSetBytes))))
	}
	if len(points) == 1 {
		// A single sample would be an invisible line of no length.
		b.WriteString("h4")
	}
	line = "M" + b.String()
	area = fmt.Sprintf("M%d 1000L%sV1000Z", thousandths(a.x(points[0].Offset)), b.String())
	return line, area
}

// grid draws a line at every tick of the time axis and of the bytes axis.
func grid(a axes) string {
	var b strings.Builder
	for _, t := range document.TimeTicks(a.end) {
		fmt.Fprintf(&b, "M%d 0V1000", thousandths(t.At))
	}
	for _, t := range a.bytesTicks(-1) {
		fmt.Fprintf(&b, "M0 %dH1000", thousandths(t.At))
	}
	return b.String()
}

func thousandths(percent float64) int { return int(document.Round(percent*10, 0)) }
