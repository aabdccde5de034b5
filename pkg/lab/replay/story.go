// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Story is a run seen node by node.
type Story struct {
	Result Result
	Span   time.Duration
	Nodes  []NodeStory
}

// NodeStory is what happened on one node.
type NodeStory struct {
	Name string
	// Shares are what the node held at most in each stretch of the run, before its kubelet and kernel ended pods, as shares of what it
	// may hold before its kubelet evicts.
	Shares              []float64
	Evictions, OOMKills int
	// Ends are the pods that were ended for want of memory, in words, in the order of time.
	Ends []string
}

// stretches is how finely a story tells of memory.
const stretches = 240

// Tell plays a run as Play does, and tells its story.
func Tell(ctx context.Context, wanted Run, plan *Plan) (Story, error) {
	r := newRun(wanted, plan)
	defer r.close()
	if err := r.prepare(ctx, wanted.Policy); err != nil {
		return Story{}, err
	}
	nodes := make([]NodeStory, len(r.cluster.nodes))
	for i, n := range r.cluster.nodes {
		nodes[i] = NodeStory{Name: n.object.Name, Shares: make([]float64, stretches)}
	}
	r.moved = func(second float64) {
		stretch := min(int((second-plan.from)/(plan.to-plan.from)*stretches), stretches-1)
		for i, n := range r.cluster.nodes {
			held := float64(min(n.held(), n.bytes)) / n.allocatable()
			nodes[i].Shares[stretch] = max(nodes[i].Shares[stretch], held)
		}
	}
	r.story = func(n *node, second float64, p *pod, what string) {
		node := &nodes[n.index]
		if what == oomKilled {
			node.OOMKills++
		} else {
			node.Evictions++
		}
		node.Ends = append(node.Ends, fmt.Sprintf("day %d %s: %s %s, which held %.1f GiB and requests %.1f GiB",
			int(second/daySeconds), timeAt(second).Format("15:04"), p.life.id, what, gib(p.bytes), gib(p.life.request)))
	}
	if err := r.play(ctx); err != nil {
		return Story{}, err
	}
	slices.SortStableFunc(nodes, func(a, b NodeStory) int { return cmp.Compare(b.Evictions+b.OOMKills, a.Evictions+a.OOMKills) })
	return Story{Result: r.result, Span: time.Duration((plan.to - plan.from) * float64(time.Second)), Nodes: nodes}, nil
}

func gib(bytes int64) float64 { return float64(bytes) / (1 << 30) }
