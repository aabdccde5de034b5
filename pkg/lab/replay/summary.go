// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/headroom-dev/headroom/pkg/lab/report/comparison"
)

// mostPending is the time that a pod may wait on average, in hours, for its policy to be compared: one that leaves pods waiting
// ends few.
const mostPending = 0.01

// reference is the policy that the others are compared with.
const reference = "headroom"

// Summarize puts results into a comparison: rows, curves over nodes, and differences to headroom at equal nodes.
func Summarize(c *comparison.Comparison, results []Result) {
	groups := Groups(results)
	for _, result := range results {
		c.Results = append(c.Results, comparison.Row{
			Trace: result.Trace, Scenario: result.Scenario, Policy: result.Policy, Nodes: result.Nodes, Seed: result.Seed,
			PodHours: result.PodHours, Evictions: result.Evictions, OOMKills: result.OOMKills, PendingHours: result.PendingHours,
			Unplaced: result.Unplaced, NodeUseP50: result.NodeUseP50, NodeUseP99: result.NodeUseP99,
		})
	}
	for i := range groups {
		g := &groups[i]
		rate := g.Rate()
		point := comparison.CurvePoint{Nodes: g.Nodes, Mean: rate.Mean, Low: rate.Low, High: rate.High, Unknown: rate.Unknown, Waits: g.PendingPerPod() > mostPending}
		addPoint(c, g, point)
		if g.Policy == reference {
			continue
		}
		for j := range groups {
			other := &groups[j]
			if other.Policy != reference || other.Trace != g.Trace || other.Scenario != g.Scenario || other.Nodes != g.Nodes {
				continue
			}
			if d, ok := g.Against(other); ok {
				c.Paired = append(c.Paired, comparison.Difference{
					Trace: g.Trace, Scenario: g.Scenario, Policy: g.Policy, Nodes: g.Nodes, Mean: d.Mean, Low: d.Low, High: d.High, Unknown: d.Unknown,
					Waits: g.PendingPerPod() > mostPending || other.PendingPerPod() > mostPending,
				})
			}
		}
	}
}

func addPoint(c *comparison.Comparison, g *Group, point comparison.CurvePoint) {
	for i := range c.Curves {
		if curve := &c.Curves[i]; curve.Trace == g.Trace && curve.Scenario == g.Scenario && curve.Policy == g.Policy {
			curve.Points = append(curve.Points, point)
			slices.SortFunc(curve.Points, func(a, b comparison.CurvePoint) int { return cmp.Compare(a.Nodes, b.Nodes) })
			return
		}
	}
	c.Curves = append(c.Curves, comparison.Curve{Trace: g.Trace, Scenario: g.Scenario, Policy: g.Policy, Points: []comparison.CurvePoint{point}})
}

// StoryOf is a story as the page shows it, with its worst nodes.
func StoryOf(story *Story) comparison.Story {
	const worst, told = 3, 4
	shown := comparison.Story{Trace: story.Result.Trace, Scenario: story.Result.Scenario, Policy: story.Result.Policy, Seed: story.Result.Seed, Span: story.Span}
	for i, node := range story.Nodes {
		shown.Nodes = append(shown.Nodes, comparison.NodeHeat{Node: node.Name, Shares: node.Shares})
		if i >= worst || len(node.Ends) == 0 {
			continue
		}
		words := strings.Join(node.Ends[:min(told, len(node.Ends))], ". ") + "."
		if more := len(node.Ends) - told; more > 0 {
			words += fmt.Sprintf(" And %d more.", more)
		}
		shown.Worst = append(shown.Worst, comparison.WorstNode{Node: node.Name, Evictions: node.Evictions, OOMKills: node.OOMKills, Words: words})
	}
	slices.SortFunc(shown.Nodes, func(a, b comparison.NodeHeat) int { return cmp.Compare(a.Node, b.Node) })
	return shown
}

// Print writes a table of the results, one line for each policy in each setting.
func Print(out io.Writer, results []Result) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SCENARIO\tNODES\tPOLICY\tPER 1000 POD-HOURS\t95 %\tEVICTIONS\tOOM KILLS\tPENDING h/POD\tUNPLACED\tUSE p50\tp99")
	for _, g := range Groups(results) {
		rate := g.Rate()
		var evictions, kills, unplaced, p50, p99 []float64
		for _, result := range g.Results {
			evictions, kills = append(evictions, float64(result.Evictions)), append(kills, float64(result.OOMKills))
			unplaced, p50, p99 = append(unplaced, float64(result.Unplaced)), append(p50, result.NodeUseP50), append(p99, result.NodeUseP99)
		}
		waits := ""
		if g.PendingPerPod() > mostPending {
			waits = " waits"
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%.2f\t%s\t%.1f\t%.1f\t%.4f%s\t%.1f\t%.0f %%\t%.0f %%\n", g.Scenario, g.Nodes, g.Policy,
			rate.Mean, rate.text(), meanOf(evictions), meanOf(kills), g.PendingPerPod(), waits, meanOf(unplaced), 100*meanOf(p50), 100*meanOf(p99))
	}
	return table.Flush()
}
