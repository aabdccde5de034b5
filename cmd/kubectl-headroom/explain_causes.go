// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/headroom-dev/headroom/pkg/explain"
)

// causes tells who rejects how many nodes, and what would have to change.
func (t placementText) causes(p *page, causes []explain.Cause, brief bool) {
	if len(causes) == 0 {
		return
	}
	p.gap()
	rejected := 0
	for _, cause := range causes {
		rejected += cause.Nodes
	}
	p.line("%s", p.paint(bold, fmt.Sprintf("Rejected: %s of %d", counted(rejected, "node"), t.placement.Counts.Nodes)))
	for _, cause := range causes {
		p.paragraph(fmt.Sprintf("%5d  ", cause.Nodes), cause.Plugin+": "+cause.Reason)
		examples := strings.Join(cause.Examples, ", ")
		if more := cause.Nodes - len(cause.Examples); more > 0 {
			examples += fmt.Sprintf(" and %d more", more)
		}
		p.paragraph("       on       ", examples)
		if brief {
			continue
		}
		if cause.Missing != "" && cause.Missing != cause.Reason {
			p.paragraph("       missing  ", cause.Missing)
		}
		if cause.Change != "" {
			p.paragraph("       change   ", cause.Change)
		}
		if cause.Detail != "" {
			p.paragraph("       note     ", cause.Detail)
		}
	}
}

func (t placementText) nearest(p *page) {
	nearest := t.placement.Nearest
	if nearest == nil {
		return
	}
	p.gap()
	p.paragraph("Nearest: ", fmt.Sprintf("%s, which lacks %s.", nearest.Node, strings.Join(nearest.Missing, "; ")))
	if len(nearest.Change) > 0 {
		p.paragraph("To change: ", strings.Join(nearest.Change, "; ")+".")
	}
	if preemption := t.placement.Preemption; preemption != nil {
		p.paragraph("Preemption: ", preemption.Text+".")
	}
}
