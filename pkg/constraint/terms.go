// SPDX-License-Identifier: Apache-2.0

package constraint

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// term is one NodeSelectorTerm: its requirements are ANDed. A term with faults matches no node.
type term struct {
	index  int // in the selector's terms, of which the empty ones are left out
	labels labels.Requirements
	fields []fieldRequirement
	faults []error
}

func compileTerm(source *corev1.NodeSelectorTerm, path *field.Path) term {
	var compiled term
	var faults []error
	compiled.labels, faults = compileLabels(source.MatchExpressions, path.Child("matchExpressions"))
	compiled.faults = append(compiled.faults, faults...)
	compiled.fields, faults = compileFields(source.MatchFields, path.Child("matchFields"))
	compiled.faults = append(compiled.faults, faults...)
	return compiled
}

func isEmpty(source *corev1.NodeSelectorTerm) bool {
	return len(source.MatchExpressions) == 0 && len(source.MatchFields) == 0
}

func (t *term) matches(node *corev1.Node) bool {
	if len(t.faults) != 0 {
		return false
	}
	for i := range t.labels {
		if !t.labels[i].Matches(labels.Set(node.Labels)) {
			return false
		}
	}
	// A node without a name has no fields at all, and then field requirements are not looked at.
	if node.Name != "" {
		for _, requirement := range t.fields {
			if !requirement.matches(node.Name) {
				return false
			}
		}
	}
	return true
}

// Terms are the terms of a NodeSelector: they are ORed, and an empty term matches no node.
type Terms struct {
	terms  []term
	faults error
}

// CompileTerms compiles a node selector. Faults do not stop it: a faulty term matches nothing, the others still count.
// Faults returns them.
func CompileTerms(selector *corev1.NodeSelector) *Terms {
	compiled := &Terms{terms: make([]term, 0, len(selector.NodeSelectorTerms))}
	path := (*field.Path)(nil).Child("nodeSelectorTerms")
	var faults []error
	for i := range selector.NodeSelectorTerms {
		if isEmpty(&selector.NodeSelectorTerms[i]) {
			continue
		}
		next := compileTerm(&selector.NodeSelectorTerms[i], path.Index(i))
		next.index = i
		faults = append(faults, next.faults...)
		compiled.terms = append(compiled.terms, next)
	}
	compiled.faults = errors.Flatten(errors.NewAggregate(faults))
	return compiled
}

// Faults returns what is wrong with the terms, each naming its field, or nil.
func (t *Terms) Faults() error { return t.faults }

// Match reports whether one of the terms matches the node.
func (t *Terms) Match(node *corev1.Node) bool {
	for i := range t.terms {
		if t.terms[i].matches(node) {
			return true
		}
	}
	return false
}
