// SPDX-License-Identifier: Apache-2.0

package constraint

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

// Selector is the Alternative of a requirement of spec.nodeSelector, which holds beside every term.
const Selector = -1

// Requirement is one thing that is asked of a node.
type Requirement struct {
	// Path is the field that asks, seen from the nodeSelector or the required node affinity of a pod:
	// nodeSelector[disktype], or nodeSelectorTerms[0].matchExpressions[1].
	Path string
	// Alternative is the index of the term that the requirement is a part of, or Selector. Requirements of the same
	// alternative must all hold; of several terms, one is enough.
	Alternative int
	// Key is the label, or metadata.name.
	Key string
	// Wanted is the requirement in words, such as disktype In [ssd].
	Wanted string
	// Values are those that Wanted names.
	Values []string
	// Invalid is true where the term cannot be read, and so matches no node. Wanted says why.
	Invalid bool
	// IsField is true for an entry of matchFields.
	IsField bool

	operator corev1.NodeSelectorOperator
}

// Check is a requirement and what one node has.
type Check struct {
	Requirement
	// Met is the verdict.
	Met bool
	// Found is the node's value, if it has the label at all.
	Found   string
	Present bool
}

// Explain returns a check of every requirement, in the order in which they are asked: the nodeSelector by key, then the
// terms. The node matches if all checks of Selector are met, and all of some term, if there are terms.
func (r *Required) Explain(node *corev1.Node) []Check {
	questions := r.questions()
	checks := make([]Check, len(questions))
	for i := range questions {
		checks[i].Requirement = questions[i].Requirement
		checks[i].Met, checks[i].Found, checks[i].Present = questions[i].ask(node)
	}
	return checks
}

// question is a requirement that can be asked of many nodes.
type question struct {
	Requirement
	selector *label
	label    *labels.Requirement
	field    *fieldRequirement
}

// ask allocates nothing.
func (q *question) ask(node *corev1.Node) (met bool, found string, present bool) {
	switch {
	case q.selector != nil:
		found, present = node.Labels[q.selector.key]
		return present && found == q.selector.value, found, present
	case q.label != nil:
		found, present = node.Labels[q.label.Key()]
		return q.label.Matches(labels.Set(node.Labels)), found, present
	case q.field != nil:
		if q.field.key == metav1.ObjectNameField {
			found = node.Name
		}
		return q.field.matches(node.Name), found, found != ""
	}
	return false, "", false
}

func (r *Required) questions() []question {
	var all []question
	for i := range r.selector {
		all = append(all, question{Requirement: r.selector[i].requirement(), selector: &r.selector[i]})
	}
	if r.affinity == nil {
		return all
	}
	if len(r.affinity.terms) == 0 {
		return append(all, question{Requirement: Requirement{
			Path: "nodeSelectorTerms", Invalid: true, Wanted: "a term that asks for something: there is none, which matches no node",
		}})
	}
	for i := range r.affinity.terms {
		all = r.affinity.terms[i].questions(all)
	}
	return all
}

func (t *term) questions(all []question) []question {
	if len(t.faults) != 0 {
		return append(all, question{Requirement: t.invalid()})
	}
	for i := range t.labels {
		all = append(all, question{Requirement: t.labelRequirement(i), label: &t.labels[i]})
	}
	for i := range t.fields {
		all = append(all, question{Requirement: t.fieldRequirement(i), field: &t.fields[i]})
	}
	return all
}

func (l label) requirement() Requirement {
	return Requirement{
		Path: fmt.Sprintf("nodeSelector[%s]", l.key), Alternative: Selector, Key: l.key, Values: []string{l.value},
		Wanted: wanted(l.key, corev1.NodeSelectorOpIn, []string{l.value}), operator: corev1.NodeSelectorOpIn,
	}
}

func (t *term) invalid() Requirement {
	return Requirement{
		Path: fmt.Sprintf("nodeSelectorTerms[%d]", t.index), Alternative: t.index, Invalid: true,
		Wanted: "a term that can be read: " + t.faults[0].Error(),
	}
}

func (t *term) labelRequirement(i int) Requirement {
	requirement := &t.labels[i]
	operator := nodeOperator(requirement.Operator())
	values := requirement.Values().List()
	return Requirement{
		Path:        fmt.Sprintf("nodeSelectorTerms[%d].matchExpressions[%d]", t.index, i),
		Alternative: t.index, Key: requirement.Key(), Values: values, Wanted: wanted(requirement.Key(), operator, values), operator: operator,
	}
}

func (t *term) fieldRequirement(i int) Requirement {
	requirement := &t.fields[i]
	operator := corev1.NodeSelectorOpIn
	if requirement.negated {
		operator = corev1.NodeSelectorOpNotIn
	}
	return Requirement{
		Path:        fmt.Sprintf("nodeSelectorTerms[%d].matchFields[%d]", t.index, i),
		Alternative: t.index, Key: requirement.key, Values: []string{requirement.value}, IsField: true, operator: operator,
		Wanted: wanted(requirement.key, operator, []string{requirement.value}),
	}
}

// nodeOperator is labelOperator backwards.
func nodeOperator(operator selection.Operator) corev1.NodeSelectorOperator {
	for _, candidate := range []corev1.NodeSelectorOperator{
		corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpExists,
		corev1.NodeSelectorOpDoesNotExist, corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt,
	} {
		if translated, ok := labelOperator(candidate); ok && translated == operator {
			return candidate
		}
	}
	return corev1.NodeSelectorOperator(operator)
}

// mostValues bounds the text of a requirement's values, in bytes: enough to know it by.
const mostValues = 60

// wanted writes a requirement as its fields are written in a manifest.
func wanted(key string, operator corev1.NodeSelectorOperator, values []string) string {
	switch operator {
	case corev1.NodeSelectorOpExists, corev1.NodeSelectorOpDoesNotExist:
		return key + " " + string(operator)
	case corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt:
		return key + " " + string(operator) + " " + strings.Join(values, ", ")
	}
	var text strings.Builder
	text.WriteString(key + " " + string(operator) + " [")
	for i, value := range values {
		if i > 0 {
			text.WriteString(", ")
		}
		if i > 0 && text.Len()+len(value) > mostValues+len(key) {
			fmt.Fprintf(&text, "... %d more", len(values)-i)
			break
		}
		text.WriteString(value)
	}
	text.WriteString("]")
	return text.String()
}
