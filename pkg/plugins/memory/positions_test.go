// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"fmt"
	"slices"
	"testing"

	fwk "k8s.io/kube-scheduler/framework"
	"pgregory.net/rapid"
)

// However the nodes of a cycle are left out, mixed and copied, a trail finds the line of each.
func TestATrailFindsWhatIsFoundOneByOne(t *testing.T) {
	fleet := newFleet(nil)
	for i := range 60 {
		fleet.node(fmt.Sprint("n", i), int64(i)*mi, 0)
	}
	book := fleet.publish()
	nodes := fleet.infos()
	slices.Reverse(nodes)                 // The scheduler's order is another one than the book's.
	known := book.positionsOf(nodes[:50]) // The others came later.
	rapid.Check(t, func(t *rapid.T) {
		var asked []fwk.NodeInfo
		cursors := make([]int, rapid.IntRange(1, 6).Draw(t, "workers"))
		for i := range cursors {
			cursors[i] = rapid.IntRange(0, len(nodes)-1).Draw(t, "begin")
		}
		for range rapid.IntRange(0, 100).Draw(t, "asked") {
			worker := rapid.IntRange(0, len(cursors)-1).Draw(t, "worker")
			node := nodes[cursors[worker]%len(nodes)]
			if rapid.IntRange(0, 9).Draw(t, "copied") == 0 {
				node = node.Snapshot()
			}
			asked = append(asked, node)
			cursors[worker] += rapid.IntRange(0, 5).Draw(t, "step")
		}
		trail := trail{book: book, known: known}
		for i, node := range asked {
			want := book.snapshot.Index(node.Node().Name)
			if got := trail.find(node); got != want {
				t.Fatalf("node %d of %d, %s: line %d, want %d", i, len(asked), node.Node().Name, got, want)
			}
			if at := slices.Index(nodes[:50], node); at >= 0 && !slices.Contains(trail.next[:], at+1) {
				t.Fatalf("after %s, %d of the list, the trail goes on at %v", node.Node().Name, at, trail.next)
			}
		}
	})
}
