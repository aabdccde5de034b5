// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"fmt"
	"slices"
	"strings"

	"github.com/headroom-dev/headroom/pkg/lab/report/document"
)

// chart is the curves of one trace and scenario.
type chart struct {
	Scenario string
	// Large is the first one of a trace.
	Large   bool
	Label   string
	Rates   []document.Tick
	Nodes   []document.Tick
	Grid    string
	Lines   []line
	Dots    []dot
	Table   table
	Against []against
}

// line is a curve and the intervals of its points, in thousandths both ways.
type line struct {
	Class     int
	Path      string
	Intervals string
}

// dot is a point, in percent. Waits draws it hollow.
type dot struct {
	Class int
	X, Y  float64
	Waits bool
	Title string
}

// table has the same figures as the chart.
type table struct {
	Nodes []int
	Rows  []tableRow
	// Waits says that a cell is marked.
	Waits bool
}

type tableRow struct {
	policy
	Cells []tableCell
}

// tableCell is empty where the policy was not run.
type tableCell struct {
	Mean, Interval string
	// Waits marks what is not compared, Best the lowest of the column among the rest that are no bounds.
	Waits, Best bool
}

// newChart expects at least one curve, all of one trace and scenario.
func newChart(curves []Curve, all []policy, large bool) chart {
	s := newScale(curves)
	nodes := nodeCounts(curves)
	c := chart{
		Scenario: curves[0].Scenario, Large: large, Rates: s.rateTicks(),
		Label: fmt.Sprintf("Evictions and OOM kills per 1000 pod-hours by number of nodes: %s, %s.", curves[0].Trace, curves[0].Scenario),
	}
	most := 8
	if large {
		most = 14
	}
	c.Nodes = s.nodeTicks(nodes, most)
	c.Grid = grid(c.Rates, c.Nodes)
	// Drawn last, the reference lies on top.
	for _, curve := range byClass(curves, all) {
		class := classOf(all, curve.Policy)
		c.Lines = append(c.Lines, newLine(curve, class, s))
		for _, p := range curve.Points {
			c.Dots = append(c.Dots, dot{Class: class, X: s.x(p.Nodes), Y: s.y(p.Mean), Waits: p.Waits, Title: p.title(curve.Policy)})
		}
	}
	c.Table = newTable(curves, nodes, all)
	return c
}

// title gives the exact figures of a point.
func (p CurvePoint) title(policy string) string {
	text := fmt.Sprintf("%s, %d nodes: %s evictions and OOM kills per 1000 pod-hours", policy, p.Nodes, rate(p.Mean))
	if !p.Unknown {
		text += fmt.Sprintf(", %s to %s", rate(p.Low), rate(p.High))
	}
	if p.Waits {
		text += "; not compared: pods waited for too long"
	}
	return text
}

// interval is the text of the point's interval, a dash where there is none.
func (p CurvePoint) interval() string {
	if p.Unknown {
		return noInterval
	}
	return rate(p.Low) + "–" + rate(p.High)
}

// noInterval stands for an interval of one run.
const noInterval = "–"

func newLine(curve Curve, class int, s scale) line {
	var path, intervals strings.Builder
	for i, p := range curve.Points {
		x := thousandths(s.x(p.Nodes))
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&path, "%s%d %d", command, x, thousandths(s.y(p.Mean)))
		fmt.Fprintf(&intervals, "M%d %dV%d", x, thousandths(s.y(p.Low)), thousandths(s.y(p.High)))
	}
	return line{Class: class, Path: path.String(), Intervals: intervals.String()}
}

func grid(rates, nodes []document.Tick) string {
	var b strings.Builder
	for _, t := range nodes {
		fmt.Fprintf(&b, "M%d 0V1000", thousandths(t.At))
	}
	for _, t := range rates {
		fmt.Fprintf(&b, "M0 %dH1000", thousandths(t.At))
	}
	return b.String()
}

func thousandths(percent float64) int { return int(document.Round(percent*10, 0)) }

// byClass sorts curves such that the first class comes last.
func byClass(curves []Curve, all []policy) []Curve {
	return slices.SortedStableFunc(slices.Values(curves), func(a, b Curve) int { return classOf(all, b.Policy) - classOf(all, a.Policy) })
}

// nodeCounts are those that any curve has, ascending.
func nodeCounts(curves []Curve) []int {
	var nodes []int
	for _, curve := range curves {
		for _, p := range curve.Points {
			nodes = append(nodes, p.Nodes)
		}
	}
	slices.Sort(nodes)
	return slices.Compact(nodes)
}

func newTable(curves []Curve, nodes []int, all []policy) table {
	t := table{Nodes: nodes}
	best := make([]float64, len(nodes))
	for i := range best {
		best[i] = -1
	}
	sorted := byClass(curves, all)
	slices.Reverse(sorted)
	for _, curve := range sorted {
		for _, p := range curve.Points {
			i := slices.Index(nodes, p.Nodes)
			if !p.Waits && !isBound(curve.Policy) && (best[i] < 0 || p.Mean < best[i]) {
				best[i] = p.Mean
			}
			t.Waits = t.Waits || p.Waits
		}
	}
	for _, curve := range sorted {
		row := tableRow{policy: policy{Class: classOf(all, curve.Policy), Name: curve.Policy}, Cells: make([]tableCell, len(nodes))}
		for _, p := range curve.Points {
			i := slices.Index(nodes, p.Nodes)
			row.Cells[i] = tableCell{
				Mean: rate(p.Mean), Interval: p.interval(), Waits: p.Waits,
				Best: !p.Waits && !isBound(curve.Policy) && p.Mean == best[i],
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// isBound reports whether a policy knows what none can know.
func isBound(name string) bool { return name == "clairvoyant" || name == "bound" }
