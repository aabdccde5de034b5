// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/headroom-dev/headroom/pkg/lab/report/document"
	"github.com/headroom-dev/headroom/pkg/lab/report/figure"
)

// page is what the template reads.
type page struct {
	Title, Headline string
	Outcome         []string
	Meta            []string
	Command         string
	Policies        []policy
	Traces          []tracePart
	Waits           bool
	Stories         []storyPart
	HeatLevels      []document.HeatLevel
	Predictors      []predictorPart
	Parameters      []Fact
	TraceFacts      []Fact
}

// tracePart is a trace with the charts of its scenarios.
type tracePart struct {
	Name   string
	Large  []chart
	Charts []chart
	// All are both.
	All []chart
}

// predictorPart is the predictors of one trace.
type predictorPart struct {
	Trace string
	Rows  []predictorRow
}

type predictorRow struct {
	Predictor, Horizon, Violation, Severity, Savings string
	// Bar is the savings in percent, 0 where there are none.
	Bar float64
	// Ours is true for the reference's own.
	Ours bool
}

// newPage expects a valid comparison.
func newPage(c *Comparison) page {
	all := policies(c)
	p := page{
		Title: cmp.Or(c.Title, "Policies compared"), Headline: headline(c.Paired), Outcome: outcome(c), Meta: meta(c),
		Command: c.Command, Policies: all, Traces: traces(c, all), Stories: stories(c, all), HeatLevels: document.HeatLevels(),
		Predictors: predictors(c.Predictors), Parameters: c.Parameters, TraceFacts: c.Traces,
	}
	for _, curve := range c.Curves {
		for _, point := range curve.Points {
			p.Waits = p.Waits || point.Waits
		}
	}
	return p
}

// traces groups the curves in the order of their first ones.
func traces(c *Comparison, all []policy) []tracePart {
	type key struct{ trace, scenario string }
	groups := map[key][]Curve{}
	var order []key
	for _, curve := range c.Curves {
		k := key{curve.Trace, curve.Scenario}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], curve)
	}
	paired := map[key][]Difference{}
	for _, d := range c.Paired {
		k := key{d.Trace, d.Scenario}
		paired[k] = append(paired[k], d)
	}
	var parts []tracePart
	index := map[string]int{}
	for _, k := range order {
		i, known := index[k.trace]
		if !known {
			i = len(parts)
			index[k.trace] = i
			parts = append(parts, tracePart{Name: k.trace})
		}
		one := newChart(groups[k], all, !known)
		one.Against = differences(paired[k], all)
		if known {
			parts[i].Charts = append(parts[i].Charts, one)
		} else {
			parts[i].Large = append(parts[i].Large, one)
		}
		parts[i].All = append(parts[i].All, one)
	}
	return parts
}

// outcome says what the headline leaves out.
func outcome(c *Comparison) []string {
	var lines []string
	for _, part := range []struct {
		count     int
		one, many string
	}{{len(c.Results), "run", "runs"}, {len(c.Curves), "curve", "curves"}, {len(c.Predictors), "forecast result", "forecast results"}} {
		if part.count > 0 {
			lines = append(lines, plural(part.count, part.one, part.many))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return []string{strings.Join(lines, ", ") + ". All of them are on this page, also those in which Headroom loses."}
}

func meta(c *Comparison) []string {
	var parts []string
	if c.Commit != "" {
		parts = append(parts, "commit "+c.Commit)
	}
	seeds := map[uint64]bool{}
	for _, row := range c.Results {
		seeds[row.Seed] = true
	}
	if len(seeds) > 0 {
		parts = append(parts, plural(len(seeds), "seed", "seeds"))
	}
	return parts
}

func predictors(rows []PredictorRow) []predictorPart {
	var parts []predictorPart
	index := map[string]int{}
	for _, row := range rows {
		i, known := index[row.Trace]
		if !known {
			i = len(parts)
			index[row.Trace] = i
			parts = append(parts, predictorPart{Trace: row.Trace})
		}
		parts[i].Rows = append(parts[i].Rows, predictorRow{
			Predictor: row.Predictor, Horizon: strconv.FormatFloat(row.HorizonHours, 'f', -1, 64) + " h",
			Violation: percent(row.Violation), Severity: percent(row.Severity), Savings: percent(row.Savings),
			Bar: document.Round(min(max(row.Savings, 0), 1)*100, 1), Ours: row.Predictor == reference,
		})
	}
	return parts
}

// percent has a decimal, and two where it is small: a violation of 1 % and one of 1.04 % are not the same.
func percent(share float64) string {
	switch {
	case share == 0:
		return figure.Share(0)
	case share > -0.1 && share < 0.1:
		return fmt.Sprintf("%.2f%%", share*100)
	}
	return fmt.Sprintf("%.1f%%", share*100)
}
