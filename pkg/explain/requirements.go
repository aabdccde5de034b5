// SPDX-License-Identifier: Apache-2.0

package explain

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/constraint"
)

// requirements returns what the pod asks of the node's labels and name, and what the node has.
func (c *cycle) requirements(node *corev1.Node) []Requirement {
	if c.required == nil {
		return nil
	}
	checks := c.required.Explain(node)
	requirements := make([]Requirement, len(checks))
	for i, check := range checks {
		requirements[i] = Requirement{Path: check.Path, Wanted: check.Wanted, Met: check.Met}
		if check.Alternative != constraint.Selector {
			requirements[i].Alternative = new(check.Alternative)
		}
		if check.Present {
			requirements[i].Found = new(check.Found)
		}
	}
	return requirements
}

// unmet returns the requirements that the node would have to meet: those of the node selector that it does not, and of the
// alternative of which it lacks least.
func (c *cycle) unmet(node *corev1.Node) []Requirement {
	var selector []Requirement
	byAlternative := map[int][]Requirement{}
	met, best := false, -1
	var order []int
	for _, requirement := range c.requirements(node) {
		if requirement.Alternative == nil {
			if !requirement.Met {
				selector = append(selector, requirement)
			}
			continue
		}
		alternative := *requirement.Alternative
		if _, known := byAlternative[alternative]; !known {
			byAlternative[alternative] = nil
			order = append(order, alternative)
		}
		if !requirement.Met {
			byAlternative[alternative] = append(byAlternative[alternative], requirement)
		}
	}
	for _, alternative := range order {
		lacking := len(byAlternative[alternative])
		met = met || lacking == 0
		if best < 0 || lacking < len(byAlternative[best]) {
			best = alternative
		}
	}
	if met || best < 0 {
		return selector
	}
	return append(selector, byAlternative[best]...)
}

// diagnosis says of all nodes what stands in the way of how many, and likely mistakes.
func (c *cycle) diagnosis() *constraint.Diagnosis {
	if c.required == nil {
		return nil
	}
	nodes := make([]*corev1.Node, len(c.nodes))
	for i := range c.nodes {
		nodes[i] = c.nodes[i].Node()
	}
	index := constraint.NewIndex()
	index.Sync(nodes)
	return constraint.Diagnose(c.required, nil, index)
}
