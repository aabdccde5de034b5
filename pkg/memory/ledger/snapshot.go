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
	"github.com/headroom-dev/headroom/pkg/memory/sample"
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
	// Unsupported: the node runs Windows, where memory has other rules. Nothing is known.
	Unsupported
)

// String returns the state's name in lower case.
func (s State) String() string {
	switch s {
	case Fresh:
		return "fresh"
	case Stale:
		return "stale"
	case Unsupported:
		return "unsupported"
	default:
		return "absent"
	}
}

// Node is one node's line in the book. All figures are bytes; but for Name, State, Thresholds, Requested, Problem and Cooling
// they mean something only if State is Fresh.
type Node struct {
	Name       string
	State      State
	SampleTime time.Time
	Thresholds threshold.Thresholds
	// Requested is what the node's pods request, as the scheduler counts it.
	Requested int64
	// Problem says what is wrong with the node's annotation threshold.EvictionHardAnnotation, if anything: it is not heeded.
	Problem string

	// NodeHeld and PodsHeld are the working sets that were measured: of the machine, and of its pods, by the kubepods
	// cgroup or else by the pods' own samples. What pods held that are gone since is taken off.
	NodeHeld, PodsHeld int64

	// Removable is how much of it could go with pods.
	Removable Removable

	// MeasuredLeft is left until the first eviction signal by what was measured alone.
	MeasuredLeft int64
	// Left is MeasuredLeft less what pods asked for that the sample does not show yet. Signal names the signal that
	// binds.
	Left   int64
	Signal threshold.Signal
	// Expected is what the node is expected to hold of the memory for pods, Thresholds.Pods, in each hour of the day (UTC):
	// what Left counts, with what every pod is expected to hold then instead of what is counted for it. Where State is not Fresh, and
	// on all nodes of a degraded snapshot, it is what the node's pods are expected to hold by what was learned of them and what they
	// ask for, and nothing else.
	Expected [forecast.Hours]int64
	// ForecastLeft is left in the fullest hour. It is more than Left where pods are known to hold less than they ask for.
	ForecastLeft int64

	// Cooling is 1 while the node is short of memory, and after that falls to 0 within Options.Cooldown.
	Cooling float64
}

// Pod is what the book holds of one pod, in bytes.
type Pod struct {
	// Node is the index of the pod's node in the snapshot.
	Node int
	// Measured is the part of the node's measured figures that is this pod's, 0 if it is not known.
	Measured int64
	// InNode is true for a pod without a sample of its own that its node's sample shows all the same: by the machine's signal
	// nothing is counted for it.
	InNode bool
	// Earlier is true for a pod that was missing when its node was measured last, though the API still has it: its containers have
	// likely stopped. What was measured of it before is not in the node's sample, and its end gives nothing back.
	Earlier bool
	// Counted is what Left holds for the pod, and Peak the most that it is expected to hold.
	Counted, Peak int64
	// Course is what Expected holds for the pod.
	Course forecast.Course
}

// Snapshot is the book at one moment.
type Snapshot struct {
	// Time at which it was made.
	Time  time.Time
	Nodes []Node
	// Degraded is true when too few nodes are fresh: then requests decide on every node.
	Degraded bool
	// Foreseen is true when what at least half of the pods will hold is learned: then nodes can be told apart without samples.
	Foreseen bool
	// NotFresh is the number of nodes that are stale or absent, and Unsupported that of those that are neither, nor fresh.
	NotFresh, Unsupported int
	// Refused are the samples that cannot be true of the nodes and pods that there are.
	Refused map[sample.Reason]Refusals

	index   NodeIndex
	pods    map[types.UID]Pod
	cooling map[forecast.Workload][]Cooling
}

// NodeIndex is the positions of nodes in a snapshot, by name. It can be kept without the snapshot, which is far larger.
type NodeIndex map[string]int

// Of returns the position of the named node, or -1.
func (n NodeIndex) Of(node string) int {
	if i, ok := n[node]; ok {
		return i
	}
	return -1
}

// Supported returns the number of nodes that are fresh, or could be.
func (s *Snapshot) Supported() int { return len(s.Nodes) - s.Unsupported }

// Index returns the position of the named node in Nodes, or -1.
func (s *Snapshot) Index(node string) int { return s.index.Of(node) }

// NodeIndex returns the positions in Nodes, which are not to be changed.
func (s *Snapshot) NodeIndex() NodeIndex { return s.index }

// Pod returns what the book holds of a pod that is bound to a node.
func (s *Snapshot) Pod(uid types.UID) (Pod, bool) {
	pod, ok := s.pods[uid]
	return pod, ok
}

// Cooling is how much a workload is to be kept off a node where one of its pods was ended for want of memory.
type Cooling struct {
	// Node is the index of the node in the snapshot.
	Node int
	// Share is 1 at that moment and falls to 0 within Options.Cooldown.
	Share float64
}

// Cooling returns the nodes to keep a workload off; usually there are none.
func (s *Snapshot) Cooling(workload forecast.Workload) []Cooling { return s.cooling[workload] }

// AnyCooling reports whether any workload is to be kept off any node.
func (s *Snapshot) AnyCooling() bool { return len(s.cooling) > 0 }

// Options says how the book is kept.
type Options struct {
	// FreshFor is the age up to which a sample is trusted.
	FreshFor time.Duration
	// WarmUp is the time after a pod became ready until which it counts for at least its request.
	WarmUp time.Duration
	// EvictionHardBytes is the hard eviction threshold assumed for every kubelet of which it is not known.
	EvictionHardBytes int64
	// MaxNotFreshPercent is the share of nodes that are not fresh above which the snapshot is Degraded. 0 to 100. It is so
	// until the share is a fifth below that, so that it does not flap.
	MaxNotFreshPercent int
	// Cooldown is the time for which a node is remembered to have run short of memory. 0: not at all.
	Cooldown time.Duration
	// MaxStallPercent is the share of time in which processes may wait for memory (PSI some avg10) before a node counts as
	// short of it. 0 to 100; 0: it never does for that.
	MaxStallPercent float64
	// Estimator says what pods will hold.
	Estimator forecast.Estimator
	// Learner is told what pods held, and corrects what the estimator says. Nil: nothing is learned.
	Learner *forecast.Learner
}
