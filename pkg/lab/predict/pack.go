// SPDX-License-Identifier: Apache-2.0

package predict

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// pack puts every member on the first node that has its request left when it comes, and on a new one where none has. Members
// that come at the same step come in an order that the seed shuffles. Nothing is known of when they end or of what they hold.
func pack(members []member, capacity float64, seed uint64) []node {
	random := rand.New(rand.NewPCG(seed, 0))
	random.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	slices.SortStableFunc(members, func(a, b member) int { return cmp.Compare(a.first, b.first) })
	var nodes []node
	var free []float64
	var running []placed // by end
	for _, m := range members {
		gone := 0
		for ; gone < len(running) && running[gone].end <= m.first; gone++ {
			free[running[gone].node] += running[gone].request
		}
		running = running[gone:]
		at := slices.IndexFunc(free, func(left float64) bool { return left >= m.request })
		if at < 0 {
			at = len(nodes)
			nodes, free = append(nodes, node{}), append(free, capacity)
		}
		nodes[at].members = append(nodes[at].members, m)
		free[at] -= m.request
		p := placed{end: m.end, node: at, request: m.request}
		where, _ := slices.BinarySearchFunc(running, p, func(a, b placed) int { return cmp.Compare(a.end, b.end) })
		running = slices.Insert(running, where, p)
	}
	return nodes
}

// placed is a member that runs on a node.
type placed struct {
	end, node int
	request   float64
}
