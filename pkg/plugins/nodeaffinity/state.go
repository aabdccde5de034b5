// SPDX-License-Identifier: Apache-2.0

package nodeaffinity

import (
	"fmt"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/constraint"
)

const (
	preFilterStateKey = "PreFilter" + Name
	preScoreStateKey  = "PreScore" + Name
)

// preFilterState is what one scheduling cycle knows of the pod's constraints.
type preFilterState struct {
	required *constraint.Required
	refused  bool // PreFilter refused the pod
	narrowed bool // PreFilter left nodes out
	// named is how many nodes there are of those that the pod names, if that is all it asks and the search was narrowed to them.
	named    int
	rejected atomic.Bool // Filter rejected a node for the pod's constraints
	// reasons are the texts of Filter by what was missed, made when they are first needed.
	reasons []atomic.Pointer[string]
}

func newPreFilterState(required *constraint.Required) *preFilterState {
	return &preFilterState{required: required, reasons: make([]atomic.Pointer[string], min(required.Misses(), mostReasons))}
}

// mostReasons is how many reasons Filter has for a pod: events count nodes by text, and have room for few. The last one is
// for all requirements that come later.
const mostReasons = 4

// reason returns why a node does not match. Nodes that miss the same have the same reason.
func (s *preFilterState) reason(miss constraint.Miss) string {
	at := &s.reasons[min(int(miss), len(s.reasons)-1)]
	if text := at.Load(); text != nil {
		return *text
	}
	text := ErrReasonPod + ": "
	if more := s.required.Misses() - mostReasons; more > 0 && int(miss) >= mostReasons-1 {
		text += fmt.Sprintf("one of %d more requirements", more+1)
	} else {
		text += s.required.MissText(miss)
	}
	at.Store(&text)
	return text
}

// mostWords is how many bytes Filter's reasons and PostFilter's words share: an event holds 1,024, of which others need some.
const mostWords = 750

// left returns how many bytes of an event Filter's reasons leave to PostFilter.
func (s *preFilterState) left() int {
	const count, least = len("15000 , "), 150
	left := mostWords
	for i := range s.reasons {
		if text := s.reasons[i].Load(); text != nil {
			left -= len(*text) + count
		}
	}
	return max(left, least)
}

// Clone returns the state itself: it does not depend on other pods.
func (s *preFilterState) Clone() fwk.StateData { return s }

// stateOf returns what PreFilter wrote, or makes it where PreFilter is disabled.
func (pl *NodeAffinity) stateOf(cycleState fwk.CycleState, pod *corev1.Pod) *preFilterState {
	if state, ok := pl.preFiltered.Read(cycleState); ok {
		return state
	}
	return newPreFilterState(constraint.CompileRequired(pod))
}

type preScoreState struct{ preferred *constraint.Preferred }

// Clone returns the state itself: it does not depend on other pods.
func (s *preScoreState) Clone() fwk.StateData { return s }

// preferredOf returns what PreScore compiled, or compiles it where PreScore is disabled.
func (pl *NodeAffinity) preferredOf(cycleState fwk.CycleState, pod *corev1.Pod) (*constraint.Preferred, error) {
	if state, ok := pl.preScored.Read(cycleState); ok {
		return state.preferred, nil
	}
	return constraint.CompilePreferred(constraint.PreferredTerms(pod))
}
