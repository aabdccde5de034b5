// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/headroom-dev/headroom/pkg/lab/report/document"
	"github.com/headroom-dev/headroom/pkg/lab/report/figure"
)

const (
	// maxNodes bounds the nodes that a heat map shows, maxColumns its cells in a row.
	maxNodes   = 60
	maxColumns = 120
)

// storyPart is a story as it is shown.
type storyPart struct {
	Class         int
	Policy, About string
	Columns       int
	Rows          []document.HeatRow
	TimeTicks     []document.Tick
	Worst         []worstRow
	Note          string
}

type worstRow struct{ Node, Counts, Words string }

func stories(c *Comparison, all []policy) []storyPart {
	var parts []storyPart
	for _, story := range c.Stories {
		part := storyPart{
			Class: classOf(all, story.Policy), Policy: story.Policy, TimeTicks: document.TimeTicks(story.Span),
			About: fmt.Sprintf("%s, %s, %s, seed %d", story.Trace, story.Scenario, plural(len(story.Nodes), "node", "nodes"), story.Seed),
		}
		for _, worst := range story.Worst {
			counts := plural(worst.Evictions, "eviction", "evictions") + ", " + plural(worst.OOMKills, "OOM kill", "OOM kills")
			part.Worst = append(part.Worst, worstRow{Node: worst.Node, Counts: counts, Words: worst.Words})
		}
		nodes := story.Nodes
		if len(nodes) > maxNodes {
			nodes = hottest(nodes)
			part.Note = fmt.Sprintf("%d of %s nodes are drawn, those with the highest peaks.", maxNodes, figure.Count(len(story.Nodes)))
		}
		for _, node := range nodes {
			row := heatRow(node, story.Span)
			part.Columns = len(row.Cells)
			part.Rows = append(part.Rows, row)
		}
		parts = append(parts, part)
	}
	return parts
}

// hottest keeps the order of the nodes.
func hottest(nodes []NodeHeat) []NodeHeat {
	order := make([]int, len(nodes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(slices.Max(nodes[b].Shares), slices.Max(nodes[a].Shares))
	})
	order = order[:maxNodes]
	slices.Sort(order)
	var kept []NodeHeat
	for _, i := range order {
		kept = append(kept, nodes[i])
	}
	return kept
}

// heatRow joins stretches, of which the highest counts, where there are more than the page has room for.
func heatRow(node NodeHeat, span time.Duration) document.HeatRow {
	count := len(node.Shares)
	columns := min(count, maxColumns)
	row := document.HeatRow{Node: node.Node, Peak: "–", Label: fmt.Sprintf("Node %s: nothing is known.", node.Node)}
	if peak := slices.Max(node.Shares); peak >= 0 {
		row.Peak = figure.Share(peak)
		row.Label = fmt.Sprintf("Node %s: peak %s of the threshold.", node.Node, row.Peak)
	}
	var heats []document.Heat
	for i := range columns {
		highest := slices.Max(node.Shares[i*count/columns : (i+1)*count/columns])
		heat := document.Heat{Share: highest, Known: highest >= 0}
		what := "not known"
		if heat.Known {
			what = figure.Share(highest) + " of the threshold"
		}
		edge := func(i int) string { return figure.Clock(span * time.Duration(i) / time.Duration(columns)) }
		heat.Title = edge(i) + "–" + edge(i+1) + ": " + what
		heats = append(heats, heat)
	}
	row.SetCells(heats)
	return row
}

func plural(count int, one, many string) string {
	if count == 1 {
		return "1\u00a0" + one
	}
	return figure.Count(count) + "\u00a0" + many
}
