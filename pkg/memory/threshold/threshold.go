// SPDX-License-Identifier: Apache-2.0

// Package threshold says where a node's memory eviction thresholds lie, in bytes, and where each figure came from.
//
// The kubelet watches two signals (k8s.io/kubernetes pkg/kubelet/eviction/helpers.go:848-869), each with its own measure:
// memory.available of the whole machine and allocatableMemory.available of the kubepods cgroup. They are never mixed.
// docs/memory.md has every formula with its source.
package threshold

import "time"

// Origin says where a figure came from.
type Origin string

const (
	// OriginAnnotation: the annotation on the node.
	OriginAnnotation Origin = "annotation"
	// OriginConfigz: the configuration that the kubelet runs with.
	OriginConfigz Origin = "configz"
	// OriginStatus: the node's status. For evictionHard it is the most that the status leaves room for.
	OriginStatus Origin = "node status"
	// OriginAssumed: the configured assumption, because nothing was read from the node.
	OriginAssumed Origin = "assumed"
)

// Signal names what binds: one of the kubelet's two memory signals or, where the kubelet has none, the end of the memory.
type Signal string

const (
	// SignalNode is memory.available: the kubelet evicts.
	SignalNode Signal = "memory.available"
	// SignalPods is allocatableMemory.available: the kubelet evicts.
	SignalPods Signal = "allocatableMemory.available"
	// EndOfMachine is the machine's memory, on a node without the signal: the kernel kills.
	EndOfMachine Signal = "memory of the machine"
	// EndOfPods is the kubepods cgroup's memory.max, on a node without the signal: the kernel kills.
	EndOfPods Signal = "memory.max of kubepods"
)

// Edge says what happens where a measure reaches its figure.
type Edge uint8

const (
	// Evicts: a signal fires.
	Evicts Edge = iota
	// Kills: there is no signal, and the memory ends.
	Kills
	// Open: nothing happens; the figure never binds.
	Open
)

// Thresholds are the working sets beyond which a node's kubelet evicts, in bytes.
type Thresholds struct {
	// Node is the working set of the machine beyond which memory.available is below the hard threshold:
	// capacity - hugepages - evictionHard. Where NodeEdge is Kills it is capacity - hugepages. NodeEdge is never Open.
	Node     int64
	NodeEdge Edge
	// Pods is the working set of the kubepods cgroup beyond which allocatableMemory.available is below the hard threshold:
	// allocatable + hugepages, since allocatable has the threshold and the hugepages already taken off
	// (k8s.io/kubernetes pkg/kubelet/cm/node_container_manager_linux.go:265-313, pkg/kubelet/nodestatus/setters.go:326-341).
	// For a percentage it is the limit of the cgroup less that share of it. Where PodsEdge is Kills it is that limit.
	Pods     int64
	PodsEdge Edge
	// PodsOrigin is where Pods came from; that of Node is EvictionHardOrigin.
	PodsOrigin Origin
	// PodsLimit is the memory.max of the kubepods cgroup, in bytes: the memory of all pods together ends there.
	PodsLimit int64
	// EvictionHard is the hard threshold of memory.available in bytes, 0 for none, and EvictionHardOrigin where it came from.
	EvictionHard       int64
	EvictionHardOrigin Origin
	// NodeReclaim and PodsReclaim are the bytes below Node and Pods at which the kubelet stops evicting once it has begun.
	NodeReclaim, PodsReclaim int64
	// Soft is the working set of the machine beyond which the soft threshold is crossed: MemoryPressure is true, and pods
	// are evicted after SoftGrace. It means something only if HasSoft, and Left does not heed it.
	HasSoft   bool
	Soft      int64
	SoftGrace time.Duration
}

// Left returns the bytes left until the first of the two edges, and what is there. It is negative past the edge. nodeHeld
// and podsHeld are the working sets of the machine and of its pods. A signal that the kubelet does not have never binds: then
// the memory itself does, or for pods whose cgroup has no limit, nothing.
func (t Thresholds) Left(nodeHeld, podsHeld int64) (int64, Signal) {
	node, pods := t.Node-nodeHeld, t.Pods-podsHeld
	if pods < node && t.PodsEdge != Open {
		if t.PodsEdge == Kills {
			return pods, EndOfPods
		}
		return pods, SignalPods
	}
	if t.NodeEdge == Kills {
		return node, EndOfMachine
	}
	return node, SignalNode
}
