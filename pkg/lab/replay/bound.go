// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"cmp"
	"context"
	"slices"
)

// bound estimates what is left to avoid by no placement: what pods have to go when all nodes together are too small, as if memory could
// be divided between nodes at will, the largest first. It chooses anew at every step, and a pod counts each time it has to go, also one
// that has only just come: a policy that lets it wait may end fewer.
func bound(ctx context.Context, wanted Run, plan *Plan) (Result, error) {
	result := Result{Trace: wanted.Trace, Scenario: wanted.Scenario.Name, Policy: wanted.Policy.Name, Nodes: wanted.Nodes, Seed: wanted.Seed, Pods: len(plan.lives)}
	room := int64(wanted.Nodes) * (wanted.NodeBytes - wanted.Scenario.evictionHard(wanted.NodeBytes))
	out := make([]bool, len(plan.lives))
	indices := make([]int, len(plan.lives))
	held := make([]int64, len(plan.lives))
	order := make([]int, 0, len(plan.lives))
	uses := &histogram{}
	for second := plan.from; second < plan.to; second += plan.step {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		var sum int64
		order = order[:0]
		for i, l := range plan.lives {
			if second < l.start || second >= l.end {
				out[i] = false
				continue
			}
			held[i], indices[i] = l.at(second, indices[i])
			sum += held[i]
			order = append(order, i)
		}
		running := len(order)
		if sum > room {
			slices.SortFunc(order, func(a, b int) int { return cmp.Compare(held[b], held[a]) })
		}
		for _, i := range order {
			if sum <= room {
				out[i] = false
				continue
			}
			sum -= held[i]
			running--
			if !out[i] {
				result.Evictions++
			}
			out[i] = true
		}
		result.PodHours += float64(running) * plan.step / 3600
		result.PendingHours += float64(len(order)-running) * plan.step / 3600
		uses.add(float64(sum) / float64(int64(wanted.Nodes)*wanted.NodeBytes))
	}
	result.NodeUseP50, result.NodeUseP99 = uses.quantile(0.5), uses.quantile(0.99)
	return result, nil
}
