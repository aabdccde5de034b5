// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"encoding/json"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	scheduling "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// prospects are what a new book means for pods that wait: whether some node offers now what it did not offer when the pod was judged. Pods
// that ask alike, and were offered the same by the same book, have the same, so that replicas are looked at once, and not each on every node.
type prospects struct {
	waiting  *waiting
	now      *book
	known    map[question]*prospect
	offering map[int64]nodeSet // by what is needed
	promised map[int]int64     // bytes of a node, to pods that were woken
}

func newProspects(waiting *waiting, now *book) *prospects {
	return &prospects{waiting: waiting, now: now, known: map[question]*prospect{}, offering: map[int64]nodeSet{}, promised: map[int]int64{}}
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
		if before := waiter.judged.nodes.Of(name); before >= 0 && waiter.offered.has(before) {
			continue
		}
		if node := p.waiting.node(name); node != nil {
			if required == nil {
				required = new(nodeaffinity.GetRequiredNodeAffinity(waiter.pod))
			}
			if matches, err := required.Match(node); err == nil && !matches || repelled(waiter.pod, node) {
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

// turn says whether a pod's turn has come: some node has room for it beyond what is promised to pods that were woken before it. That much is
// promised to it then.
func (p *prospects) turn(prospect *prospect, demand forecast.Demand) outcome {
	if p.now.snapshot.Degraded {
		return wakes
	}
	for _, i := range prospect.nodes {
		if p.room(i, demand) {
			p.promised[i] += demand.FirmBytes
			return wakes
		}
	}
	if len(prospect.nodes) > 0 {
		return comesNext
	}
	return staysOut
}

// room reports whether a node has room for a pod beyond what is promised. Where requests decide, the first pod that is promised any may have to
// preempt others for it, which nobody knows here.
func (p *prospects) room(node int, demand forecast.Demand) bool {
	if left, known := p.now.left(node); known {
		return left-demand.FirmBytes >= p.promised[node]
	}
	return p.promised[node] == 0 || demand.RequestBytes == 0 || p.unrequested(node)-demand.RequestBytes >= p.promised[node]
}

// unrequested returns how many bytes of a node no pod requests.
func (p *prospects) unrequested(i int) int64 {
	line := &p.now.snapshot.Nodes[i]
	node := p.waiting.node(line.Name)
	if node == nil {
		return math.MaxInt64
	}
	return node.Status.Allocatable.Memory().Value() - line.Requested
}

// repelled reports whether the node is cordoned, or has a taint, that the pod does not tolerate.
func repelled(pod *corev1.Pod, node *corev1.Node) bool {
	taints := node.Spec.Taints
	if node.Spec.Unschedulable { // The taint that says so too may come later.
		taints = append(slices.Clone(taints), corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule})
	}
	_, repelled := scheduling.FindMatchingUntoleratedTaint(klog.Background(), taints, pod.Spec.Tolerations, func(taint *corev1.Taint) bool {
		return taint.Effect == corev1.TaintEffectNoSchedule || taint.Effect == corev1.TaintEffectNoExecute
	}, true)
	return repelled
}

// requires returns what a pod asks of a node's labels and name, and which taints it tolerates, as text: "" for nothing.
func requires(pod *corev1.Pod) string {
	selector, tolerations := pod.Spec.NodeSelector, pod.Spec.Tolerations
	var required *corev1.NodeSelector
	if affinity := pod.Spec.Affinity; affinity != nil && affinity.NodeAffinity != nil {
		required = affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	}
	if len(selector) == 0 && len(tolerations) == 0 && required == nil {
		return ""
	}
	// Maps are written in the order of their keys, and nothing in it cannot be written.
	text, _ := json.Marshal([]any{selector, required, tolerations})
	return string(text)
}
