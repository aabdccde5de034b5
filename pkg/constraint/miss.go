// SPDX-License-Identifier: Apache-2.0

package constraint

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Miss tells why a node does not match: the position of what does not hold. It is a small number, below Misses, so that a
// text for each can be kept.
type Miss int

// Misses returns the number of different misses, at least 1.
func (r *Required) Misses() int {
	return max(len(r.selector)+r.affinity.misses(), 1)
}

// FirstMiss returns the first requirement that the node does not meet. Where several terms are alternatives, that none of
// them matches is one miss. It allocates nothing. The node must not match.
func (r *Required) FirstMiss(node *corev1.Node) Miss {
	for i, wanted := range r.selector {
		if found, ok := node.Labels[wanted.key]; !ok || found != wanted.value {
			return Miss(i)
		}
	}
	return Miss(len(r.selector) + r.affinity.firstMiss(node))
}

// MissText says in words what does not hold, such as disktype In [ssd], in at most 123 bytes.
func (r *Required) MissText(miss Miss) string {
	return shortened(r.missText(miss), mostWanted)
}

func (r *Required) missText(miss Miss) string {
	if int(miss) < len(r.selector) {
		return r.selector[miss].requirement().Wanted
	}
	return r.affinity.missText(int(miss) - len(r.selector))
}

// Sole reports whether there is just one requirement, and no alternative to it: then its miss is all there is to tell of a node.
func (r *Required) Sole() bool {
	if r.affinity == nil {
		return len(r.selector) == 1
	}
	return len(r.selector) == 0 && r.affinity.only() != nil && r.affinity.misses() == 1
}

// only returns the term where there is one, which can be read.
func (t *Terms) only() *term {
	if t == nil || len(t.terms) != 1 || len(t.terms[0].faults) != 0 {
		return nil
	}
	return &t.terms[0]
}

func (t *Terms) misses() int {
	switch only := t.only(); {
	case t == nil:
		return 0
	case only != nil:
		return len(only.labels) + len(only.fields)
	}
	return 1
}

func (t *Terms) firstMiss(node *corev1.Node) int {
	only := t.only()
	if only == nil {
		return 0
	}
	for i := range only.labels {
		if !only.labels[i].Matches(labels.Set(node.Labels)) {
			return i
		}
	}
	for i := range only.fields {
		if !only.fields[i].matches(node.Name) {
			return len(only.labels) + i
		}
	}
	return 0
}

func (t *Terms) missText(miss int) string {
	only := t.only()
	switch {
	case t == nil || len(t.terms) == 0:
		return "a term that asks for something"
	case only == nil && len(t.terms) == 1:
		return t.terms[0].invalid().Wanted
	case only == nil:
		return fmt.Sprintf("none of %d alternative terms", len(t.terms))
	case miss < len(only.labels):
		return only.labelRequirement(miss).Wanted
	default:
		return only.fieldRequirement(miss - len(only.labels)).Wanted
	}
}
