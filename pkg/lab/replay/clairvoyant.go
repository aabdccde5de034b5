// SPDX-License-Identifier: Apache-2.0

package replay

import "math"

// clairvoyantJudge knows the future of every pod, and takes for each the node where the least memory will be too much, and of
// those the one whose fullest moment is the least full. It is greedy: it knows nothing of pods that come later, and moves none.
type clairvoyantJudge struct {
	everywhere
	// future is what each node's pods will hold at each step from now on, and pod what the one to be placed will, in bytes.
	future map[*node][]float64
	pod    map[*life][]float64
}

func newClairvoyant(r *run) *clairvoyantJudge {
	j := &clairvoyantJudge{future: map[*node][]float64{}, pod: map[*life][]float64{}}
	for _, n := range r.cluster.nodes {
		j.future[n] = make([]float64, j.steps(r))
	}
	r.placed = func(p *pod, sign int64) {
		for step, bytes := range j.of(r, p.life) {
			j.future[p.node][step] += float64(sign) * bytes
		}
	}
	return j
}

func (*clairvoyantJudge) steps(r *run) int {
	return int(math.Ceil((r.plan.to - r.plan.from) / r.plan.step))
}

// of returns what a life will hold at each step of the run, and 0 outside of it.
func (j *clairvoyantJudge) of(r *run, l *life) []float64 {
	if known := j.pod[l]; known != nil {
		return known
	}
	held, index := make([]float64, j.steps(r)), 0
	for step := range held {
		if second := r.plan.from + float64(step)*r.plan.step; second >= l.start && second < l.end {
			var bytes int64
			bytes, index = l.at(second, index)
			held[step] = float64(bytes)
		}
	}
	j.pod[l] = held
	return held
}

func (j *clairvoyantJudge) score(r *run, n *node, _ *usage, l *life) int64 {
	room, pod := n.allocatable(), j.of(r, l)
	now := int((r.now - r.plan.from) / r.plan.step)
	var most, over float64
	for step := max(now, 0); step < len(pod); step++ {
		sum := j.future[n][step] + pod[step]
		most = max(most, sum)
		over += max(sum-room, 0)
	}
	if over > 0 { // half of the scale, and the finer the less is over
		return int64(50 / (1 + over/room))
	}
	return 50 + int64(50*(1-most/room))
}
