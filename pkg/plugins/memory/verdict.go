// SPDX-License-Identifier: Apache-2.0

package memory

import fwk "k8s.io/kube-scheduler/framework"

const (
	// ErrReasonMeasured is the reason for a node whose measured memory leaves no room for the pod. Evicting pods can help, if enough of
	// them are of a lower priority.
	ErrReasonMeasured = "node(s) had too little memory left before eviction"
	// ErrReasonUnseen is the reason for a node whose memory is promised to pods that its sample does not show yet.
	ErrReasonUnseen = "node(s) had their memory promised to pods that are still starting"
	// ErrReasonTooSmall is the reason for a node that would have no room even if it gave up every pod that was measured.
	ErrReasonTooSmall = "node(s) had too little memory left before eviction, even without their pods"
	// ErrReasonGivenBack is why a pod that has preempted is to be judged once more before another victim goes.
	ErrReasonGivenBack = "memory was given back a moment ago and is to be counted first"
)

// The names of verdicts, as an Account and a metric have them.
const (
	VerdictFits = "fits"
	// VerdictMeasured: what was measured leaves no room.
	VerdictMeasured = "measured"
	// VerdictUnseen: what was measured would leave room; only pods that are still starting take it.
	VerdictUnseen = "unseen"
	// VerdictTooSmall: even without any pod that was measured there is no room.
	VerdictTooSmall = "too-small"
)

// verdict is what the Filter says of a node.
type verdict uint32

const (
	fits verdict = iota
	measured
	outranked // measured, and pods of a lower priority do not hold what is missing
	unseen
	tooSmall
	verdicts // how many there are
)

// reason is the verdict's name.
func (v verdict) reason() string {
	switch v {
	case fits:
		return VerdictFits
	case measured, outranked:
		return VerdictMeasured
	case unseen:
		return VerdictUnseen
	default:
		return VerdictTooSmall
	}
}

// status says whether preemption can help: nobody is preempted for what is only promised, or in vain.
func (v verdict) status() *fwk.Status {
	switch v {
	case fits:
		return nil
	case measured:
		return fwk.NewStatus(fwk.Unschedulable, ErrReasonMeasured)
	case outranked: // The node lacks the same: the histogram of reasons does not tell why nobody is preempted.
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReasonMeasured)
	case unseen:
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReasonUnseen)
	default:
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReasonTooSmall)
	}
}

// judge says whether the node at index i of the book has room for the pod. Of a node that is not in the book, or has no
// fresh sample, nothing is known: it passes. The node that the pod was nominated to is never one where preempting cannot help: preemption
// would look for other victims then, while those of there are ending (k8s.io/kubernetes
// pkg/scheduler/framework/plugins/defaultpreemption/default_preemption.go:461).
func (s *cycleState) judge(i int) verdict {
	if i < 0 || !s.book.lines[i].fresh {
		return fits
	}
	needed := s.demand.FirmBytes
	if s.book.lines[i].left-s.counted(i) >= needed {
		return fits
	}
	switch left := s.book.asides[i].measuredLeft - s.measured(i); {
	case left >= needed:
		return unseen
	case left+s.book.snapshot.Nodes[i].Removable.All() < needed:
		return tooSmall
	case i+1 != s.nominated && left+s.book.snapshot.Nodes[i].Removable.Below(s.priority) < needed:
		return outranked
	default:
		return measured
	}
}

// reject notes a verdict. Many workers share the note, and once is enough. Whether pods rank too high to be preempted is not told apart.
func (s *cycleState) reject(v verdict) {
	if v == outranked {
		v = measured
	}
	if bit := uint32(1) << v; s.rejected.Load()&bit == 0 {
		s.rejected.Or(bit)
	}
}

// rejections returns the verdicts by which nodes were rejected in this cycle.
func (s *cycleState) rejections() []verdict {
	noted := s.rejected.Load()
	if noted == 0 {
		return nil
	}
	var list []verdict
	for v := fits + 1; v < verdicts; v++ {
		if noted&(1<<v) != 0 {
			list = append(list, v)
		}
	}
	return list
}
