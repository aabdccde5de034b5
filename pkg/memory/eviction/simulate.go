// SPDX-License-Identifier: Apache-2.0

package eviction

import "github.com/headroom-dev/headroom/pkg/memory/threshold"

// Node is what a kubelet's eviction manager knows when it looks.
type Node struct {
	Thresholds threshold.Thresholds
	// NodeHeld and PodsHeld are the working sets of the machine and of the kubepods cgroup, in bytes.
	NodeHeld, PodsHeld int64
	// NodeMet and PodsMet are true for a signal that fired in an earlier pass and whose minimum reclaim is not free yet.
	NodeMet, PodsMet bool
}

// After returns the node as it will be when its pods use that many bytes more.
func (n Node) After(bytes int64) Node {
	n.NodeHeld += bytes
	n.PodsHeld += bytes
	return n
}

// Left returns the bytes left until the first edge, and what is there (threshold.Thresholds.Left).
func (n Node) Left() (int64, threshold.Signal) { return n.Thresholds.Left(n.NodeHeld, n.PodsHeld) }

// Eviction is one pod that the kubelet ends.
type Eviction struct {
	Ranked
	// Signal is the one that fired; memory.available where both did.
	Signal threshold.Signal
	// ShortBytes is what had to become free when the pod was chosen, minimum reclaim included. FreedBytes is what the pod
	// gives back: nothing, if no container of it runs.
	ShortBytes, FreedBytes int64
}

// Pass is one pass of the kubelet's eviction manager with hard thresholds: at most one pod is evicted, the first of Rank
// (k8s.io/kubernetes pkg/kubelet/eviction/eviction_manager.go:322-331, 428-453). It returns the node as the next pass finds
// it, and false if no pod is evicted: no signal fires, or none may be evicted. The pods are as they were; the caller takes
// the evicted one out.
func Pass(node Node, pods []Pod) (Node, Eviction, bool) {
	nodeShort, podsShort := node.short()
	node.NodeMet, node.PodsMet = nodeShort > 0, podsShort > 0
	if !node.NodeMet && !node.PodsMet {
		return node, Eviction{}, false
	}
	ranked := Rank(pods)
	if len(ranked) == 0 {
		return node, Eviction{}, false
	}
	eviction := Eviction{Ranked: ranked[0], Signal: threshold.SignalNode, ShortBytes: max(nodeShort, podsShort)}
	if !node.NodeMet {
		eviction.Signal = threshold.SignalPods
	}
	if eviction.Measured {
		eviction.FreedBytes = eviction.UsageBytes
	}
	node.NodeHeld = max(node.NodeHeld-eviction.FreedBytes, 0)
	node.PodsHeld = max(node.PodsHeld-eviction.FreedBytes, 0)
	return node, eviction, true
}

// Simulate makes passes until no signal fires or no pod may be evicted, while nothing else changes. It returns the pods that
// go, in order, and the node without them. A Left that is negative then is the kernel's business (RankOOM).
//
// Of a node that is not under pressure, Simulate(node.After(bytes), pods) tells who would go if that much more were used.
func Simulate(node Node, pods []Pod) (Node, []Eviction) {
	var evictions []Eviction
	gone := map[[2]string]bool{}
	for {
		remaining := make([]Pod, 0, len(pods))
		for _, pod := range pods {
			if !gone[[2]string{pod.Namespace, pod.Name}] {
				remaining = append(remaining, pod)
			}
		}
		next, eviction, ok := Pass(node, remaining)
		node = next
		if !ok {
			return node, evictions
		}
		gone[[2]string{eviction.Namespace, eviction.Name}] = true
		evictions = append(evictions, eviction)
	}
}

// short returns by how many bytes each signal is short of its threshold or, if it fired before, of its minimum reclaim too.
// It is 0 or less for a signal that does not fire.
func (n Node) short() (node, pods int64) {
	if n.Thresholds.NodeEdge == threshold.Evicts {
		node = short(n.Thresholds.Node-n.NodeHeld, n.Thresholds.NodeReclaim, n.NodeMet)
	}
	if n.Thresholds.PodsEdge == threshold.Evicts {
		pods = short(n.Thresholds.Pods-n.PodsHeld, n.Thresholds.PodsReclaim, n.PodsMet)
	}
	return node, pods
}

func short(left, reclaim int64, met bool) int64 {
	if left < 0 || met {
		return reclaim - left
	}
	return 0
}
