// SPDX-License-Identifier: Apache-2.0

package constraint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
)

// mostHints is how many likely mistakes are told.
const mostHints = 2

// hints finds what no node has, and what it may have been meant to be.
func hints(questions []question, index *Index) []string {
	var found []string
	for i := range questions {
		asked := func(other question) bool { return other.Wanted == questions[i].Wanted }
		if slices.ContainsFunc(questions[:i], asked) {
			continue
		}
		if hint := hintOf(&questions[i].Requirement, index); hint != "" {
			found = append(found, hint)
		}
		if len(found) == mostHints {
			break
		}
	}
	return found
}

// hintOf returns what is wrong with a requirement that no node can meet, or "".
func hintOf(requirement *Requirement, index *Index) string {
	switch {
	case requirement.IsField && requirement.operator == corev1.NodeSelectorOpIn:
		return hintOfValue("no node is called ", requirement.Values, index.names())
	case requirement.IsField || requirement.Invalid ||
		requirement.operator == corev1.NodeSelectorOpNotIn || requirement.operator == corev1.NodeSelectorOpDoesNotExist:
		return ""
	}
	values, known := index.byLabel[requirement.Key]
	switch {
	case !known:
		return fmt.Sprintf("no node has label %q", requirement.Key) + didYouMean(requirement.Key, index.keys())
	case requirement.operator != corev1.NodeSelectorOpIn:
		return ""
	}
	if requirement.Key == corev1.LabelHostname {
		for _, value := range requirement.Values {
			node := index.byName[value]
			if len(values[value]) != 0 || node == nil {
				continue
			}
			has := "has another %s label than its name"
			if _, labelled := node.Labels[requirement.Key]; !labelled {
				has = "has no label %s"
			}
			return fmt.Sprintf("node %q "+has+"; name it by matchFields metadata.name", value, requirement.Key)
		}
	}
	return hintOfValue("no node has "+requirement.Key+"=", requirement.Values, counted(values))
}

// keys counts the nodes by the keys of their labels, names by their names.
func (x *Index) keys() map[string]int {
	keys := make(map[string]int, len(x.byLabel))
	for key, values := range x.byLabel {
		for _, nodes := range values {
			keys[key] += len(nodes)
		}
	}
	return keys
}

func (x *Index) names() map[string]int {
	names := make(map[string]int, len(x.byName))
	for name := range x.byName {
		names[name] = 1
	}
	return names
}

func counted(values map[string]sets.Set[string]) map[string]int {
	counts := make(map[string]int, len(values))
	for value, nodes := range values {
		counts[value] = len(nodes)
	}
	return counts
}

// hintOfValue speaks of the first value if no node has any of them.
func hintOfValue(absent string, values []string, known map[string]int) string {
	if len(values) == 0 || slices.ContainsFunc(values, func(value string) bool { return known[value] > 0 }) {
		return ""
	}
	return absent + strconv.Quote(values[0]) + didYouMean(values[0], known)
}

// didYouMean proposes the one known word that is nearest to what was written, if there is one that is near.
func didYouMean(written string, known map[string]int) string {
	tolerated := min(len(written)/4, 3)
	if len(written) >= 3 { // shorter words are near to everything
		tolerated = max(tolerated, 1)
	}
	nearest, distance, unique := "", tolerated+1, false
	folded := fold(written)
	var d editDistance
	for word := range known {
		switch apart := d.between(folded, fold(word), distance); {
		case apart < distance:
			nearest, distance, unique = word, apart, true
		case apart == distance:
			unique = false
		}
	}
	switch {
	case nearest == "" || !unique:
		return ""
	case known[nearest] == 1:
		return fmt.Sprintf("; did you mean %q (on 1 node)?", nearest)
	}
	return fmt.Sprintf("; did you mean %q (on %d nodes)?", nearest, known[nearest])
}

// fold takes away what is written in different ways: case and punctuation.
func fold(word string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("-_. ", r) {
			return -1
		}
		return r
	}, strings.ToLower(word))
}

// editDistance computes the least number of characters to insert, remove, replace or swap with their neighbour that makes one
// word of another (optimal string alignment). It keeps its memory from word to word.
type editDistance struct{ rows [3][]int } // of the last three prefixes

// between returns the distance of two words; what is above most is returned as more than most.
func (d *editDistance) between(a, b string, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return most + 1
	}
	for i := range d.rows {
		d.rows[i] = slices.Grow(d.rows[i][:0], len(b)+1)[:len(b)+1]
	}
	for j := range d.rows[0] {
		d.rows[0][j] = j
	}
	least := 0 // of the last row: what follows is no less than those of two rows
	for i := 1; i <= len(a); i++ {
		row, above, twoAbove := d.rows[i%3], d.rows[(i+2)%3], d.rows[(i+1)%3]
		row[0] = i
		leastAbove := least
		least = i
		for j := 1; j <= len(b); j++ {
			replace := above[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(replace, above[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], twoAbove[j-2]+1)
			}
			least = min(least, row[j])
		}
		if min(least, leastAbove) > most {
			return most + 1
		}
	}
	return d.rows[len(a)%3][len(b)]
}
