// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"cmp"
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

// WriteMarkdown writes the tables, and of how many runs of which commit they are, into the part of that name of a Markdown page, and the plot of each curve, where there are
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
	return marked.Replace(path, part(name), text+"\n"+provenance(c))
}

// provenance says what the tables are made from, and what of a trace is not played.
func provenance(c *Comparison) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s of commit %s.", plural(len(c.Results), "run", "runs"), cmp.Or(c.Commit, "unknown"))
	for _, fact := range c.Traces {
		if fact.Name == LeftOut {
			text.WriteString(" " + fact.Value + ".")
		}
	}
	return text.String() + "\n"
}

// Markdown has a table for each scenario that was played with several numbers of nodes, and one for all others together. After each comes
// one of differences to the reference, where others were played with the same seeds. Where kernels kill more than kubelets evict, another
// one has the kills alone. The figures are those of the page's tables.
func Markdown(c *Comparison) string {
	all := policies(c)
	var tables []string
	var single []table
	var first []Curve // of each single table
	played := settings(c)
	for _, curves := range played {
		rates := ranked(newTable(curves, nodeCounts(curves), all), curves)
		if len(rates.Nodes) == 1 {
			single, first = append(single, rates), append(first, curves[0])
			continue
		}
		title := ""
		if len(played) > 1 {
			title = "`" + curves[0].Scenario + "`:\n\n"
		}
		tables = append(tables, title+byNodes(rates, func(row tableRow, i int) string { return row.Cells[i].markdown() }))
		if paired := c.paired(curves[0], rates); len(paired.Rows) > 0 {
			tables = append(tables, pairedTitle+byNodes(paired, func(row tableRow, i int) string {
				return c.pairedCell(curves[0], row.Name, rates.Nodes[i])
			}))
		}
		if c.mostlyKilled(curves) {
			tables = append(tables, "OOM kills in a run:\n\n"+byNodes(rates, func(row tableRow, i int) string {
				return c.kills(curves[0].Trace, curves[0].Scenario, row.Name, rates.Nodes[i])
			}))
		}
	}
	return strings.Join(append(tables, c.singles(first, single)...), "\n")
}

// singles are the tables of those that have one number of nodes each, of the trace and scenario of these curves.
func (c *Comparison) singles(curves []Curve, tables []table) []string {
	if len(tables) == 0 {
		return nil
	}
	texts := []string{byScenario(curves, tables, func(_ int, row tableRow) string { return row.Cells[0].markdown() })}
	var known []Curve
	var paired []table
	for i, rates := range tables {
		if differences := c.paired(curves[i], rates); len(differences.Rows) > 0 {
			known, paired = append(known, curves[i]), append(paired, differences)
		}
	}
	if len(paired) > 0 {
		texts = append(texts, pairedTitle+byScenario(known, paired, func(at int, row tableRow) string {
			return c.pairedCell(known[at], row.Name, paired[at].Nodes[0])
		}))
	}
	return texts
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

// byNodes has a row for each policy.
func byNodes(rates table, text func(row tableRow, i int) string) string {
	var b strings.Builder
	b.WriteString("| policy |")
	for _, nodes := range rates.Nodes {
		fmt.Fprintf(&b, " %d nodes |", nodes)
	}
	b.WriteString("\n|---|" + strings.Repeat("--:|", len(rates.Nodes)) + "\n")
	for _, row := range rates.Rows {
		fmt.Fprintf(&b, "| `%s` |", escaped(row.Name))
		for i := range rates.Nodes {
			b.WriteString(cell(text(row, i)))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// byScenario has a row for each table, which has one number of nodes, and a column for each policy.
func byScenario(curves []Curve, tables []table, text func(at int, row tableRow) string) string {
	var names []string
	for _, rates := range tables {
		for _, row := range rates.Rows {
			if !slices.Contains(names, row.Name) {
				names = append(names, row.Name)
			}
		}
	}
	var b strings.Builder
	b.WriteString("| scenario | nodes |")
	for _, name := range names {
		fmt.Fprintf(&b, " `%s` |", escaped(name))
	}
	b.WriteString("\n|---|--:|" + strings.Repeat("--:|", len(names)) + "\n")
	for at, rates := range tables {
		fmt.Fprintf(&b, "| `%s` | %d |", escaped(curves[at].Scenario), rates.Nodes[0])
		for _, name := range names {
			told := ""
			if i := slices.IndexFunc(rates.Rows, func(row tableRow) bool { return row.Name == name }); i >= 0 {
				told = text(at, rates.Rows[i])
			}
			b.WriteString(cell(told))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// escaped is a name within a table, where a line ends a cell, also in code.
func escaped(name string) string { return strings.ReplaceAll(name, "|", `\|`) }

// cell is the text of a cell and the end of it.
func cell(text string) string {
	if text == "" {
		return " |"
	}
	return " " + text + " |"
}

// ranked sorts the rows of a table of curves: what ends fewest with most nodes first, and those last that know what none can know.
func ranked(rates table, curves []Curve) table {
	last := map[string]float64{}
	for _, curve := range curves {
		last[curve.Policy] = curve.Points[len(curve.Points)-1].Mean
	}
	knows := func(row tableRow) int {
		if isBound(row.Name) {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(rates.Rows, func(a, b tableRow) int {
		return cmp.Or(knows(a)-knows(b), cmp.Compare(last[a.Name], last[b.Name]))
	})
	return rates
}

// markdown is a rate with its interval: in italics where pods waited for too long to compare it, bold where it is the best. It is
// "" where the policy was not run.
func (c tableCell) markdown() string {
	if c.Mean == "" {
		return ""
	}
	text := c.Mean
	if c.Interval != noInterval {
		text += fmt.Sprintf(" (%s)", c.Interval)
	}
	switch {
	case c.Waits:
		return "*" + text + "*"
	case c.Best:
		return "**" + text + "**"
	}
	return text
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

// kills is the mean number of OOM kills in a run, "" where there was none.
func (c *Comparison) kills(trace, scenario, policy string, nodes int) string {
	kills, runs := 0, 0
	for i := range c.Results {
		row := &c.Results[i]
		if row.Trace == trace && row.Scenario == scenario && row.Policy == policy && row.Nodes == nodes {
			kills, runs = kills+row.OOMKills, runs+1
		}
	}
	if runs == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", float64(kills)/float64(runs))
}
