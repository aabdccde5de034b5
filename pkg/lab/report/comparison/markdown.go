// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headroom-dev/headroom/pkg/lab/marked"
	"github.com/headroom-dev/headroom/pkg/lab/wholefile"
)

// part is the name of a comparison's part of a Markdown page, and image that of its plot.
func part(name string) string  { return "replay " + name }
func image(name string) string { return "replay-" + name + ".svg" }

// CheckMarkdown says whether a Markdown page has a part for a comparison of that name.
func CheckMarkdown(path, name string) error { return marked.Check(path, part(name)) }

// WriteMarkdown writes the tables into the part of that name of a Markdown page, and the plot of each curve, where there are
// such, beside the page into images.
func WriteMarkdown(path, name string, c *Comparison) error {
	if err := c.validate(); err != nil {
		return fmt.Errorf("comparison: %w", err)
	}
	if err := CheckMarkdown(path, name); err != nil {
		return err
	}
	text := Markdown(c)
	if plot := Plot(c); plot != "" {
		folder := filepath.Join(filepath.Dir(path), "images")
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if err := wholefile.Write(filepath.Join(folder, image(name)), []byte(plot)); err != nil {
			return err
		}
		text = fmt.Sprintf("![Evictions and OOM kills by number of nodes, one line for each policy](images/%s)\n\n%s", image(name), text)
	}
	return marked.Replace(path, part(name), text)
}

// Markdown has a table for each scenario that was played with several numbers of nodes, and one for all others together. Where
// kernels kill more than kubelets evict, a second one has the kills alone.
func Markdown(c *Comparison) string {
	var tables []string
	var single [][]Curve
	for _, curves := range settings(c) {
		if len(nodeCounts(curves)) == 1 {
			single = append(single, curves)
			continue
		}
		tables = append(tables, byNodes(curves, func(curve Curve, p CurvePoint) string { return cell(curve, p, best(curves, p.Nodes)) }))
		if c.mostlyKilled(curves) {
			tables = append(tables, "OOM kills in a run:\n\n"+byNodes(curves, func(curve Curve, p CurvePoint) string {
				return fmt.Sprintf("%.1f", c.kills(curve, p.Nodes))
			}))
		}
	}
	if len(single) > 0 {
		tables = append(tables, byScenario(single))
	}
	return strings.Join(tables, "\n")
}

// settings are the curves of each trace and scenario, in their order.
func settings(c *Comparison) [][]Curve {
	var all [][]Curve
	for _, curve := range c.Curves {
		i := slices.IndexFunc(all, func(curves []Curve) bool {
			return curves[0].Trace == curve.Trace && curves[0].Scenario == curve.Scenario
		})
		if i < 0 {
			all, i = append(all, nil), len(all)
		}
		all[i] = append(all[i], curve)
	}
	return all
}

// byNodes has a row for each policy: what ends fewest with most nodes first, and those last that know what none can know.
func byNodes(curves []Curve, text func(Curve, CurvePoint) string) string {
	nodes := nodeCounts(curves)
	var b strings.Builder
	b.WriteString("| policy |")
	for _, count := range nodes {
		fmt.Fprintf(&b, " %d nodes |", count)
	}
	b.WriteString("\n|---|" + strings.Repeat("--:|", len(nodes)) + "\n")
	for _, curve := range ranked(curves) {
		fmt.Fprintf(&b, "| `%s` |", curve.Policy)
		for _, count := range nodes {
			if i := slices.IndexFunc(curve.Points, func(p CurvePoint) bool { return p.Nodes == count }); i >= 0 {
				b.WriteString(" " + text(curve, curve.Points[i]))
			}
			b.WriteString(" |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// byScenario has a row for each setting and a column for each policy.
func byScenario(settings [][]Curve) string {
	var policies []string
	for _, curves := range settings {
		for _, curve := range ranked(curves) {
			if !slices.Contains(policies, curve.Policy) {
				policies = append(policies, curve.Policy)
			}
		}
	}
	var b strings.Builder
	b.WriteString("| scenario | nodes |")
	for _, policy := range policies {
		fmt.Fprintf(&b, " `%s` |", policy)
	}
	b.WriteString("\n|---|--:|" + strings.Repeat("--:|", len(policies)) + "\n")
	for _, curves := range settings {
		nodes := nodeCounts(curves)[0]
		fmt.Fprintf(&b, "| `%s` | %d |", curves[0].Scenario, nodes)
		for _, policy := range policies {
			if i := slices.IndexFunc(curves, func(curve Curve) bool { return curve.Policy == policy }); i >= 0 {
				b.WriteString(" " + cell(curves[i], curves[i].Points[0], best(curves, nodes)))
			}
			b.WriteString(" |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// ranked sorts by the mean with most nodes.
func ranked(curves []Curve) []Curve {
	last := func(curve Curve) float64 { return curve.Points[len(curve.Points)-1].Mean }
	return slices.SortedStableFunc(slices.Values(curves), func(a, b Curve) int {
		switch {
		case isBound(a.Policy) != isBound(b.Policy):
			if isBound(a.Policy) {
				return 1
			}
			return -1
		case last(a) != last(b) && last(a) < last(b):
			return -1
		case last(a) != last(b):
			return 1
		}
		return 0
	})
}

// cell is a rate with its interval: in italics where pods waited for too long to compare it, bold where it is the best.
func cell(curve Curve, p CurvePoint, best float64) string {
	text := fmt.Sprintf("%s (%s-%s)", rate(p.Mean), rate(p.Low), rate(p.High))
	switch {
	case p.Waits:
		return "*" + text + "*"
	case p.Mean == best && !isBound(curve.Policy):
		return "**" + text + "**"
	}
	return text
}

// best is the lowest mean with so many nodes of those that are compared, -1 if there is none.
func best(curves []Curve, nodes int) float64 {
	lowest := -1.0
	for _, curve := range curves {
		for _, p := range curve.Points {
			if p.Nodes == nodes && !p.Waits && !isBound(curve.Policy) && (lowest < 0 || p.Mean < lowest) {
				lowest = p.Mean
			}
		}
	}
	return lowest
}

// mostlyKilled reports whether more pods were killed than evicted.
func (c *Comparison) mostlyKilled(curves []Curve) bool {
	kills, evictions := 0, 0
	for i := range c.Results {
		if row := &c.Results[i]; row.Trace == curves[0].Trace && row.Scenario == curves[0].Scenario {
			kills, evictions = kills+row.OOMKills, evictions+row.Evictions
		}
	}
	return kills > evictions
}

// kills is the mean number of OOM kills in a run of a curve with so many nodes.
func (c *Comparison) kills(curve Curve, nodes int) float64 {
	kills, runs := 0, 0
	for i := range c.Results {
		row := &c.Results[i]
		if row.Trace == curve.Trace && row.Scenario == curve.Scenario && row.Policy == curve.Policy && row.Nodes == nodes {
			kills, runs = kills+row.OOMKills, runs+1
		}
	}
	return float64(kills) / float64(max(runs, 1))
}
