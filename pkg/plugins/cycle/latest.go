// SPDX-License-Identifier: Apache-2.0

// Package cycle finds what a plugin wrote into a scheduling cycle's CycleState without looking it up by name for each node.
package cycle

import (
	"sync/atomic"

	fwk "k8s.io/kube-scheduler/framework"
)

// Latest remembers the state of the cycle that began last, which is the one that nearly all calls are about: cycles come one
// after another. Copies of a CycleState, as nominated pods and preemption dry runs get them, are other objects and are
// looked up. It is safe for concurrent use.
type Latest[T fwk.StateData] struct {
	key   fwk.StateKey
	entry atomic.Pointer[entry[T]]
}

type entry[T fwk.StateData] struct {
	cycle fwk.CycleState
	state T
}

// NewLatest returns an empty Latest for states that are written under key.
func NewLatest[T fwk.StateData](key fwk.StateKey) *Latest[T] { return &Latest[T]{key: key} }

// Write writes the state into the cycle.
func (l *Latest[T]) Write(cycle fwk.CycleState, state T) {
	cycle.Write(l.key, state)
	l.entry.Store(&entry[T]{cycle: cycle, state: state})
}

// Read returns what was written into the cycle, or into the one that it is a copy of.
func (l *Latest[T]) Read(cycle fwk.CycleState) (state T, ok bool) {
	if latest := l.entry.Load(); latest != nil && latest.cycle == cycle {
		return latest.state, true
	}
	data, err := cycle.Read(l.key)
	if err != nil {
		return state, false
	}
	state, ok = data.(T)
	return state, ok
}
