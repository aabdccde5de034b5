// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// String writes the file in the language: reading that gives the same cases, at other positions.
func (f *File) String() string {
	var text strings.Builder
	for i := range f.Cases {
		f.Cases[i].write(&text)
	}
	return text.String()
}

func (c *Case) write(text *strings.Builder) {
	fmt.Fprintf(text, "case %s\n", c.Title)
	if c.Config != "" {
		fmt.Fprintf(text, "config %s\n", c.Config)
	}
	for _, skip := range c.Skips {
		fmt.Fprintf(text, "skip %s %q\n", skip.Runner, skip.Reason)
	}
	for _, step := range c.Steps {
		fmt.Fprintln(text, step)
	}
}

// String is the step as a statement of the language.
func (s Step) String() string {
	switch {
	case s.Node != nil:
		return nodeText(s.Node)
	case s.Pod != nil:
		return podText(s.Pod)
	case s.Change != nil:
		return s.Change.String()
	case s.Expect != nil:
		return s.Expect.String()
	}
	return ""
}

// String is the change as a statement of the language.
func (c *Change) String() string {
	words := []string{"then", string(c.Kind), c.Name}
	switch c.Kind {
	case Label:
		words = append(words, pairs(c.Set)...)
	case Unlabel, Untaint:
		words = append(words, plain(c.Key))
	case Taint:
		words = append(words, taintText(c.Taint))
	case Hold:
		words = append(words, c.Held.String())
	}
	return strings.Join(words, " ")
}

// String is the expectation as a statement of the language.
func (e *Expectation) String() string {
	switch {
	case e.Kind == Pending:
		return fmt.Sprintf("expect %s pending %q", e.Pod, e.Reason)
	case e.Kind != Placed:
		return fmt.Sprintf("expect %s %s", e.Pod, e.Kind)
	case len(e.Victims) > 0:
		return fmt.Sprintf("expect %s preempts %s on %s", e.Pod, strings.Join(e.Victims, " and "), strings.Join(e.Nodes, " or "))
	}
	return fmt.Sprintf("expect %s on %s", e.Pod, strings.Join(e.Nodes, " or "))
}

// plain writes a value. It is in quotes: no value is taken for a keyword.
func plain(value string) string { return strconv.Quote(value) }

// pairs writes labels, sorted by key.
func pairs(labels map[string]string) []string {
	var words []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		words = append(words, plain(key)+"="+plain(labels[key]))
	}
	return words
}

func taintText(taint corev1.Taint) string {
	text := plain(taint.Key)
	if taint.Value != "" {
		text += "=" + plain(taint.Value)
	}
	return text + ":" + string(taint.Effect)
}

func nodeText(node *corev1.Node) string {
	words := []string{"node", node.Name}
	for _, attribute := range []struct {
		word string
		name corev1.ResourceName
	}{{"cpu", corev1.ResourceCPU}, {"memory", corev1.ResourceMemory}, {"pods", corev1.ResourcePods}} {
		words = append(words, attribute.word+"="+quantityText(node.Status.Capacity, attribute.name))
	}
	if held := node.Annotations[heldAnnotation]; held != "" {
		words = append(words, "held="+held)
	}
	if node.Spec.Unschedulable {
		words = append(words, "unschedulable")
	}
	for _, taint := range node.Spec.Taints {
		words = append(words, "taint="+taintText(taint))
	}
	return strings.Join(append(words, pairs(node.Labels)...), " ")
}

func quantityText(list corev1.ResourceList, name corev1.ResourceName) string {
	amount, found := list[name]
	if !found {
		amount = resource.Quantity{}
	}
	return amount.String()
}
