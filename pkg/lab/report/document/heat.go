// SPDX-License-Identifier: Apache-2.0

package document

import (
	"fmt"
	"strings"
)

// HeatRow is one node over time. A cell is one unit wide and ten high.
type HeatRow struct {
	Node  string
	Peak  string
	Label string
	Cells []HeatCell
	// Struck is a path through the cells at or above the threshold, so that they stand out without colour too.
	Struck string
}

// HeatCell is a stretch of time. Level is a class of HeatLevels, or -1 where nothing is known.
type HeatCell struct {
	X     int
	Level int
	Title string
}

// HeatLevel is a class of the share of the threshold.
type HeatLevel struct {
	// From is the least share of the class.
	From  float64
	Label string
}

// HeatLevels are finer near the threshold, where a difference matters.
func HeatLevels() []HeatLevel {
	return []HeatLevel{
		{0, "below 50%"}, {0.5, "50–70%"}, {0.7, "70–80%"}, {0.8, "80–90%"}, {0.9, "90–100%"}, {1, "100% and above"},
	}
}

// Heat is what a cell shows: a share of the threshold, and a text with the exact figures.
type Heat struct {
	Share float64
	// Known is false where nothing was measured.
	Known bool
	Title string
}

// SetCells makes the cells of a row, one for each stretch of time.
func (r *HeatRow) SetCells(heats []Heat) {
	var struck strings.Builder
	levels := HeatLevels()
	for i, heat := range heats {
		cell := HeatCell{X: i, Level: -1, Title: heat.Title}
		if heat.Known {
			for level := range levels {
				if heat.Share >= levels[level].From {
					cell.Level = level
				}
			}
		}
		if cell.Level == len(levels)-1 {
			fmt.Fprintf(&struck, "M%d 10L%d 0", i, i+1)
		}
		r.Cells = append(r.Cells, cell)
	}
	r.Struck = struck.String()
}
