// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

const stateKey = Name

// cycleState is what one scheduling cycle knows: the book as it was when the cycle began, the pod's demand, and the pods
// that the framework put on nodes or took away since.
type cycleState struct {
	book    *book
	demand  forecast.Demand
	changes []change
}

// change is what AddPod and RemovePod did to one node, in bytes more than the book holds.
type change struct {
	node              int
	counted, measured int64
}

// Clone copies the changes, so that dry runs on different nodes do not see each other's.
func (s *cycleState) Clone() fwk.StateData {
	return &cycleState{book: s.book, demand: s.demand, changes: slices.Clone(s.changes)}
}

// held returns what the node holds beyond its line in the snapshot: reserved pods and this cycle's changes.
func (s *cycleState) held(node int) (counted, measured int64) {
	counted = s.book.reserved[node].counted.Load()
	for i := range s.changes {
		if s.changes[i].node == node {
			counted += s.changes[i].counted
			measured += s.changes[i].measured
		}
	}
	return counted, measured
}

// rejects reports whether this plugin rejected one of the nodes.
func (s *cycleState) rejects(pl *Memory, statuses fwk.NodeToStatusReader) bool {
	for i := range s.book.snapshot.Nodes {
		if status := statuses.Get(s.book.snapshot.Nodes[i].Name); status != nil && status.Plugin() == pl.Name() {
			return true
		}
	}
	return false
}

func stateOf(cycle fwk.CycleState) *cycleState {
	data, err := cycle.Read(stateKey)
	if err != nil {
		return nil
	}
	state, _ := data.(*cycleState)
	return state
}

func (pl *Memory) newState(pod *corev1.Pod) *cycleState {
	return &cycleState{book: pl.books.current(), demand: pl.prior.Demand(pod)}
}

// change adds (sign +1) or takes away (-1) what the book counts for the pod on the node. A pod that is not in the book yet,
// nominated or just reserved, counts for its request, as Reserve counts it.
func (pl *Memory) change(cycle fwk.CycleState, pod *corev1.Pod, nodeInfo fwk.NodeInfo, sign int64) *fwk.Status {
	state := stateOf(cycle)
	if state == nil {
		return nil
	}
	node := state.book.snapshot.Index(nodeInfo.Node().Name)
	if node < 0 {
		return nil
	}
	counted, measured := pl.prior.Demand(pod).RequestBytes, int64(0)
	if entry, ok := state.book.snapshot.Pod(pod.UID); ok && entry.Node == node {
		counted, measured = entry.Counted, entry.Measured
	}
	state.changes = append(state.changes, change{node: node, counted: sign * counted, measured: sign * measured})
	return nil
}
