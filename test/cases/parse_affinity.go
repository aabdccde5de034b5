// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// operators are the API's, by the words of the language: their names in small letters.
func operators() []corev1.NodeSelectorOperator {
	return []corev1.NodeSelectorOperator{
		corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpExists,
		corev1.NodeSelectorOpDoesNotExist, corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt,
	}
}

// required reads the terms after require, and those of each or require.
func (p *parser) required() *corev1.NodeSelector {
	selector := &corev1.NodeSelector{}
	if p.accept("no-terms") {
		return selector
	}
	selector.NodeSelectorTerms = append(selector.NodeSelectorTerms, p.term())
	for p.accept("or") {
		p.want("require")
		selector.NodeSelectorTerms = append(selector.NodeSelectorTerms, p.term())
	}
	return selector
}

// preferred reads what follows prefer: a weight and a term.
func (p *parser) preferred() corev1.PreferredSchedulingTerm {
	text, at := p.value("a weight")
	weight, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		p.fail(at, "found %s, expected a weight: a whole number, 1 to 100 for the API server", at)
	}
	return corev1.PreferredSchedulingTerm{Weight: int32(weight), Preference: p.term()}
}

// term reads requirements that are joined by and, or the word empty.
func (p *parser) term() corev1.NodeSelectorTerm {
	term := corev1.NodeSelectorTerm{}
	if p.accept("empty") {
		return term
	}
	for {
		if p.accept("field") {
			term.MatchFields = append(term.MatchFields, p.requirement("a field, such as "+metav1.ObjectNameField))
		} else {
			term.MatchExpressions = append(term.MatchExpressions, p.requirement("the key of a label, field, or empty"))
		}
		if !p.accept("and") {
			return term
		}
	}
}

func (p *parser) requirement(what string) corev1.NodeSelectorRequirement {
	requirement := corev1.NodeSelectorRequirement{}
	requirement.Key, _ = p.value(what)
	requirement.Operator = p.operator()
	switch requirement.Operator {
	case corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn:
		requirement.Values = p.values()
	case corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt:
		value, _ := p.value("the number to compare with")
		requirement.Values = []string{value}
	}
	return requirement
}

func (p *parser) operator() corev1.NodeSelectorOperator {
	t := p.next()
	for _, operator := range operators() {
		if t.is(operatorWord(operator)) {
			return operator
		}
	}
	p.fail(t, "found %s, expected one of in, notin, exists, doesnotexist, gt, lt", t)
	return ""
}

func operatorWord(operator corev1.NodeSelectorOperator) string {
	return strings.ToLower(string(operator))
}

// values reads a list in parentheses.
func (p *parser) values() []string {
	p.want("(")
	var values []string
	for {
		value, _ := p.value(`a value ("" if it is empty)`)
		values = append(values, value)
		if !p.accept(",") {
			p.want(")")
			return values
		}
	}
}

// toleration reads everything; or key, key=value or key exists, with :Effect for one effect only.
func (p *parser) toleration() corev1.Toleration {
	if p.accept("everything") {
		return corev1.Toleration{Operator: corev1.TolerationOpExists}
	}
	toleration := corev1.Toleration{Operator: corev1.TolerationOpEqual}
	toleration.Key, _ = p.value("the key of a taint, or everything")
	if p.accept("=") {
		toleration.Value, _ = p.value("the value of the taint")
	} else {
		toleration.Operator = corev1.TolerationOpExists
	}
	if p.accept(":") {
		toleration.Effect = p.effect()
	}
	return toleration
}
