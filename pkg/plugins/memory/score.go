// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"math"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// The scale of 0 to 100 is cut in three, so that a node without a fresh sample never beats a fresh one with room, and is
// still better than one that is expected to run over.
const (
	overflowTop = 19 // 0..19: fresh, and expected to run over its threshold
	noRoomTop   = 9  // 0..9: fresh, and without room for the pod now, which the soft filter lets pass
	unknownTop  = 29 // 20..29: no fresh sample
	// 30..100: fresh, with room

	// finePerPoint is how many fine steps are in each point of the common scale: nodes differ by less than a point, and stretch
	// tells them apart.
	finePerPoint = 1_000
	// leastUnknown and leastWithRoom are the lowest fine scores of the upper two parts, and roomPoints how many points the last one has.
	leastUnknown  = (overflowTop + 1) * finePerPoint
	leastWithRoom = (unknownTop + 1) * finePerPoint
	roomPoints    = fwk.MaxScore - unknownTop - 1
)

// score ranks the node at index i of the book, 0 to 100 in fine steps: by what is expected to be left with the pod at its peak. Of a node
// without a fresh sample, and of all while the book is degraded, only what is expected counts, by what was learned; where that is
// not enough, the requests, by which the node scores byRequests. With the soft filter, a node without room scores by how little is missing.
//
// A node that was short of memory a moment ago loses up to half of what sets it above the worst of its kind, and one where a
// pod of the same workload was ended for that loses all of it; both fade away.
func (s *cycleState) score(i int, byRequests int64) int64 {
	if i < 0 {
		return byRequests
	}
	line, lowest := &s.book.lines[i], int64(leastWithRoom)
	var score int64
	switch snapshot := s.book.snapshot; {
	case (!line.fresh || snapshot.Degraded) && !snapshot.Foreseen: // PreScore, where it is enabled, skips all of it while the book is degraded.
		score, lowest = byRequests, leastUnknown
	case !line.fresh && !snapshot.Degraded:
		score, lowest = unknown(s.scoreByStrategy(line, i)), leastUnknown
	case s.mode == config.FilterSoft && !snapshot.Degraded && s.judge(i) != fits:
		score, lowest = scoreWithoutRoom(s.demand.FirmBytes-(line.left-s.counted(i)), line.size), fwk.MinScore
	default:
		if score = s.scoreByStrategy(line, i); score <= overflowTop*finePerPoint {
			lowest = fwk.MinScore
		}
	}
	return avoid(score, lowest, s.away(i, line))
}

// scoreAll replaces the scores by requests by those of score. Nodes are found and fetched some at a time before any is scored: what
// takes time is to wait for memory, and it answers many questions in the time of one.
func (s *cycleState) scoreAll(scores fwk.NodeScoreList) {
	var at [64]int
	trail := trail{book: s.book, known: s.positions}
	for first := 0; first < len(scores); first += len(at) {
		some := scores[first:min(first+len(at), len(scores))]
		for i := range some {
			// Whoever normalizes scores of other nodes than PreScore was told of has them found by name.
			if n := first + i; n < len(s.nodes) && s.nodes[n].Node().Name == some[i].Name {
				at[i] = trail.find(s.nodes[n])
			} else {
				at[i] = s.book.snapshot.Index(some[i].Name)
			}
		}
		s.book.fetch(at[:len(some)], s.flat)
		for i := range some {
			some[i].Score = s.score(at[i], some[i].Score)
		}
	}
}

func (s *cycleState) scoreByStrategy(line *line, i int) int64 {
	dayCubed, now := s.fullness(line, i)
	if s.packTo > 0 {
		return scoreByPacking(dayCubed, now, s.fullest(line, i, now), s.packTo)
	}
	return scoreByFullness(dayCubed, now)
}

// unknown brings the score of a node by what is expected to the part of the scale for nodes without a fresh sample.
func unknown(score int64) int64 {
	return leastUnknown + max(score-leastWithRoom, 0)*(unknownTop-overflowTop-1)/roomPoints
}

// away is how much of a node's score is to be taken away, 0 to 1.
func (s *cycleState) away(i int, line *line) float64 {
	away := float64(line.cooling) / 2
	for _, cooling := range s.cooling {
		if cooling.Node == i {
			away = max(away, cooling.Share)
		}
	}
	return away
}

// avoid takes a share away from what a score has above the lowest of its kind: a node that is known to have room stays above
// one of which nothing is known.
func avoid(score, lowest int64, away float64) int64 {
	if away == 0 {
		return score
	}
	return score - int64(away*float64(score-lowest))
}

// fullness returns how full the node would be with the pod, as shares of its memory for pods: over the day ahead, and now. The
// day's is the mean of the cubes of its hours, so that an hour that is full weighs more than many that are not, and pods that
// peak at the same time are kept apart. Where no sample is to be used, now is what is expected of this hour.
func (s *cycleState) fullness(line *line, i int) (dayCubed, now float64) {
	if line.size <= 0 {
		return math.Inf(1), math.Inf(1)
	}
	per := 1 / float64(line.size)
	if s.flat {
		dayCubed = line.sums.fullness(s.course[0] * per)
	} else {
		dayCubed = s.book.asides[i].outlook.Load().fullness(&s.course, per)
	}
	if !line.fresh || s.book.snapshot.Degraded {
		hour := forecast.HourOf(s.book.snapshot.Time)
		return dayCubed, s.book.asides[i].outlook.Load().hours[hour] + s.course[hour]*per
	}
	return dayCubed, float64(line.held+s.counted(i)+s.nowBytes) * per
}

// fullest returns the larger of now, as fullness returns it, and the fullest hour of the day ahead.
func (s *cycleState) fullest(line *line, i int, now float64) float64 {
	if line.size <= 0 {
		return math.Inf(1)
	}
	per := 1 / float64(line.size)
	if s.flat {
		return max(now, line.sums.fullest(s.course[0]*per))
	}
	return max(now, s.book.asides[i].outlook.Load().fullest(&s.course, per))
}

// scoreByFullness scores a fresh node by its fullness in the day ahead and now, in fine steps. Half of it is what is measured:
// what is expected is often wrong, and a node that is full now has no room whatever is expected of it. The exponent is that of
// the day's mean.
func scoreByFullness(dayCubed, now float64) int64 {
	if dayCubed > 1 || now > 1 {
		return int64(overflowTop * finePerPoint * max(2-max(math.Cbrt(dayCubed), now), 0))
	}
	now = max(now, 0)
	full := math.Cbrt((dayCubed + now*now*now) / 2)
	return leastWithRoom + int64(float64(roomPoints*finePerPoint)*(1-full))
}

// leastLacking is what a node may lack without a difference, and what another one may lack more, in bytes.
const leastLacking = 64 << 20

// scoreWithoutRoom scores a fresh node that lacks so many bytes of its memory for pods for the pod, in fine steps. The scale is of
// doublings: nodes of many GiB that lack little are to be told apart, and there are few points for it.
func scoreWithoutRoom(lacking, size int64) int64 {
	if size <= 0 || lacking >= size {
		return fwk.MinScore
	}
	share := 1 - math.Log2(1+float64(max(lacking, 0))/leastLacking)/math.Log2(1+float64(size)/leastLacking)
	return min(int64((noRoomTop+1)*finePerPoint*share), (noRoomTop+1)*finePerPoint-1)
}

// scoreByPacking scores a fresh node for filling nodes up to a target, in fine steps: below it the fuller the better, in the
// upper half of what nodes with room have; above it as scoreByFullness does, in the lower half.
func scoreByPacking(dayCubed, now, most, target float64) int64 {
	score := scoreByFullness(dayCubed, now)
	if score < leastWithRoom {
		return score
	}
	const half = roomPoints * finePerPoint / 2
	if most > target {
		return leastWithRoom + (score-leastWithRoom)/2
	}
	return fwk.MaxScore*finePerPoint - half + int64(float64(half)*max(most, 0)/target)
}

// leastSpread is the difference in fullness that is worth the whole of the scale for nodes with room. A larger one is
// stretched to it, a smaller one is not: where all nodes are alike, the other plugins decide.
const leastSpread = 0.1

// stretch brings fine scores to the common scale: the emptiest node with room gets 100, the others less by how much
// fuller they are. The parts of the scale stay what they are.
func stretch(scores fwk.NodeScoreList) {
	best, worst := int64(math.MinInt64), int64(math.MaxInt64)
	for i := range scores {
		if score := scores[i].Score; score >= leastWithRoom {
			best, worst = max(best, score), min(worst, score)
		}
	}
	spread := max(float64(best-worst), leastSpread*float64(roomPoints)*finePerPoint)
	for i := range scores {
		if score := scores[i].Score; score >= leastWithRoom {
			scores[i].Score = fwk.MaxScore - int64(float64(roomPoints)*float64(best-score)/spread)
		} else {
			scores[i].Score = score / finePerPoint
		}
	}
}

// byRequests scores a node of which nothing is known but what its pods request.
func byRequests(node fwk.NodeInfo) int64 {
	return scoreByRequests(node.GetRequested().GetMemory(), node.GetAllocatable().GetMemory())
}

// scoreByRequests is that in bytes.
func scoreByRequests(requested, allocatable int64) int64 {
	if allocatable <= 0 || requested >= allocatable {
		return leastUnknown
	}
	return leastUnknown + int64((unknownTop-overflowTop-1)*finePerPoint*(1-float64(requested)/float64(allocatable)))
}
