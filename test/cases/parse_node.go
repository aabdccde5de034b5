// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
)

const (
	// heldAnnotation of a node is what it holds outside pods, in bytes.
	heldAnnotation = cluster.SystemMemoryAnnotation
	// holdsAnnotation of a pod is what its containers hold, in bytes.
	holdsAnnotation = cluster.UsageMemoryAnnotation
)

// What a node has that says nothing else.
const (
	defaultNodeCPU    = "4"
	defaultNodeMemory = "8Gi"
	defaultNodePods   = "110"
)

// node reads what follows the keyword node: a name, then attributes and labels in any order.
func (p *parser) node() *corev1.Node {
	name, at := p.name("the new node")
	if p.nodes[name] {
		p.fail(at, "found %s, expected a name that no node of the case has had", at)
	}
	node := &corev1.Node{}
	node.Name = name
	node.Status.Capacity = corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse(defaultNodeCPU),
		corev1.ResourceMemory: resource.MustParse(defaultNodeMemory),
		corev1.ResourcePods:   resource.MustParse(defaultNodePods),
	}
	seen := map[string]bool{}
	for p.peek().kind != end {
		p.nodeAttribute(node, seen)
	}
	if p.err != nil {
		return nil
	}
	node.Status.Allocatable = node.Status.Capacity.DeepCopy()
	p.nodes[name] = true
	return node
}

func (p *parser) nodeAttribute(node *corev1.Node, seen map[string]bool) {
	key, at := p.value("an attribute or a label of the node")
	if seen[key] && !at.is("taint") {
		p.fail(at, "found a second %s, expected one", at)
	}
	seen[key] = true
	if at.is("unschedulable") {
		node.Spec.Unschedulable = true
		return
	}
	p.want("=")
	switch {
	case at.is("cpu"):
		node.Status.Capacity[corev1.ResourceCPU] = p.quantity("CPUs")
	case at.is("memory"):
		node.Status.Capacity[corev1.ResourceMemory] = p.quantity("bytes of memory")
	case at.is("pods"):
		node.Status.Capacity[corev1.ResourcePods] = p.quantity("a number of pods")
	case at.is("held"):
		setString(&node.Annotations, heldAnnotation, p.bytes("bytes that the node holds outside pods"))
	case at.is("taint"):
		node.Spec.Taints = append(node.Spec.Taints, p.taint())
	default:
		p.label(&node.Labels, key, at)
	}
}

// bytes takes an amount and gives it back as it is written canonically.
func (p *parser) bytes(what string) string {
	amount := p.quantity(what)
	return amount.String()
}

// label takes the value of a label and sets it.
func (p *parser) label(labels *map[string]string, key string, at token) {
	if _, taken := (*labels)[key]; taken {
		p.fail(at, "found label %s a second time, expected each once", at)
	}
	value, _ := p.value(`the value of the label ("" if it is empty)`)
	setString(labels, key, value)
}

func setString(values *map[string]string, key, value string) {
	if *values == nil {
		*values = map[string]string{}
	}
	(*values)[key] = value
}

func taintEffects() []corev1.TaintEffect {
	return []corev1.TaintEffect{corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute}
}

// taint reads key:Effect or key=value:Effect.
func (p *parser) taint() corev1.Taint {
	taint := corev1.Taint{}
	taint.Key, _ = p.value("the key of the taint")
	if p.accept("=") {
		taint.Value, _ = p.value("the value of the taint")
	}
	p.want(":")
	taint.Effect = p.effect()
	return taint
}

func (p *parser) effect() corev1.TaintEffect {
	text, at := p.value("an effect")
	effect := corev1.TaintEffect(text)
	if !slices.Contains(taintEffects(), effect) {
		p.fail(at, "found %s, expected one of NoSchedule, PreferNoSchedule, NoExecute", at)
	}
	return effect
}
