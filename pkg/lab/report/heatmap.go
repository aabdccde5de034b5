// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"
)

// heatMap shows all nodes of a pool over time at once.
type heatMap struct {
	Pool int
	Name string
	// Columns is the number of cells of each row.
	Columns int
	Rows    []heatRow
}

// heatRow is one node. A cell is one unit wide and ten high.
type heatRow struct {
	Node  string
	Peak  string
	Label string
	Cells []heatCell
	// Struck is a path through the cells at or above the threshold, so that they stand out without colour too.
	Struck string
}

// heatCell is the highest working set of a stretch of time. Level is a class of heatLevels, or -1 without a sample.
type heatCell struct {
	X     int
	Level int
	Title string
}

// heatLevel is a class of the share of the threshold.
type heatLevel struct {
	// From is the least share of the class.
	From  float64
	Label string
}

// heatLevels are finer near the threshold, where a difference matters.
func heatLevels() []heatLevel {
	return []heatLevel{
		{0, "below 50%"}, {0.5, "50–70%"}, {0.7, "70–80%"}, {0.8, "80–90%"}, {0.9, "90–100%"}, {1, "100% and above"},
	}
}

func heatMaps(pools []shownPool, a axes) []heatMap {
	var maps []heatMap
	for i, pool := range pools {
		m := heatMap{Pool: i, Name: displayName(pool.Pool), Columns: a.columns}
		for _, node := range pool.nodes {
			m.Rows = append(m.Rows, newHeatRow(node, a))
		}
		maps = append(maps, m)
	}
	return maps
}

func newHeatRow(node NodeSeries, a axes) heatRow {
	row := heatRow{Node: node.Name, Peak: "–"}
	row.Label = fmt.Sprintf("Node %s: no samples.", node.Name)
	if len(node.Points) > 0 {
		row.Peak = formatShare(share(peak(node.Points), node))
		row.Label = fmt.Sprintf("Node %s: peak %s.", node.Name, describe(peak(node.Points), node))
	}
	var struck strings.Builder
	levels := heatLevels()
	for i, s := range spans(node.Points, a.end, a.columns) {
		cell := heatCell{X: i, Level: -1, Title: s.title(node)}
		if s.Known {
			for level := range levels {
				if share(s.Bytes, node) >= levels[level].From {
					cell.Level = level
				}
			}
		}
		if cell.Level == len(levels)-1 {
			fmt.Fprintf(&struck, "M%d 10L%d 0", i, i+1)
		}
		row.Cells = append(row.Cells, cell)
	}
	row.Struck = struck.String()
	return row
}
