// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

	"github.com/headroom-dev/headroom/pkg/plugins/nodeaffinity"
)

// mostExamples is how many nodes of a cause are named.
const mostExamples = 3

// group is a cause while its nodes are counted.
type group struct {
	Cause
	filter int // -1: PreFilter said no more than this
	nodes  []int
}

// causes groups the rejected nodes by the verdict that counts, the largest group first.
func (c *cycle) causes() []Cause {
	groups := map[string]*group{}
	for i := range c.results {
		if c.results[i].counts == nil {
			continue
		}
		j, plugin, reasons := c.cause(i)
		reason := strings.Join(plainReasons(reasons), " and ")
		key := plugin + "\x00" + reason
		if groups[key] == nil {
			groups[key] = &group{filter: j, Cause: Cause{
				Plugin: plugin, Reason: reason, Preemption: c.results[i].counts.Code() == fwk.Unschedulable,
			}}
		}
		groups[key].nodes = append(groups[key].nodes, i)
	}
	causes := make([]Cause, 0, len(groups))
	for _, group := range groups {
		causes = append(causes, c.describe(group))
	}
	slices.SortFunc(causes, func(a, b Cause) int {
		return cmp.Or(b.Nodes-a.Nodes, strings.Compare(a.Plugin, b.Plugin), strings.Compare(a.Reason, b.Reason))
	})
	return causes
}

// cause returns the filter, or -1, the plugin and the reasons for which the node at index i is rejected. A node that PreFilter
// left out is told by what the Filter of the same plugin says of it.
func (c *cycle) cause(i int) (j int, plugin string, reasons []string) {
	counts := c.results[i].counts
	if c.stopped == nil && counts.Plugin() != "" {
		return c.index(counts.Plugin()), counts.Plugin(), counts.Reasons()
	}
	if c.stopped != nil && !c.cutToNothing { // The framework then forgets what others cut.
		if j := c.index(c.stopped.Plugin()); j >= 0 && c.results[i].statuses[j] != nil {
			return j, c.stopped.Plugin(), c.results[i].statuses[j].Reasons()
		}
		return -1, counts.Plugin(), counts.Reasons()
	}
	for j := range c.filters {
		name := c.filters[j].Name()
		if leaves, cuts := c.cutBy[name]; cuts && !leaves.Has(c.name(i)) && c.results[i].statuses[j] != nil {
			return j, name, c.results[i].statuses[j].Reasons()
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.cutBy)) {
		if !c.cutBy[name].Has(c.name(i)) {
			return -1, name, counts.Reasons()
		}
	}
	return -1, counts.Plugin(), counts.Reasons()
}

func (c *cycle) index(plugin string) int {
	return slices.IndexFunc(c.filters, func(f filter) bool { return f.Name() == plugin })
}

// describe puts the nearest nodes first and says what they lack.
func (c *cycle) describe(g *group) Cause {
	cause := g.Cause
	cause.Nodes = len(g.nodes)
	type near struct {
		node, rejections int
		short            shortfall
	}
	all := make([]near, len(g.nodes))
	for at, i := range g.nodes {
		all[at] = near{node: i, rejections: c.rejections(i)}
		if g.filter >= 0 {
			all[at].short = c.shortfall(i, g.filter)
		}
		if all[at].rejections <= 1 {
			cause.Only++
		}
	}
	slices.SortFunc(all, func(a, b near) int {
		return cmp.Or(a.rejections-b.rejections, cmp.Compare(a.short.size, b.short.size), strings.Compare(c.name(a.node), c.name(b.node)))
	})
	for _, near := range all[:min(len(all), mostExamples)] {
		cause.Examples = append(cause.Examples, c.name(near.node))
	}
	cause.Missing, cause.Change = all[0].short.missing, all[0].short.change
	switch cause.Plugin {
	case nodeaffinity.Name, names.NodeAffinity:
		cause.Detail = c.advice()
	case names.PodTopologySpread:
		cause.Detail = c.skew()
	}
	return cause
}

// rejections is how many plugins reject the node, each for something of its own.
func (c *cycle) rejections(i int) int {
	count := 0
	for j, status := range c.results[i].statuses {
		if status != nil && !c.repeats(i, j) {
			count++
		}
	}
	return max(count, 1)
}

func (c *cycle) name(i int) string { return c.nodes[i].Node().Name }

func (c *cycle) advice() string {
	if diagnosis := c.diagnosis(); diagnosis != nil {
		return diagnosis.Advice()
	}
	return ""
}

// nearest returns the node that fewest plugins reject, and of those the one that lacks least.
func (c *cycle) nearest() *Nearest {
	best, fewest, least := -1, 0, 0.0
	for i := range c.results {
		if c.results[i].counts == nil {
			continue
		}
		rejections := c.rejections(i)
		if best >= 0 && rejections > fewest {
			continue
		}
		size := c.size(i)
		if best < 0 || cmp.Or(rejections-fewest, cmp.Compare(size, least), strings.Compare(c.name(i), c.name(best))) < 0 {
			best, fewest, least = i, rejections, size
		}
	}
	if best < 0 {
		return nil
	}
	nearest := &Nearest{Node: c.name(best)}
	for j, status := range c.results[best].statuses {
		if status == nil || c.repeats(best, j) {
			continue
		}
		short := c.shortfall(best, j)
		nearest.Missing = append(nearest.Missing, fmt.Sprintf("%s: %s", c.filters[j].Name(), short.missing))
		if short.change != "" {
			nearest.Change = append(nearest.Change, short.change)
		}
	}
	if len(nearest.Missing) == 0 {
		return nil
	}
	return nearest
}

// size is how far a node is from fitting, by all plugins that reject it.
func (c *cycle) size(i int) float64 {
	size := 0.0
	for j, status := range c.results[i].statuses {
		if status != nil && !c.repeats(i, j) {
			size += c.shortfall(i, j).size
		}
	}
	return size
}

// rejected returns the nodes that are not feasible, by name.
func (c *cycle) rejected() []Rejected {
	var all []Rejected
	for i := range c.results {
		if c.results[i].counts == nil {
			continue
		}
		node := Rejected{Node: c.name(i), Memory: c.nodeMemory(c.nodes[i])}
		counted, plugin, reasons := c.cause(i)
		node.Verdicts = append(node.Verdicts, PluginVerdict{plugin, c.results[i].counts.Code().String(), reasons})
		for j, status := range c.results[i].statuses {
			if status != nil && j != counted {
				node.Verdicts = append(node.Verdicts, PluginVerdict{c.filters[j].Name(), status.Code().String(), status.Reasons()})
			}
		}
		node.Requirements = c.requirements(c.nodes[i].Node())
		all = append(all, node)
	}
	slices.SortFunc(all, func(a, b Rejected) int { return strings.Compare(a.Node, b.Node) })
	return all
}
