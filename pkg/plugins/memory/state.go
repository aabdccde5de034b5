// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"slices"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
)

const stateKey = Name

// cycleState is what one scheduling cycle knows: the book as it was when the cycle began, the pod's demand, and the pods
// that the framework put on nodes or took away since.
type cycleState struct {
	book      *book
	version   uint64 // of the books, when the cycle began
	positions *positions
	nodes     []fwk.NodeInfo // that are scored
	demand    forecast.Demand
	// course is what the pod is expected to hold in each hour of the day, and nowBytes what it is to hold in this one. flat: it is
	// the same in each.
	course   [forecast.Hours]float64
	flat     bool
	nowBytes int64
	packTo   float64 // the share up to which nodes are filled; 0: they are not
	priority int32   // below which pods may be preempted for the pod
	// nominated is the node that the pod was nominated to, by its index plus one; 0: none. Pods may be ending there for it.
	nominated int
	mode      config.FilterMode
	cooling   []ledger.Cooling
	changes   []change
	fitsAll   bool // but for changes, every node has room for the pod
	// rejected has a bit for each verdict by which a node was rejected. It is shared with copies of the state: Filter gets
	// one for a node to which pods are nominated.
	rejected *atomic.Uint32
	shadow   *shadow // nil unless in shadow mode
}

// change is what AddPod and RemovePod did to one node, in bytes more than the book holds.
type change struct {
	pod               types.UID
	node              int
	counted, measured int64
}

// Clone copies the changes, so that dry runs on different nodes do not see each other's.
func (s *cycleState) Clone() fwk.StateData {
	copied := *s
	copied.changes = slices.Clone(s.changes)
	return &copied
}

// counted returns what the node is counted for beyond its line in the snapshot: reserved pods and this cycle's changes.
func (s *cycleState) counted(node int) int64 {
	counted := s.book.lines[node].counted.Load()
	for i := range s.changes {
		if s.changes[i].node == node {
			counted += s.changes[i].counted
		}
	}
	return counted
}

// measured returns the part of counted that was measured.
func (s *cycleState) measured(node int) int64 {
	measured := s.book.asides[node].measured.Load()
	for i := range s.changes {
		if s.changes[i].node == node {
			measured += s.changes[i].measured
		}
	}
	return measured
}

func (pl *Memory) newState(pod *corev1.Pod, mode config.FilterMode, nodes []fwk.NodeInfo) *cycleState {
	pl.books.noteAsked()
	version := pl.books.version.Load() // first: what is given back in between is in the book
	book := pl.books.current()
	state := &cycleState{
		book: book, version: version, positions: book.positionsOf(nodes), demand: pl.estimator.Demand(pod), mode: mode, packTo: pl.packTo,
		priority: ledger.PreemptorPriority(pod), rejected: &atomic.Uint32{},
	}
	if name := pod.Status.NominatedNodeName; name != "" {
		state.nominated = book.snapshot.Index(name) + 1
	}
	course := state.demand.Course(0)
	course.AddTo(&state.course, 1)
	state.flat = course.Even()
	state.nowBytes = max(state.demand.FirmBytes, int64(state.course[forecast.HourOf(book.snapshot.Time)]))
	state.fitsAll = book.leastLeft.Load() >= state.demand.FirmBytes
	if book.snapshot.AnyCooling() {
		state.cooling = book.snapshot.Cooling(forecast.WorkloadOf(pod))
	}
	if pl.shadow {
		state.shadow = &shadow{}
	}
	return state
}

// takenAway returns what was taken away for a pod that was removed and not added again.
func (s *cycleState) takenAway(pod types.UID) (last change, ok bool) {
	for i := range s.changes {
		if s.changes[i].pod == pod {
			last, ok = s.changes[i], !ok
		}
	}
	return last, ok
}

// change adds (sign +1) or takes away (-1) what is counted for the pod on the node, and adds again just what was taken away. A pod that is
// nominated counts for what it firmly asks for, as Reserve counts it. One that the book has is there unless it was taken away:
// preemption for a group takes its victims off the nodes without a word, and adds them one by one
// (k8s.io/kubernetes pkg/scheduler/framework/preemption/podgrouppreemption.go).
func (pl *Memory) change(cycle fwk.CycleState, pod *corev1.Pod, nodeInfo fwk.NodeInfo, sign int64) *fwk.Status {
	state, ok := pl.latest.Read(cycle)
	if !ok {
		return nil
	}
	node := state.book.find(state.positions, nodeInfo)
	if node < 0 {
		return nil
	}
	if sign < 0 {
		counted, measured := pl.countedFor(state, pod.UID, node)
		state.changes = append(state.changes, change{pod: pod.UID, node: node, counted: -counted, measured: -measured})
		return nil
	}
	if taken, ok := state.takenAway(pod.UID); ok {
		state.changes = append(state.changes, change{pod: pod.UID, node: taken.node, counted: -taken.counted, measured: -taken.measured})
		return nil
	}
	if entry, ok := state.book.snapshot.Pod(pod.UID); ok && entry.Node == node {
		return nil
	}
	state.changes = append(state.changes, change{pod: pod.UID, node: node, counted: pl.estimator.Demand(pod).FirmBytes})
	return nil
}

// countedFor returns what is counted for a pod on a node of the book, in bytes, and the part of it that was measured: what its end would give
// back. Nothing is for one that has left already, and for one that somebody else gave to the node since the book was made.
func (pl *Memory) countedFor(state *cycleState, pod types.UID, node int) (counted, measured int64) {
	if pl.books.hasDeparted(pod) {
		return 0, 0
	}
	if entry, ok := state.book.snapshot.Pod(pod); ok && entry.Node == node {
		if entry.InNode || entry.Earlier { // Nobody knows how much of the node's sample it is: its end is no promise.
			return 0, 0
		}
		return entry.Counted, entry.Measured
	}
	return pl.books.reservedOn(pod, state.book.snapshot.Nodes[node].Name), 0
}
