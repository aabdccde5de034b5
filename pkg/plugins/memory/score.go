// SPDX-License-Identifier: Apache-2.0

package memory

import (
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/apis/config"
)

// The scale of 0 to 100 is cut in three, so that a node without a fresh sample never beats a fresh one with room, and is
// still better than one that is expected to run over.
const (
	overflowTop = 19 // 0..19: fresh, and expected to run over its threshold
	unknownTop  = 29 // 20..29: no fresh sample
	// 30..100: fresh, with room
)

// tightShare is the share of a node's memory at which room becomes dear: a node with so much room has lost half of what
// an empty one scores. Above it, a difference in room weighs little against other preferences; below it, it decides.
const tightShare = 0.15

// score ranks the node at index i of the book, 0 to 100: by what is expected to be left with the pod at its peak. Of a node
// of which nothing is known only the requests count; node may be nil for the others. With the soft filter, a node without
// room scores 0.
//
// A node that was short of memory a moment ago loses up to half of what sets it above the worst of its kind, and one where a
// pod of the same workload was ended for that loses all of it; both fade away.
func (s *cycleState) score(i int, node fwk.NodeInfo) int64 {
	if i < 0 {
		return scoreByRequests(node.GetRequested().GetMemory(), node.GetAllocatable().GetMemory())
	}
	line := &s.book.lines[i]
	if !line.fresh {
		score := scoreByRequests(node.GetRequested().GetMemory(), node.GetAllocatable().GetMemory())
		return avoid(score, overflowTop+1, s.away(i, line))
	}
	if s.mode == config.FilterSoft && s.judge(i) != fits {
		return fwk.MinScore
	}
	score := scoreByRoom(line.forecastLeft-line.peak.Load()-s.demand.PeakBytes, line.size)
	if score <= overflowTop {
		return avoid(score, fwk.MinScore, s.away(i, line))
	}
	return avoid(score, unknownTop+1, s.away(i, line))
}

// away is how much of a node's score is to be taken away, 0 to 1.
func (s *cycleState) away(i int, line *line) float64 {
	away := line.cooling / 2
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

// scoreByRoom scores a fresh node. room is what is expected to be left, in bytes, negative past the threshold; size is the
// memory for pods, in bytes.
func scoreByRoom(room, size int64) int64 {
	if size <= 0 {
		return fwk.MinScore
	}
	share := min(float64(room)/float64(size), 1)
	if room < 0 {
		return int64(overflowTop * (1 + max(share, -1)))
	}
	worth := share / (share + tightShare) * (1 + tightShare) // 0 to 1, steep where little is left
	return unknownTop + 1 + int64(float64(fwk.MaxScore-unknownTop-1)*worth)
}

// scoreByRequests scores a node of which nothing is known but what its pods request, in bytes.
func scoreByRequests(requested, allocatable int64) int64 {
	if allocatable <= 0 || requested >= allocatable {
		return overflowTop + 1
	}
	return overflowTop + 1 + int64((unknownTop-overflowTop-1)*(1-float64(requested)/float64(allocatable)))
}
