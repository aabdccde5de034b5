// SPDX-License-Identifier: Apache-2.0

// Package ledger keeps the book of what each node holds now: its last sample plus the part of every pod's demand that the
// sample does not show yet.
//
// A Snapshot is immutable. It is made off the scheduling path and read on it: finding a node is one map look-up, the rest
// is integers.
package ledger

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

// State says how far a node's figures can be trusted.
type State uint8

const (
	// Absent: no sample of the node, or no memory figures in its status. Nothing is known.
	Absent State = iota
	// Stale: there is a sample, but it is too old.
	Stale
	// Fresh: the figures hold.
	Fresh
)

// String returns the state's name in lower case.
func (s State) String() string {
	switch s {
	case Fresh:
		return "fresh"
	case Stale:
		return "stale"
	default:
		return "absent"
	}
}

// Node is one node's line in the book. All figures are bytes; but for Name, State and Thresholds they mean something only
// if State is Fresh.
type Node struct {
	Name       string
	State      State
	SampleTime time.Time
	Thresholds threshold.Thresholds

	// MeasuredLeft is left until the first eviction signal by what was measured alone.
	MeasuredLeft int64
	// Left is MeasuredLeft less what pods asked for that the sample does not show yet. Signal names the signal that
	// binds.
	Left   int64
	Signal threshold.Signal
	// ForecastLeft is Left less what every pod on the node is still expected to grow until its peak.
	ForecastLeft int64
}

// Pod is what the book holds of one pod, in bytes.
type Pod struct {
	// Node is the index of the pod's node in the snapshot.
	Node int
	// Measured is the part of the node's measured figures that is this pod's, 0 if it is not known.
	Measured int64
	// Counted is what Left holds for the pod, and Peak what ForecastLeft does.
	Counted, Peak int64
}

// Snapshot is the book at one moment.
type Snapshot struct {
	Nodes []Node
	// Degraded is true when too few nodes are fresh: then requests decide on every node.
	Degraded bool
	// NotFresh is the number of nodes that are stale or absent.
	NotFresh int

	index map[string]int
	pods  map[types.UID]Pod
}

// Index returns the position of the named node in Nodes, or -1.
func (s *Snapshot) Index(node string) int {
	if i, ok := s.index[node]; ok {
		return i
	}
	return -1
}

// Pod returns what the book holds of a pod that is bound to a node.
func (s *Snapshot) Pod(uid types.UID) (Pod, bool) {
	pod, ok := s.pods[uid]
	return pod, ok
}

// Options says how the book is kept.
type Options struct {
	// FreshFor is the age up to which a sample is trusted.
	FreshFor time.Duration
	// WarmUp is the time after a pod became ready until which it counts for at least its request.
	WarmUp time.Duration
	// EvictionHardBytes is the hard eviction threshold assumed for every kubelet.
	EvictionHardBytes int64
	// MaxNotFreshPercent is the share of nodes that are not fresh above which the snapshot is Degraded. 0 to 100.
	MaxNotFreshPercent int
	// Prior estimates what pods will hold.
	Prior forecast.Prior
}
