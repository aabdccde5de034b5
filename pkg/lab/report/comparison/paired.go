// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"fmt"
	"slices"
)

// pairedTitle stands above a table of differences.
const pairedTitle = "More than `" + reference + "`, seed by seed, with 95 % intervals; **bold** where that leaves out 0:\n\n"

// paired returns a table with the rows of those policies of which a difference to the reference with the same seeds is known, but for those
// that know what none can know.
func (c *Comparison) paired(curve Curve, rates table) table {
	rows := slices.DeleteFunc(slices.Clone(rates.Rows), func(row tableRow) bool {
		return isBound(row.Name) || !slices.ContainsFunc(c.Paired, func(d Difference) bool { return d.of(curve, row.Name) })
	})
	return table{Nodes: rates.Nodes, Rows: rows}
}

// pairedCell is how many more a policy ends than the reference with so many nodes, or why that is not told; "" where it was not played.
func (c *Comparison) pairedCell(curve Curve, policy string, nodes int) string {
	for _, d := range c.Paired {
		if d.Nodes != nodes || !d.of(curve, policy) {
			continue
		}
		switch verdict := d.verdict(); verdict {
		case notCompared:
			return verdict
		case onePair:
			return signed(d.Mean)
		case noDifference:
			return fmt.Sprintf("%s (%s)", signed(d.Mean), d.interval())
		default:
			return fmt.Sprintf("**%s (%s)**", signed(d.Mean), d.interval())
		}
	}
	return ""
}

// of reports whether the difference is one of a policy to the reference, in the trace and scenario of the curve.
func (d Difference) of(curve Curve, policy string) bool {
	return d.Policy == policy && d.Trace == curve.Trace && d.Scenario == curve.Scenario && (d.Against == "" || d.Against == reference)
}
