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
	known bool
	// taken is when the node was measured last, in seconds.
	taken  float64
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
	for i := range m.nodes {
		m.nodes[i].taken, m.nodes[i].known = r.scraped(i, taken)
	}
	for _, p := range slices.Concat(r.cluster.pods, r.cluster.gone) {
		if n := &m.nodes[p.node.index]; p.there(n.taken) {
			n.latest += p.holds(n.taken)
		}
	}
	for i := range m.nodes {
		n := &m.nodes[i]
		// Between two steps memory may run in a straight line over what the node has: its kubelet and kernel act at steps.
		// No machine measures that.
		n.latest = min(n.latest, r.cluster.nodes[i].bytes)
		n.windows(r.cluster.nodes[i], n.taken)
	}
	r.measured = m
	return m
}

// windows fills in what the marks of the past say at the time of the measurement. Memory moves in a straight line from one to the next, and
// on to what is held at last; means over it are what scrapes every few seconds would add up to. It looks at
// marks of the last hour alone, and may not be asked for a time before one that it was asked for.
func (u *usage) windows(n *node, taken float64) {
	five, quarter := span{from: taken - fiveMinutes}, span{from: taken - quarterHour}
	u.hour, u.day = u.latest, max(u.latest, n.most.at(n.marks, taken))
	later := point{taken, float64(u.latest)}
	for _, mark := range slices.Backward(n.marks) {
		age := taken - mark.second
		if age < 0 {
			continue
		}
		earlier := point{mark.second, float64(mark.bytes)}
		five.add(earlier, later)
		quarter.add(earlier, later)
		later = earlier
		if age > hour { // The line from there on was the last that counts.
			break
		}
		u.hour = max(u.hour, mark.bytes)
	}
	u.fiveMinutes, _ = five.mean(u.latest)
	u.quarter, u.deviation = quarter.mean(u.latest)
}

const fiveMinutes = 300.0

// point is what was held at a second.
type point struct{ second, bytes float64 }

// span adds up a line since a second.
type span struct {
	from                  float64
	seconds, sum, squares float64 // how long, and the integrals of what was held and of its square
}

// add takes in a stretch of the line, or the part of it that is not before the span.
func (s *span) add(earlier, later point) {
	if later.second <= s.from {
		return
	}
	if earlier.second < s.from {
		earlier.bytes += (later.bytes - earlier.bytes) * (s.from - earlier.second) / (later.second - earlier.second)
		earlier.second = s.from
	}
	seconds := later.second - earlier.second
	s.seconds += seconds
	s.sum += seconds * (earlier.bytes + later.bytes) / 2
	s.squares += seconds * (earlier.bytes*earlier.bytes + earlier.bytes*later.bytes + later.bytes*later.bytes) / 3
}

// mean returns the mean and the standard deviation; of no time those of what is held now.
func (s *span) mean(now int64) (mean, deviation float64) {
	if s.seconds == 0 {
		return float64(now), 0
	}
	mean = s.sum / s.seconds
	return mean, math.Sqrt(max(s.squares/s.seconds-mean*mean, 0))
}

// keptSeconds is how long a node's measurement counts where the next ones are missing: as long as Koordinator's, and longer than a sample is
// fresh to Headroom, which looks at its time itself.
const keptSeconds = 180.0

// scraped returns when a node was measured last by a time, and whether that still counts.
func (r *run) scraped(node int, by float64) (taken float64, known bool) {
	for taken := by; taken >= r.plan.from && taken > by-keptSeconds; taken -= scrapeSeconds {
		if !r.missing(node, taken) {
			return taken, true
		}
	}
	return by, false
}

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

// samples returns the same measurement as a source of Headroom's publishes it: what a read lacks is kept from the one before (pkg/usage/merge.go).
func (r *run) samples(m *measurement) *sample.Set {
	set := &sample.Set{Nodes: make(map[string]sample.Node, len(m.nodes)), Pods: make(map[types.NamespacedName]sample.Pod, len(r.cluster.pods))}
	if !m.known {
		return set
	}
	for i, n := range m.nodes {
		if n.known {
			set.Nodes[r.cluster.nodes[i].object.Name] = sample.Node{Measurement: sample.Measurement{Bytes: n.latest, Time: timeAt(n.taken)}}
		}
	}
	add := func(p *pod) {
		if n := &m.nodes[p.node.index]; n.known && p.there(n.taken) {
			bytes := min(p.holds(n.taken), p.node.bytes)
			set.Pods[types.NamespacedName{Namespace: namespace, Name: p.object.Name}] = sample.Pod{Measurement: sample.Measurement{Bytes: bytes, Time: timeAt(n.taken)}}
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
