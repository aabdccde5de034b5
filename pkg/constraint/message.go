// SPDX-License-Identifier: Apache-2.0

package constraint

import (
	"fmt"
	"strings"
)

// The texts begin with these phrases, which are those of the in-tree plugin: users' alerts and tools look for them.
const (
	// PhrasePod is of nodes that the pod's own constraints do not match.
	PhrasePod = "node(s) didn't match Pod's node affinity/selector"
	// PhraseAdded is of nodes that the added affinity does not match.
	PhraseAdded = "node(s) didn't match scheduler-enforced node affinity"
)

// An event holds 1,024 bytes, which the words of other plugins share. So a diagnosis is told in less, and what is left out
// is counted.
const (
	mostMessage  = 600 // bytes of a whole message
	mostRemovals = 4
	mostInstead  = 3
	mostHint     = 200
	mostWord     = 63 // of a value
	mostWanted   = mostValues + mostWord
)

// Message tells the diagnosis in at most 600 bytes, most important first. It begins with the number of nodes and the phrase.
func (d *Diagnosis) Message() string {
	var parts []string
	if d.NotAdded > 0 {
		parts = append(parts, fmt.Sprintf("%d %s", d.NotAdded, PhraseAdded))
	}
	if removed := d.Nodes - d.Matching - d.NotAdded; removed > 0 {
		parts = append(parts, fmt.Sprintf("%d %s: %s", removed, PhrasePod, d.removals()))
	}
	return join(parts, d.Advice(), mostMessage)
}

// Unnamed is the message about so many nodes that do not have the names which are all that is required.
func Unnamed(required *Required, nodes int) string {
	d := Diagnosis{Nodes: nodes, Removed: []Removal{{Requirement: Requirement{Wanted: required.MissText(0), IsField: true}, Nodes: nodes}}}
	return d.Message()
}

// Advice tells what a reader can do about it: the nearest miss and likely mistakes. It is "" if there is nothing to tell.
func (d *Diagnosis) Advice() string {
	var parts []string
	for _, hint := range d.Hints {
		parts = append(parts, shortened(hint, mostHint))
	}
	if len(d.Nearest) > 0 {
		parts = append(parts, "nearest: "+strings.Join(d.Nearest, ", ")+", but for "+shortened(d.NearestMiss.Wanted, mostHint))
	}
	return strings.Join(parts, "; ")
}

// Instead tells what nodes have that do not match, for readers who know which requirement it is about, in at most so many bytes.
func (d *Diagnosis) Instead(most int) string {
	return join([]string{d.removals()}, d.Advice(), min(most, mostMessage))
}

func join(parts []string, advice string, most int) string {
	if advice != "" {
		parts = append(parts, advice)
	}
	return shortened(strings.Join(parts, "; "), most)
}

func (d *Diagnosis) removals() string {
	var parts []string
	others := 0
	for i := range d.Removed {
		if i >= mostRemovals {
			others += d.Removed[i].Nodes
			continue
		}
		parts = append(parts, d.Removed[i].text())
	}
	if others > 0 {
		parts = append(parts, fmt.Sprintf("%d by %d other requirements", others, len(d.Removed)-mostRemovals))
	}
	return strings.Join(parts, ", ")
}

func (r *Removal) text() string {
	text := fmt.Sprintf("%d by %s", r.Nodes, shortened(r.Wanted, mostWanted))
	var found []string
	others := 0
	for i, instead := range r.Instead {
		if i >= mostInstead {
			others += instead.Nodes
			continue
		}
		found = append(found, fmt.Sprintf("%q on %d", shortened(instead.Value, mostWord), instead.Nodes))
	}
	if others > 0 {
		found = append(found, fmt.Sprintf("%d other values on %d", len(r.Instead)-mostInstead, others))
	}
	if r.Without > 0 && !r.IsField && !r.Invalid {
		found = append(found, fmt.Sprintf("no such label on %d", r.Without))
	}
	if len(found) == 0 || r.IsField {
		return text
	}
	return text + " (" + strings.Join(found, ", ") + ")"
}

// shortened cuts a text to so many bytes; label keys and values are ASCII.
func shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-3], "") + "..."
}
