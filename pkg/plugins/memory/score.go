// SPDX-License-Identifier: Apache-2.0

package memory

import fwk "k8s.io/kube-scheduler/framework"

// The scale of 0 to 100 is cut in three, so that a node without a fresh sample never beats a fresh one with room, and is
// still better than one that is expected to run over.
const (
	overflowTop = 39 // 0..39: fresh, and expected to run over its threshold
	unknownTop  = 49 // 40..49: no fresh sample
	// 50..100: fresh, with room
)

// scoreByRoom scores a fresh node. room is what is expected to be left, in bytes, negative past the threshold; size is the
// memory for pods, in bytes.
func scoreByRoom(room, size int64) int64 {
	if size <= 0 {
		return fwk.MinNodeScore
	}
	share := float64(room) / float64(size)
	if room < 0 {
		return int64(overflowTop * (1 + max(share, -1)))
	}
	return unknownTop + 1 + int64((float64(fwk.MaxNodeScore)-unknownTop-1)*min(share, 1))
}

// scoreByRequests scores a node of which nothing is known but what its pods request, in bytes.
func scoreByRequests(requested, allocatable int64) int64 {
	if allocatable <= 0 || requested >= allocatable {
		return overflowTop + 1
	}
	return overflowTop + 1 + int64((unknownTop-overflowTop-1)*(1-float64(requested)/float64(allocatable)))
}
