// SPDX-License-Identifier: Apache-2.0

package memory

import (
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// positions are where lines of a book are, by the scheduler's own node objects. Those stay the same from cycle to cycle and
// never change their name, and to find one by its address touches less memory than by its name.
type positions struct {
	list    []position // in the scheduler's order
	objects map[*framework.NodeInfo]place
}

type position struct {
	object *framework.NodeInfo
	line   int
}

// place is where an object is in the list, and its line.
type place struct{ at, line int32 }

// positionsOf returns the positions of all nodes of a cycle, which a book's first cycle looks up. Nodes that come later are found by name
// until the next book.
func (b *book) positionsOf(nodes []fwk.NodeInfo) *positions {
	if known := b.positions.Load(); known != nil || len(nodes) == 0 {
		return known
	}
	known := &positions{list: make([]position, 0, len(nodes)), objects: make(map[*framework.NodeInfo]place, len(nodes))}
	for _, node := range nodes {
		if object, ok := node.(*framework.NodeInfo); ok {
			if i := b.snapshot.Index(object.Node().Name); i >= 0 {
				known.objects[object] = place{at: int32(len(known.list)), line: int32(i)}
				known.list = append(known.list, position{object, i})
			}
		}
	}
	b.positions.Store(known)
	return known
}

// find returns the index of a node's line, or -1. The objects of preemption dry runs are copies: they are found by name.
func (b *book) find(known *positions, node fwk.NodeInfo) int {
	if object, ok := node.(*framework.NodeInfo); ok && known != nil {
		if place, ok := known.objects[object]; ok {
			return int(place.line)
		}
	}
	return b.snapshot.Index(node.Node().Name)
}

const (
	workers = 4 // that are told apart
	skipped = 3 // nodes in a row that are left out
)

// trail finds nodes that come in the scheduler's order, more or less: some are left out, and those of several workers are mixed.
// It looks where each worker is, in memory that is read from one end to the other, before it looks in a map.
type trail struct {
	book   *book
	known  *positions
	next   [workers]int // in the list
	oldest int
}

// find returns the index of the node's line, or -1.
func (t *trail) find(node fwk.NodeInfo) int {
	object, ok := node.(*framework.NodeInfo)
	if !ok || t.known == nil {
		return t.book.find(nil, node)
	}
	list := t.known.list
	for worker, next := range t.next {
		for at := next; at <= min(next+skipped, len(list)-1); at++ {
			if list[at].object == object {
				t.next[worker] = at + 1
				return list[at].line
			}
		}
	}
	place, ok := t.known.objects[object]
	if !ok {
		return t.book.find(nil, node)
	}
	t.next[t.oldest] = int(place.at) + 1
	t.oldest = (t.oldest + 1) % workers
	return int(place.line)
}

// fetch reads a word of all that scores need of the lines, so that the rest is there when it is asked for. It is not inlined: where
// nobody uses what was read, it would not be read.
//
//go:noinline
func (b *book) fetch(lines []int, flat bool) (read float64) {
	for _, i := range lines {
		if i >= 0 {
			read += float64(b.lines[i].cooling)
			if !flat {
				read += b.asides[i].outlook.Load().hours[0]
			}
		}
	}
	return read
}
