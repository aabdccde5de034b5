// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"

	"github.com/headroom-dev/headroom/pkg/lab/report/document"
	"github.com/headroom-dev/headroom/pkg/lab/report/figure"
)

// heatMap shows all nodes of a pool over time at once.
type heatMap struct {
	Pool int
	Name string
	// Columns is the number of cells of each row.
	Columns int
	Rows    []document.HeatRow
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

func newHeatRow(node NodeSeries, a axes) document.HeatRow {
	row := document.HeatRow{Node: node.Name, Peak: "–"}
	row.Label = fmt.Sprintf("Node %s: no samples.", node.Name)
	if len(node.Points) > 0 {
		row.Peak = figure.Share(share(peak(node.Points), node))
		row.Label = fmt.Sprintf("Node %s: peak %s.", node.Name, describe(peak(node.Points), node))
	}
	var heats []document.Heat
	for _, s := range spans(node.Points, a.end, a.columns) {
		heats = append(heats, document.Heat{Share: share(s.Bytes, node), Known: s.Known, Title: s.title(node)})
	}
	row.SetCells(heats)
	return row
}
