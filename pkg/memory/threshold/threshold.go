// SPDX-License-Identifier: Apache-2.0

// Package threshold says where a node's memory eviction thresholds lie, in bytes, and where each figure came from.
//
// The kubelet watches two signals (k8s.io/kubernetes pkg/kubelet/eviction/helpers.go:848-869), each with its own measure:
// memory.available of the whole machine and allocatableMemory.available of the kubepods cgroup. They are never mixed.
package threshold

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Origin says where a figure came from.
type Origin string

// OriginAssumed marks a figure that was not read from the node: the configured assumption.
const OriginAssumed Origin = "assumed"

// Signal names one of the kubelet's two memory signals.
type Signal string

const (
	// SignalNode is memory.available.
	SignalNode Signal = "memory.available"
	// SignalPods is allocatableMemory.available.
	SignalPods Signal = "allocatableMemory.available"
)

// Thresholds are the working sets at which a node's kubelet begins to evict, in bytes.
type Thresholds struct {
	// Node is the working set of the machine at which memory.available falls to the hard threshold:
	// capacity - hugepages - evictionHard.
	Node int64
	// Pods is the working set of the kubepods cgroup at which allocatableMemory.available falls to the hard threshold:
	// allocatable + hugepages, since allocatable has the threshold and the hugepages already taken off
	// (pkg/kubelet/cm/node_container_manager_linux.go:265-313).
	Pods int64
	// EvictionHard is the threshold itself, and EvictionHardOrigin where it came from.
	EvictionHard       int64
	EvictionHardOrigin Origin
}

// Of returns the node's thresholds. evictionHard is the hard threshold in bytes that is assumed for its kubelet: the Node
// object does not show it. A node without memory figures in its status is an error that names it: nothing is known then.
func Of(node *corev1.Node, evictionHard int64) (Thresholds, error) {
	capacity := node.Status.Capacity.Memory().Value()
	allocatable := node.Status.Allocatable.Memory().Value()
	if capacity <= 0 || allocatable <= 0 {
		return Thresholds{}, fmt.Errorf("node %q: status has no memory capacity (%d) or allocatable (%d)", node.Name, capacity, allocatable)
	}
	var hugepages int64
	for name, quantity := range node.Status.Capacity {
		if strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix) {
			hugepages += quantity.Value()
		}
	}
	return Thresholds{
		Node:               capacity - hugepages - evictionHard,
		Pods:               allocatable + hugepages,
		EvictionHard:       evictionHard,
		EvictionHardOrigin: OriginAssumed,
	}, nil
}

// Left returns the bytes left until the first of the two signals fires, and which one that is. It is negative past the
// threshold. nodeHeld and podsHeld are the working sets of the machine and of its pods.
func (t Thresholds) Left(nodeHeld, podsHeld int64) (int64, Signal) {
	node, pods := t.Node-nodeHeld, t.Pods-podsHeld
	if pods < node {
		return pods, SignalPods
	}
	return node, SignalNode
}
