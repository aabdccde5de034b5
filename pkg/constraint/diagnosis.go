// SPDX-License-Identifier: Apache-2.0

package constraint

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Diagnosis says why nodes do not match: which requirement stands in the way of how many, and what they have instead.
type Diagnosis struct {
	// Nodes is the number of nodes looked at, Matching that of those that match all.
	Nodes, Matching int
	// NotAdded is the number of nodes that the added terms do not match. The others are judged by the pod's own requirements.
	NotAdded int
	// Removed has the requirements that stand in the way, the one of most nodes first. Each node counts once: with the
	// first requirement it does not meet, of the alternative of which it misses fewest. What several alternatives ask alike is one.
	Removed []Removal
	// Nearest are nodes that miss one requirement only, NearestMiss: of several the one that fewest nodes miss; at most
	// nearestNodes names. They are given where no node matches and some miss more.
	Nearest     []string
	NearestMiss Requirement
	// Hints are likely mistakes of the pod, in words.
	Hints []string
}

// Removal is a requirement and the nodes that do not meet it.
type Removal struct {
	Requirement
	Nodes int
	// Without is the number of nodes that do not have the label at all.
	Without int
	// Instead is how many nodes have which other value, the most frequent first.
	Instead []ValueCount
}

// ValueCount is a value of a label and the number of nodes that have it.
type ValueCount struct {
	Value string
	Nodes int
}

// nearestNodes is how many of the nearest nodes are named.
const nearestNodes = 3

// Diagnose judges every node of the index. added may be nil.
func Diagnose(required *Required, added *Terms, index *Index) *Diagnosis {
	questions := required.questions()
	d := &Diagnosis{Nodes: len(index.list)}
	counts := make([]removal, len(questions))
	far := 0
	for _, node := range index.list {
		switch {
		case added != nil && !added.Match(node):
			d.NotAdded++
			continue
		case required.Match(node):
			d.Matching++
			continue
		}
		first, missed := firstMissed(questions, node)
		counts[first].count(&questions[first], node)
		if missed > 1 {
			far++
			continue
		}
		if counts[first].near++; counts[first].near <= nearestNodes {
			counts[first].nearest = append(counts[first].nearest, node.Name)
		}
	}
	if d.Matching == 0 && far > 0 {
		d.nearest(questions, counts)
	}
	if d.Matching == 0 && d.NotAdded < d.Nodes {
		d.Hints = hints(questions, index)
	}
	firsts := map[string]*removal{} // by what is wanted
	for i := range counts {
		if first, ok := firsts[questions[i].Wanted]; ok {
			first.add(&counts[i])
		} else {
			firsts[questions[i].Wanted] = &counts[i]
		}
	}
	for i := range counts {
		if counts[i].Nodes > 0 {
			counts[i].Requirement = questions[i].Requirement
			d.Removed = append(d.Removed, counts[i].sorted())
		}
	}
	slices.SortStableFunc(d.Removed, func(a, b Removal) int { return b.Nodes - a.Nodes })
	return d
}

// firstMissed returns the first question that the node does not answer: of the nodeSelector, else of the alternative of which
// it misses fewest. missed is how many of both it misses.
func firstMissed(questions []question, node *corev1.Node) (first, missed int) {
	first = -1
	ofSelector, best, firstOfBest := 0, -1, -1
	for i := 0; i < len(questions); {
		alternative, ofThis, firstOfThis := questions[i].Alternative, 0, -1
		for ; i < len(questions) && questions[i].Alternative == alternative; i++ {
			if met, _, _ := questions[i].ask(node); met {
				continue
			}
			if ofThis++; questions[i].Invalid {
				ofThis = len(questions) // whatever it asks: no node can meet it
			}
			if firstOfThis < 0 {
				firstOfThis = i
			}
		}
		switch {
		case alternative == Selector:
			ofSelector, first = ofThis, firstOfThis
		case best < 0 || ofThis < best:
			best, firstOfBest = ofThis, firstOfThis
		}
	}
	if first < 0 {
		first = firstOfBest
	}
	return first, ofSelector + max(best, 0)
}

// removal is a Removal while it is counted.
type removal struct {
	Removal
	instead map[string]int
	near    int // nodes that miss nothing else
	nearest []string
}

func (r *removal) count(of *question, node *corev1.Node) {
	r.Nodes++
	_, found, present := of.ask(node)
	if !present {
		r.Without++
		return
	}
	if of.IsField { // Each node has a name of its own.
		return
	}
	if r.instead == nil {
		r.instead = map[string]int{}
	}
	r.instead[found]++
}

// add takes over the nodes of an alternative that asks the same.
func (r *removal) add(other *removal) {
	r.Nodes += other.Nodes
	r.Without += other.Without
	for value, nodes := range other.instead {
		if r.instead == nil {
			r.instead = map[string]int{}
		}
		r.instead[value] += nodes
	}
	other.Nodes = 0
}

func (r *removal) sorted() Removal {
	for _, value := range slices.Sorted(maps.Keys(r.instead)) {
		r.Instead = append(r.Instead, ValueCount{value, r.instead[value]})
	}
	slices.SortStableFunc(r.Instead, func(a, b ValueCount) int { return b.Nodes - a.Nodes })
	return r.Removal
}

// nearest names the nodes that miss one requirement only: those of the requirement of which there are fewest, since that is
// the one to look at.
func (d *Diagnosis) nearest(questions []question, counts []removal) {
	fewest := 0
	for i := range counts {
		if near := counts[i].near; near > 0 && (fewest == 0 || near < fewest) {
			fewest, d.Nearest, d.NearestMiss = near, counts[i].nearest, questions[i].Requirement
		}
	}
}
