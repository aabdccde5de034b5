// SPDX-License-Identifier: Apache-2.0

package predict

import (
	"fmt"
	"math"
	"time"

	"github.com/headroom-dev/headroom/pkg/lab/trace"
)

// fleet is a trace on equal steps, packed onto nodes.
type fleet struct {
	// step is the distance of steps, whole seconds.
	step time.Duration
	// steps is their number.
	steps int
	nodes []node
	// leftOut counts series that no node can take; unsampled those of which nothing is known, and which are on no node.
	leftOut, unsampled int
}

// node is one node and what is ever on it.
type node struct{ members []member }

// member is a series on a node.
type member struct {
	name, workload string
	// request is the memory request in bytes.
	request float64
	// first is the step of its first sample, end the one after its last: there it is gone.
	first, end int
	// bytes is what it holds at each step from first to end: whole numbers, so that sums up to 2^53 are exact.
	bytes []float64
}

// newFleet puts a trace on steps and packs it onto nodes of so many bytes.
func newFleet(t *trace.Trace, nodeBytes int64, seed uint64) (*fleet, error) {
	seconds := max(math.Round(t.Step), 1)
	f := &fleet{step: time.Duration(seconds) * time.Second, steps: int(math.Ceil(float64(t.Window) / seconds))}
	const most = 1 << 20
	if f.steps > most {
		return nil, fmt.Errorf("trace %s: %d s in steps of %g s are more than the %d steps that can be played", t.Name, t.Window, seconds, most)
	}
	var members []member
	for i := range t.Series {
		s := &t.Series[i]
		switch {
		case len(s.Times) == 0:
			f.unsampled++
		case s.RequestBytes > nodeBytes:
			f.leftOut++
		default:
			members = append(members, f.member(s, seconds))
		}
	}
	f.nodes = pack(members, float64(nodeBytes), seed)
	if len(f.nodes) == 0 {
		return nil, fmt.Errorf("trace %s: none of the %d series has samples and fits a node: want larger nodes", t.Name, len(t.Series))
	}
	return f, nil
}

// member puts a series on steps: a step holds the largest sample in it, or else the one before.
func (f *fleet) member(s *trace.Series, seconds float64) member {
	m := member{name: s.ID, workload: s.Extra[trace.WorkloadColumn], request: float64(s.RequestBytes)}
	stepOf := func(t float64) int { return min(int(t/seconds), f.steps-1) }
	m.first, m.end = stepOf(s.Times[0]), f.steps
	if s.End >= 0 {
		m.end = min(max(int(math.Ceil(s.End/seconds)), stepOf(s.Times[len(s.Times)-1])+1), f.steps)
	}
	m.bytes = make([]float64, m.end-m.first)
	next, held := 0, 0.0
	for i := range m.bytes {
		fresh := false
		for ; next < len(s.Times) && stepOf(s.Times[next]) <= m.first+i; next++ {
			bytes := float64(s.Bytes[next])
			if !fresh {
				held, fresh = bytes, true
			}
			held = max(held, bytes)
		}
		m.bytes[i] = held
	}
	return m
}

// in returns the number of steps in a duration, at least one.
func (f *fleet) in(d time.Duration) int { return max(int(d/f.step), 1) }

// perNode asks a predictor of single nodes for all of them.
func (f *fleet) perNode(predict func(n *node) []float64) [][]float64 {
	all := make([][]float64, len(f.nodes))
	for i := range f.nodes {
		all[i] = predict(&f.nodes[i])
	}
	return all
}

// present says that the member is on its node at a step.
func (m *member) present(step int) bool { return m.first <= step && step < m.end }
