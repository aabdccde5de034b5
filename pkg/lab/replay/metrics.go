// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"math"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// scrapeSeconds is the time between two measurements of a node (metrics-server: --metric-resolution 60s; its manifests 15s).
const scrapeSeconds = 15.0

const (
	quarterHour = 900.0
	hour        = 3_600.0
)

// visible returns the time of the latest measurement that is visible at a second, and whether there is any.
func (r *run) visible(second float64) (float64, bool) {
	taken := math.Floor((second-r.scenario.Lag.Seconds())/scrapeSeconds) * scrapeSeconds
	return taken, taken >= r.plan.from
}

// measurement is what metrics say of the nodes.
type measurement struct {
	taken float64
	known bool // anything was measured yet
	nodes []usage
}

// usage is what metrics say of one node, in bytes.
type usage struct {
	known  bool
	latest int64
	// quarter and deviation are mean and standard deviation of the last quarter of an hour; fiveMinutes is a mean; hour and
	// day are the most of those times.
	quarter, deviation, fiveMinutes float64
	hour, day                       int64
}

// measure returns what is visible at a second. It is the same until something newer is.
func (r *run) measure(second float64) *measurement {
	taken, known := r.visible(second)
	if r.measured != nil && (r.measured.taken == taken || !known) {
		return r.measured
	}
	if !known {
		r.measured = &measurement{taken: math.Inf(-1), nodes: make([]usage, len(r.cluster.nodes))}
		return r.measured
	}
	m := &measurement{taken: taken, known: true, nodes: make([]usage, len(r.cluster.nodes))}
	for _, p := range r.cluster.pods {
		if p.placed <= taken {
			m.nodes[p.node.index].latest += p.holds(taken)
		}
	}
	for _, p := range r.cluster.gone {
		if p.there(taken) {
			m.nodes[p.node.index].latest += p.holds(taken)
		}
	}
	for i := range m.nodes {
		n := &m.nodes[i]
		n.known = !r.missing(i, taken)
		// Between two steps memory may run in a straight line over what the node has: its kubelet and kernel act at steps.
		// No machine measures that.
		n.latest = min(n.latest, r.cluster.nodes[i].bytes)
		n.windows(r.cluster.nodes[i].marks, taken)
	}
	r.measured = m
	return m
}

// windows fills in what the marks of the past say at the time of the measurement.
func (u *usage) windows(marks []mark, taken float64) {
	sum, squares, count := float64(u.latest), float64(u.latest)*float64(u.latest), 1.0
	five, fives := float64(u.latest), 1.0
	u.hour, u.day = u.latest, u.latest
	for _, mark := range slices.Backward(marks) {
		age := taken - mark.second
		if age < 0 {
			continue
		}
		bytes := float64(mark.bytes)
		if age <= fiveMinutes {
			five, fives = five+bytes, fives+1
		}
		if age <= quarterHour {
			sum, squares, count = sum+bytes, squares+bytes*bytes, count+1
		}
		if age <= hour {
			u.hour = max(u.hour, mark.bytes)
		}
		if age <= daySeconds { // Marks are kept for longer.
			u.day = max(u.day, mark.bytes)
		}
	}
	u.fiveMinutes = five / fives
	u.quarter = sum / count
	u.deviation = math.Sqrt(max(squares/count-u.quarter*u.quarter, 0))
}

const fiveMinutes = 300.0

// missing says whether a node has no measurement of a time: by chance, but the same for all policies.
func (r *run) missing(node int, taken float64) bool {
	if r.scenario.MissingPercent == 0 {
		return false
	}
	x := mix(uint64(node)*0x9e3779b97f4a7c15 + uint64(taken)*0xbf58476d1ce4e5b9 + r.seed)
	return int(x%100) < r.scenario.MissingPercent
}

// mix scatters a number over all others.
func mix(x uint64) uint64 {
	x ^= x >> 31
	x *= 0x94d049bb133111eb
	return x ^ x>>29
}

// samples returns the same measurement as a source of Headroom's publishes it.
func (r *run) samples(m *measurement) *sample.Set {
	set := &sample.Set{Nodes: make(map[string]sample.Node, len(m.nodes)), Pods: make(map[types.NamespacedName]sample.Pod, len(r.cluster.pods))}
	if !m.known {
		return set
	}
	at := timeAt(m.taken)
	for i, n := range m.nodes {
		if n.known {
			set.Nodes[r.cluster.nodes[i].object.Name] = sample.Node{Measurement: sample.Measurement{Bytes: n.latest, Time: at}}
		}
	}
	add := func(p *pod) {
		if p.there(m.taken) && m.nodes[p.node.index].known {
			bytes := min(p.holds(m.taken), p.node.bytes)
			set.Pods[types.NamespacedName{Namespace: namespace, Name: p.object.Name}] = sample.Pod{Measurement: sample.Measurement{Bytes: bytes, Time: at}}
		}
	}
	for _, p := range r.cluster.pods {
		add(p)
	}
	for _, p := range r.cluster.gone {
		add(p)
	}
	return set
}

// mark remembers what nodes hold at a step, for a day or longer.
func (r *run) mark(second float64) {
	for _, n := range r.cluster.nodes {
		n.marks = append(n.marks, mark{second, n.held()})
		first := 0
		for n.marks[first].second < second-daySeconds {
			first++
		}
		if first > 4096 || first > len(n.marks)/2 {
			n.marks = append([]mark(nil), n.marks[first:]...)
		}
	}
}
