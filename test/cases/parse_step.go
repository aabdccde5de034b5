// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"slices"
	"strings"
)

func changeKinds() []ChangeKind {
	return []ChangeKind{Label, Unlabel, Taint, Untaint, Cordon, Uncordon, Hold, RemoveNode, DeletePod}
}

func isChange(t token) bool {
	return t.kind == word && slices.Contains(changeKinds(), ChangeKind(t.text))
}

func changeWords() string {
	var words []string
	for _, kind := range changeKinds() {
		words = append(words, string(kind))
	}
	return strings.Join(words, ", ")
}

// change reads what follows the word of a change.
func (p *parser) change(kind ChangeKind) *Change {
	change := &Change{Kind: kind}
	if kind == DeletePod {
		change.Name = p.known("a pod", p.pods)
		return change
	}
	change.Name = p.known("a node", p.nodes)
	switch kind {
	case Label:
		for first := true; first || p.peek().kind != end; first = false {
			key, at := p.value("a label, such as zone=1")
			p.want("=")
			p.label(&change.Set, key, at)
		}
	case Unlabel:
		change.Key, _ = p.value("the key of a label")
	case Untaint:
		change.Key, _ = p.value("the key of a taint")
	case Taint:
		change.Taint = p.taint()
	case Hold:
		change.Held = p.quantity("bytes that the node holds outside pods")
	}
	return change
}

// expectation reads what follows expect.
func (p *parser) expectation() *Expectation {
	expectation := &Expectation{Pod: p.known("a pod", p.pods)}
	keyword := p.next()
	switch {
	case keyword.is("preempts"):
		expectation.Victims = p.names("a pod", p.pods, "and")
		p.want("on")
		fallthrough
	case keyword.is("on"):
		expectation.Kind = Placed
		expectation.Nodes = p.names("a node", p.nodes, "or")
	case keyword.is("pending"):
		expectation.Kind = Pending
		reason, at := p.value("a part of the reason in double quotes")
		if at.kind != quoted || reason == "" {
			p.fail(at, "found %s, expected a part of the reason in double quotes", at)
		}
		expectation.Reason = reason
	case keyword.is("gone"):
		expectation.Kind = Gone
	case keyword.is("untouched"):
		expectation.Kind = Untouched
	default:
		p.fail(keyword, "found %s, expected one of on, pending, preempts, gone, untouched", keyword)
	}
	return expectation
}

// names reads known names with a word between them.
func (p *parser) names(what string, known map[string]bool, between string) []string {
	names := []string{p.known(what, known)}
	for p.accept(between) {
		names = append(names, p.known(what, known))
	}
	return names
}
