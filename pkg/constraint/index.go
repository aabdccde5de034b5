// SPDX-License-Identifier: Apache-2.0

package constraint

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/util/sets"
)

// Index finds the nodes that a selective constraint matches without visiting the others. It follows one list of nodes, to
// which Sync brings it; what it answers holds for the list of the last Sync. It is not safe for concurrent use.
type Index struct {
	list   []*corev1.Node // as of the last Sync
	byName map[string]*corev1.Node
	// byLabel has the names of the nodes by key and value of their labels.
	byLabel map[string]map[string]sets.Set[string]
	version int
}

// NewIndex returns an index of no nodes.
func NewIndex() *Index {
	return &Index{byName: map[string]*corev1.Node{}, byLabel: map[string]map[string]sets.Set[string]{}}
}

// Version is another number after every Sync that brought other nodes, or other labels of a node.
func (x *Index) Version() int { return x.version }

// Sync brings the index to a list of nodes, which the caller keeps. A node object must not change while it is in the list: a
// changed node is another object, as in an informer's store. It costs a comparison of pointers a node, and for a node that
// is another object, one of labels.
func (x *Index) Sync(nodes []*corev1.Node) {
	same := len(x.list) == len(nodes)
	if !same {
		x.list = append(x.list[:0], make([]*corev1.Node, len(nodes))...)
	}
	moved := !same
	for i, current := range nodes {
		previous := x.list[i]
		if current == previous {
			continue
		}
		x.list[i] = current
		if previous == nil || previous.Name != current.Name {
			moved = true
		}
		x.put(current)
	}
	if moved {
		x.dropOthers()
	}
}

// put adds a node, or replaces the one of its name.
func (x *Index) put(node *corev1.Node) {
	previous, known := x.byName[node.Name]
	if known && previous == node { // it only has another place in the list
		return
	}
	x.byName[node.Name] = node
	if known {
		if maps.Equal(previous.Labels, node.Labels) {
			return
		}
		x.unlabel(previous)
	}
	x.version++
	for key, value := range node.Labels {
		values, ok := x.byLabel[key]
		if !ok {
			values = map[string]sets.Set[string]{}
			x.byLabel[key] = values
		}
		names, ok := values[value]
		if !ok {
			names = sets.Set[string]{}
			values[value] = names
		}
		names.Insert(node.Name)
	}
}

func (x *Index) unlabel(node *corev1.Node) {
	for key, value := range node.Labels {
		names := x.byLabel[key][value]
		names.Delete(node.Name)
		if len(names) == 0 {
			delete(x.byLabel[key], value)
		}
		if len(x.byLabel[key]) == 0 {
			delete(x.byLabel, key)
		}
	}
}

// dropOthers takes out the nodes that are no longer in the list.
func (x *Index) dropOthers() {
	if len(x.byName) == len(x.list) { // Names are unique: nobody left.
		return
	}
	listed := make(sets.Set[string], len(x.list))
	for _, node := range x.list {
		listed.Insert(node.Name)
	}
	for name, node := range x.byName {
		if !listed.Has(name) {
			x.unlabel(node)
			delete(x.byName, name)
			x.version++
		}
	}
}

// Find returns the names of all nodes that match what is required and what is added (nil: nothing is). ok is false where
// the index is of no use: no part of the constraint narrows the search to so few nodes. Names and labels that a node
// must have narrow it; NotIn and DoesNotExist match what does not have the label as well.
func (x *Index) Find(required *Required, added *Terms, most int) (names sets.Set[string], ok bool) {
	best := candidates{size: most + 1}
	for i := range required.selector {
		found := x.byLabel[required.selector[i].key][required.selector[i].value]
		best = best.orFewer(candidates{size: len(found), sets: []sets.Set[string]{found}})
	}
	for _, terms := range []*Terms{required.affinity, added} {
		if terms == nil {
			continue
		}
		if found, bounded := x.ofTerms(terms, most); bounded {
			best = best.orFewer(found)
		}
	}
	if best.size > most {
		return nil, false
	}
	names = sets.Set[string]{}
	for _, set := range best.sets {
		for name := range set {
			if node, known := x.byName[name]; known && required.Match(node) && (added == nil || added.Match(node)) {
				names.Insert(name)
			}
		}
	}
	return names, true
}

// candidates are nodes that include all that match: the union of sets, which has at most size nodes.
type candidates struct {
	size int
	sets []sets.Set[string]
}

func (c candidates) orFewer(other candidates) candidates {
	if other.size < c.size {
		return other
	}
	return c
}

// ofTerms returns candidates for terms that are ORed: those of each term together. bounded is false if some term can match
// nodes that the index cannot name, or there are more than most.
func (x *Index) ofTerms(terms *Terms, most int) (all candidates, bounded bool) {
	for i := range terms.terms {
		if len(terms.terms[i].faults) != 0 { // It matches nothing.
			continue
		}
		found, ok := x.ofTerm(&terms.terms[i], most)
		if !ok || all.size+found.size > most {
			return candidates{}, false
		}
		all.size += found.size
		all.sets = append(all.sets, found.sets...)
	}
	return all, true
}

// ofTerm returns the fewest candidates that one requirement of a term gives, since its requirements are ANDed, if that are no more than
// most.
func (x *Index) ofTerm(term *term, most int) (fewest candidates, ok bool) {
	for i := range term.fields {
		if name, isName := term.fields[i].nodeName(); isName {
			return candidates{size: 1, sets: []sets.Set[string]{sets.New(name)}}, true
		}
	}
	for i := range term.labels {
		found, positive := x.ofLabels(&term.labels[i], most)
		if positive && (!ok || found.size < fewest.size) {
			fewest, ok = found, true
		}
	}
	return fewest, ok
}

// ofLabels returns the nodes that a requirement on labels matches, if it is one that only nodes with the label match, no more than most.
func (x *Index) ofLabels(requirement *labels.Requirement, most int) (found candidates, positive bool) {
	values := x.byLabel[requirement.Key()]
	switch requirement.Operator() {
	case selection.In:
		for _, value := range requirement.ValuesUnsorted() {
			if found.size += len(values[value]); found.size > most {
				return candidates{}, false
			}
			found.sets = append(found.sets, values[value])
		}
		return found, true
	case selection.Exists, selection.GreaterThan, selection.LessThan:
		for _, names := range values {
			if found.size += len(names); found.size > most { // Some labels have as many values as there are nodes.
				return candidates{}, false
			}
			found.sets = append(found.sets, names)
		}
		return found, true
	default:
		return candidates{}, false
	}
}
