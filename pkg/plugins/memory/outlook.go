// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"math"
	"sync/atomic"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
)

// outlook is what pods are expected to hold on a node in each hour of the day, as shares of the node's memory for pods. It
// never changes: another one takes its place when a pod comes or goes.
type outlook struct {
	hours [forecast.Hours]float64
	// added is what came with pods since the snapshot, less what went, in bytes.
	added [forecast.Hours]int64
}

// sums are an outlook's hours, their squares and their cubes, added up, and the fullest hour. By them a pod that holds the same
// all day is added to all hours at once. They are stored by one goroutine at a time and read by others meanwhile: those may
// see some of an outlook and the rest of the one before, which one pod tells apart.
type sums struct {
	hours, squares, cubes, most atomic.Uint32 // float32, exact to 2^-24
}

// store makes the sums those of the outlook.
func (s *sums) store(o *outlook) {
	var hours, squares, cubes, most float64
	for _, share := range o.hours {
		hours += share
		squares += share * share
		cubes += share * share * share
		most = max(most, share)
	}
	s.hours.Store(math.Float32bits(float32(hours)))
	s.squares.Store(math.Float32bits(float32(squares)))
	s.cubes.Store(math.Float32bits(float32(cubes)))
	s.most.Store(math.Float32bits(float32(most)))
}

// fullness is outlook.fullness for a pod that holds the same share in each hour: the binomial formula, added up.
func (s *sums) fullness(pod float64) float64 {
	cubes := load(&s.cubes) + pod*(3*load(&s.squares)+pod*(3*load(&s.hours)+forecast.Hours*pod))
	return cubes / forecast.Hours
}

// fullest is outlook.fullest for such a pod.
func (s *sums) fullest(pod float64) float64 { return load(&s.most) + pod }

func load(bits *atomic.Uint32) float64 { return float64(math.Float32frombits(bits.Load())) }

// fill makes the outlook from the node's expectation and what was added.
func (o *outlook) fill(node *ledger.Node) {
	if node.Thresholds.Pods <= 0 {
		return
	}
	per := 1 / float64(node.Thresholds.Pods)
	for hour := range o.hours {
		o.hours[hour] = max(float64(node.Expected[hour]+o.added[hour])*per, 0)
	}
}

// with returns the outlook with a pod's course more (sign +1) or less (-1).
func (o *outlook) with(node *ledger.Node, course forecast.Course, sign float64) *outlook {
	var change [forecast.Hours]float64
	course.AddTo(&change, sign)
	next := &outlook{added: o.added}
	for hour, bytes := range change {
		next.added[hour] += int64(bytes)
	}
	next.fill(node)
	return next
}

// fullness returns the mean of the cubes of the hours when a pod is added that holds so many bytes in them, each of them a share
// per.
func (o *outlook) fullness(pod *[forecast.Hours]float64, per float64) (cubes float64) {
	for hour := range pod {
		share := o.hours[hour] + pod[hour]*per
		cubes += share * share * share
	}
	return cubes / forecast.Hours
}

// fullest returns the fullest of the hours with such a pod.
func (o *outlook) fullest(pod *[forecast.Hours]float64, per float64) (most float64) {
	for hour := range pod {
		most = max(most, o.hours[hour]+pod[hour]*per)
	}
	return most
}
