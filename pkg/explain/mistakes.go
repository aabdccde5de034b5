// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/constraint"
)

// mistakes points out what is often meant otherwise.
func (c *cycle) mistakes() []Note {
	var notes []Note
	if target := c.target(); target != "" {
		text := fmt.Sprintf("it may go to node %s only, by matchFields metadata.name", target)
		if c.find(target) < 0 {
			text += ", and there is no such node"
			if other := c.labelled(target); other != "" {
				text += fmt.Sprintf("; it is the label %s of node %s, whose name is to be written", corev1.LabelHostname, other)
			}
		}
		notes = append(notes, Note{Kind: NotePinned, Text: text})
	}
	for _, note := range []Note{{Kind: NoteHostname, Text: c.hostname()}, {Kind: NoteAlternatives, Text: alternatives(c.pod)}} {
		if note.Text != "" {
			notes = append(notes, note)
		}
	}
	return notes
}

// target is the one node that the pod names by matchFields, as pods of DaemonSets do, or "".
func (c *cycle) target() string {
	if names, all := constraint.NodeNames(c.pod); !all && names.Len() == 1 {
		return names.UnsortedList()[0]
	}
	return ""
}

// find returns the index of a node, or -1.
func (c *cycle) find(name string) int {
	for i := range c.nodes {
		if c.name(i) == name {
			return i
		}
	}
	return -1
}

// labelled returns the name of a node whose hostname label that is, or "".
func (c *cycle) labelled(hostname string) string {
	for i := range c.nodes {
		if c.nodes[i].Node().Labels[corev1.LabelHostname] == hostname {
			return c.name(i)
		}
	}
	return ""
}

// hostname speaks of a requirement of the hostname label that names a node whose label is another.
func (c *cycle) hostname() string {
	labels := map[string]string{}
	for _, node := range c.nodes {
		labels[node.Node().Name] = node.Node().Labels[corev1.LabelHostname]
	}
	if len(c.nodes) == 0 || c.required == nil {
		return ""
	}
	for _, check := range c.required.Explain(c.nodes[0].Node()) {
		if check.Key != corev1.LabelHostname || check.IsField {
			continue
		}
		for _, value := range check.Values {
			if label, isName := labels[value]; isName && label != value {
				return fmt.Sprintf("%s asks for the label %s=%s; the node of that name has %s=%s: use matchFields metadata.name, or the label's value",
					check.Path, corev1.LabelHostname, value, corev1.LabelHostname, label)
			}
		}
	}
	return ""
}

// alternatives speaks of terms that each ask for something else: they read like one condition, and one of them is enough.
func alternatives(pod *corev1.Pod) string {
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity == nil || pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return ""
	}
	terms := pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	if len(terms) < 2 {
		return ""
	}
	seen := map[string]bool{}
	var words []string
	for i := range terms {
		var keys []string
		for _, expression := range terms[i].MatchExpressions {
			if seen[expression.Key] {
				return "" // the same key again is how alternatives are meant
			}
			keys = append(keys, expression.Key)
		}
		if len(keys) == 0 || len(terms[i].MatchFields) > 0 {
			return ""
		}
		for _, key := range keys {
			seen[key] = true
		}
		words = append(words, fmt.Sprintf("[%d] %s", i, strings.Join(keys, " and ")))
	}
	return fmt.Sprintf("nodeSelectorTerms are alternatives: one of %s is enough; to require them all, put their matchExpressions into one term", strings.Join(words, ", "))
}
