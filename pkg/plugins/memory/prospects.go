// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
)

// prospects are what a new book means for pods that wait: whether some node offers now what it did not offer when the pod was judged. Pods
// that ask alike, and were offered the same by the same book, have the same, so that replicas are looked at once, and not each on every node.
type prospects struct {
	waiting  *waiting
	now      *book
	known    map[question]*prospect
	offering map[int64]nodeSet // by what is needed
}

// question is all that a prospect depends on.
type question struct {
	needed   int64
	requires string
	offered  *uint64 // where the set of a book begins, and with it which book; nil: nothing was offered
}

// prospect is what nodes offer anew to a pod.
type prospect struct {
	// nodes offer enough bytes now and did not when the pod was judged, or have no fresh sample any more, which leaves the decision to
	// requests. The pod may run there.
	nodes []int
	// offered are all nodes that offer enough but those that do so anew and that the pod may not use as they are: nobody wakes it when
	// that changes, so they do not count as offers.
	offered nodeSet
}

func (p *prospects) of(waiter waiter, needed int64) *prospect {
	asked := question{needed: needed, requires: waiter.requires}
	if len(waiter.offered) > 0 {
		asked.offered = &waiter.offered[0]
	}
	if p.known[asked] == nil {
		p.known[asked] = p.look(waiter, needed)
	}
	return p.known[asked]
}

func (p *prospects) look(waiter waiter, needed int64) *prospect {
	made := &prospect{}
	if p.now.snapshot.Degraded {
		return made
	}
	if p.offering[needed] == nil {
		p.offering[needed] = p.now.offering(needed)
	}
	var barred []int
	var required *nodeaffinity.RequiredNodeAffinity
	for i := range p.now.snapshot.Nodes {
		if !p.offering[needed].has(i) {
			continue
		}
		name := p.now.snapshot.Nodes[i].Name
		if before := waiter.judged.Index(name); before >= 0 && waiter.offered.has(before) {
			continue
		}
		if node := p.waiting.node(name); node != nil {
			if required == nil {
				required = new(nodeaffinity.GetRequiredNodeAffinity(waiter.pod))
			}
			if matches, err := required.Match(node); node.Spec.Unschedulable || err == nil && !matches {
				barred = append(barred, i)
				continue
			}
		}
		made.nodes = append(made.nodes, i)
	}
	made.offered = p.offering[needed].without(barred)
	return made
}

// outcome is what a new book means for a pod that waits.
type outcome int

const (
	staysOut  outcome = iota // no node offers what it did not offer before
	comesNext                // one does, and others come first
	wakes
)

// turn says whether a pod's turn has come: some node offers enough bytes beyond what is promised to pods that were woken before it.
func (p *prospect) turn(needed int64, now *book, promised map[int]int64) outcome {
	if now.snapshot.Degraded {
		return wakes
	}
	for _, i := range p.nodes {
		if now.offers(i, needed+promised[i]) {
			promised[i] += needed
			return wakes
		}
	}
	if len(p.nodes) > 0 {
		return comesNext
	}
	return staysOut
}

// requires returns what a pod asks of a node's labels and name, as text: "" for nothing.
func requires(pod *corev1.Pod) string {
	selector, affinity := pod.Spec.NodeSelector, pod.Spec.Affinity
	if affinity == nil || affinity.NodeAffinity == nil || affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		if len(selector) == 0 {
			return ""
		}
		affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{}}
	}
	// Maps are written in the order of their keys, and nothing in it cannot be written.
	text, _ := json.Marshal([]any{selector, affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution})
	return string(text)
}
