// SPDX-License-Identifier: Apache-2.0

// Package report writes one self-contained HTML page about a run: what happened to two node pools under the same workload.
package report

import "time"

// Kinds of Event.
const (
	// KindEviction is a pod evicted by the kubelet because its node ran short of memory.
	KindEviction = "eviction"
	// KindOOMKill is a container killed by the kernel for want of memory.
	KindOOMKill = "oom-kill"
)

// Run is everything the page shows.
type Run struct {
	Title string
	// Started is the wall-clock time of offset 0. The page shows it in UTC.
	Started time.Time
	// Duration is the length of the run; the time axis reaches at least this far.
	Duration time.Duration
	Seed     int64
	// Facts are shown in this order: versions, node count, node size, eviction threshold, metric lag and the like.
	Facts []Fact
	// Workload has one row per workload: what it asks and what it does.
	Workload []Workload
	// Pools has one entry per scheduler, in the order in which they are shown everywhere. Names are unique.
	Pools []Pool
}

// Fact is a named value that a reader needs to judge or repeat the run.
type Fact struct{ Name, Value string }

// Workload is what one workload asks for and what it does.
type Workload struct {
	Name, Kind string
	Replicas   int
	// RequestBytes, LimitBytes and PeakBytes are per pod, in bytes; 0 means not set.
	RequestBytes, LimitBytes, PeakBytes int64
	// Behaviour says how the memory use moves, Constraint what binds its pods to nodes. Either may be empty.
	Behaviour, Constraint string
}

// Pool is a set of nodes that one scheduler fills.
type Pool struct {
	Name, Scheduler string
	Summary         Summary
	Nodes           []NodeSeries
	// Events are evictions and OOM kills, in time order.
	Events []Event
}

// Summary is what came of one pool. It is also the JSON of summary.json.
type Summary struct {
	PodsPlaced  int `json:"podsPlaced"`
	PodsRunning int `json:"podsRunning"`
	Evictions   int `json:"evictions"`
	OOMKills    int `json:"oomKills"`
	// PendingSeconds is the time pods waited for a node, summed over pods.
	PendingSeconds float64 `json:"pendingSeconds"`
	// NodeUseP50 and NodeUseP99 are quantiles, over nodes and time, of the working set as a share of the one at which the
	// kubelet evicts, 0..1. A node past its threshold gives more than 1.
	NodeUseP50 float64 `json:"nodeUseP50"`
	NodeUseP99 float64 `json:"nodeUseP99"`
}

// NodeSeries is the memory of one node over time.
type NodeSeries struct {
	Name string
	// ThresholdBytes is the working set at which the kubelet evicts; 0 means the node has no such threshold.
	ThresholdBytes int64
	// CapacityBytes is the memory of the node, above 0.
	CapacityBytes int64
	Points        []Point
}

// Point is one sample of a node's working set.
type Point struct {
	// Offset is the time since Run.Started.
	Offset          time.Duration
	WorkingSetBytes int64
}

// Event is one eviction or OOM kill.
type Event struct {
	// Offset is the time since Run.Started.
	Offset time.Duration
	// Kind is KindEviction or KindOOMKill.
	Kind string
	// Node is the name of a node of the same pool.
	Node, Pod string
	// Bytes is what the pod held when it was evicted or killed; 0 means unknown.
	Bytes  int64
	Reason string
}
