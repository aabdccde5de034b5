// SPDX-License-Identifier: Apache-2.0

package nodeaffinity

import (
	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/constraint"
)

const (
	preFilterStateKey = "PreFilter" + Name
	preScoreStateKey  = "PreScore" + Name
)

type preFilterState struct{ required *constraint.Required }

// Clone returns the state itself: it does not depend on other pods.
func (s *preFilterState) Clone() fwk.StateData { return s }

// requiredOf returns what PreFilter compiled, or compiles it where PreFilter is disabled.
func (pl *NodeAffinity) requiredOf(cycleState fwk.CycleState, pod *corev1.Pod) *constraint.Required {
	if state, ok := pl.preFiltered.Read(cycleState); ok {
		return state.required
	}
	return constraint.CompileRequired(pod)
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
