// SPDX-License-Identifier: Apache-2.0

package comparison

import "slices"

// policy is how a policy looks wherever it is shown: the style sheet has a class policy-N for each.
type policy struct {
	Class int
	Name  string
}

// palette has the policies that have a look of their own, by class. Others take what follows.
func palette() []string {
	return []string{
		reference, "headroom-pack", "least-allocated", "most-allocated", "load-variation", "low-risk", "target-load-memory",
		"koordinator-like", "crane-like", "clairvoyant", "bound",
	}
}

// classes is how many looks the style sheet has.
const classes = 14

// policies are those of the comparison, by class.
func policies(c *Comparison) []policy {
	known := palette()
	var found []policy
	add := func(name string) {
		if name == "" || slices.ContainsFunc(found, func(p policy) bool { return p.Name == name }) {
			return
		}
		class := slices.Index(known, name)
		if class < 0 {
			others := 0
			for _, p := range found {
				if !slices.Contains(known, p.Name) {
					others++
				}
			}
			class = len(known) + others%(classes-len(known))
		}
		found = append(found, policy{Class: class, Name: name})
	}
	for _, curve := range c.Curves {
		add(curve.Policy)
	}
	for _, d := range c.Paired {
		add(d.Policy)
	}
	for _, story := range c.Stories {
		add(story.Policy)
	}
	slices.SortStableFunc(found, func(a, b policy) int { return a.Class - b.Class })
	return found
}

// classOf is the look of a policy.
func classOf(all []policy, name string) int {
	for _, p := range all {
		if p.Name == name {
			return p.Class
		}
	}
	return classes - 1
}
