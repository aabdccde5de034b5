// SPDX-License-Identifier: Apache-2.0

package predict

import (
	"cmp"
	"slices"
)

// requests is what the members present at each step request.
func (n *node) requests(steps int) []float64 {
	return n.sum(steps, func(m *member) []float64 {
		request := make([]float64, len(m.bytes))
		for i := range request {
			request[i] = m.request
		}
		return request
	})
}

// held is what the members hold at each step.
func (n *node) held(steps int) []float64 {
	return n.sum(steps, func(m *member) []float64 { return m.bytes })
}

// sum adds up a figure of each member for each of its steps.
func (n *node) sum(steps int, of func(m *member) []float64) []float64 {
	sums := make([]float64, steps)
	for i := range n.members {
		m := &n.members[i]
		for j, value := range of(m) {
			sums[m.first+j] += value
		}
	}
	return sums
}

// alignedPeak is, at each step, the largest sum over the last window steps that the members present now held together: the
// past of the node as they alone would have made it. In a step before its life a member counts as absent.
func (n *node) alignedPeak(steps, window int) []float64 {
	peaks := make([]float64, steps)
	sums := n.held(steps)
	byEnd := make([]*member, len(n.members))
	for i := range n.members {
		byEnd[i] = &n.members[i]
	}
	slices.SortFunc(byEnd, func(a, b *member) int { return cmp.Compare(a.end, b.end) })
	// From one end to the next the same members are to be summed: those that began meanwhile add nothing to steps before.
	for from, gone := 0, 0; from < steps; {
		for ; gone < len(byEnd) && byEnd[gone].end <= from; gone++ {
			for j, bytes := range byEnd[gone].bytes {
				sums[byEnd[gone].first+j] -= bytes
			}
		}
		to := steps
		if gone < len(byEnd) {
			to = byEnd[gone].end
		}
		begin := max(from-window+1, 0)
		copy(peaks[from:to], slidingMax(sums[begin:to], window)[from-begin:])
		from = to
	}
	return peaks
}

// oracle is, at each step, the largest sum over the next horizon steps and this one of the members present now.
func (n *node) oracle(steps, horizon int) []float64 {
	peaks := make([]float64, steps)
	sums := make([]float64, steps)
	byFirst := make([]*member, len(n.members))
	for i := range n.members {
		byFirst[i] = &n.members[i]
	}
	slices.SortFunc(byFirst, func(a, b *member) int { return cmp.Compare(a.first, b.first) })
	// From one begin to the next the same members are to be summed: those that ended meanwhile add nothing to steps behind.
	for from, come := 0, 0; from < steps; {
		for ; come < len(byFirst) && byFirst[come].first <= from; come++ {
			for j, bytes := range byFirst[come].bytes {
				sums[byFirst[come].first+j] += bytes
			}
		}
		to := steps
		if come < len(byFirst) {
			to = byFirst[come].first
		}
		end := min(to+horizon, steps)
		ahead := slices.Clone(sums[from:end])
		slices.Reverse(ahead)
		largest := slidingMax(ahead, horizon+1)
		slices.Reverse(largest)
		copy(peaks[from:to], largest)
		from = to
	}
	return peaks
}
