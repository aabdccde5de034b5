// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
)

// book is a snapshot with the pods that were reserved and are not in it yet, added up by node. The snapshot never changes;
// the sums do, by atomic additions, so that Filter and Score take no lock.
type book struct {
	snapshot  *ledger.Snapshot
	judgement *judgement
	lines     []line // by the snapshot's node index
	asides    []aside
	positions atomic.Pointer[positions]
	// leastLeft is what the fullest fresh node has left for the Filter, in bytes, or less: a release does not raise it.
	leastLeft atomic.Int64
}

// line is what a cycle needs of every node, in bytes: what the snapshot says of it, and what pods hold that were given to it
// since. It takes 64 bytes, which come from memory at once; what only some nodes are asked for is in aside.
type line struct {
	sums sums // of what is expected
	// counted is what was given to pods since the snapshot, less what pods left that went since, as the Filter counts them.
	counted atomic.Int64
	// left is without the reserve, and held is what the node's pods hold or are counted for, of size.
	left, held, size int64
	cooling          float32
	fresh            bool
	_                int64 // so that no line is in two cache lines
}

// aside is the rest of a line.
type aside struct {
	outlook atomic.Pointer[outlook]
	// measured is the part of line.counted that was measured, and never positive.
	measured atomic.Int64
	// measuredLeft is without the reserve.
	measuredLeft int64
}

type reservation struct {
	node   string
	demand forecast.Demand
}

// books holds the current book and the reservations, each until a snapshot covers its pod.
type books struct {
	latest atomic.Pointer[book]
	kept   reserve
	asked  *atomic.Bool // about a pod, by any profile: this replica schedules

	mutex        sync.Mutex // guards reservations, and their agreement with the sums of the latest book
	reservations map[types.UID]reservation
	// departed are pods that have left their memory since the snapshot was made, with whether they were taken off a book made later.
	departed map[types.UID]bool
	leaving  *leaving
	// version counts the books, and what was given back since each was made.
	version atomic.Uint64
}

// noteAsked notes that a pod is being scheduled.
func (b *books) noteAsked() {
	if !b.asked.Load() { // A write would take the line from other cores each time.
		b.asked.Store(true)
	}
}

// reserve is what the Filter keeps free on every node.
type reserve struct {
	bytes, percent int64
}

// of returns the larger of the two on a node that has size bytes for pods.
func (r reserve) of(size int64) int64 { return max(r.bytes, size/100*r.percent) }

func newBooks(reserve reserve) *books {
	b := &books{kept: reserve, asked: &atomic.Bool{}, reservations: map[types.UID]reservation{}, departed: map[types.UID]bool{}, leaving: newLeaving()}
	// Nothing is known yet: requests decide.
	b.latest.Store(newBook(&ledger.Snapshot{Degraded: true}, reserve))
	return b
}

func (b *books) current() *book { return b.latest.Load() }

// reserve counts a pod on a node. Reserving a pod again replaces what was counted.
func (b *books) reserve(pod types.UID, node string, demand forecast.Demand) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.releaseLocked(pod)
	entry := reservation{node: node, demand: demand}
	b.reservations[pod] = entry
	b.latest.Load().count(entry, +1)
}

// release takes back what was counted for a pod; no harm if nothing was.
func (b *books) release(pod types.UID) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.releaseLocked(pod)
}

// reserved returns how many pods are counted beside the current book.
func (b *books) reserved() int {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return len(b.reservations)
}

// reservedOn returns what is counted for a pod on a node beside the current book, in bytes.
func (b *books) reservedOn(pod types.UID, node string) int64 {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if entry, ok := b.reservations[pod]; ok && entry.node == node {
		return entry.demand.FirmBytes
	}
	return 0
}

func (b *books) releaseLocked(pod types.UID) {
	if entry, ok := b.reservations[pod]; ok {
		delete(b.reservations, pod)
		b.latest.Load().count(entry, -1)
	}
}

// publish makes the snapshot the current one. Reservations of pods that it covers end; the others are counted anew.
func (b *books) publish(snapshot *ledger.Snapshot) *book {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	next := newBook(snapshot, b.kept)
	for pod, entry := range b.reservations {
		if _, covered := snapshot.Pod(pod); covered {
			delete(b.reservations, pod)
			continue
		}
		next.count(entry, +1)
	}
	for pod, again := range b.departed {
		// Either the snapshot knows that it is gone, or it does so a second time that the pod is there: its pods were listed when it
		// had left already, so that it never did. A binding that failed only for who asked for it is taken for an end.
		if again || !next.depart(pod) {
			delete(b.departed, pod)
			continue
		}
		b.departed[pod] = true
	}
	b.latest.Store(next)
	b.version.Add(1)
	return next
}

// depart takes off its node what is counted for a pod, by the snapshot or since, because the pod has left: until the next snapshot
// says so, another pod would seem to find no room, and might take a further victim.
func (b *books) depart(pod types.UID) {
	b.leaving.remove(pod)
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if _, known := b.departed[pod]; known {
		return
	}
	_, reserved := b.reservations[pod]
	b.releaseLocked(pod)
	if b.latest.Load().depart(pod) || reserved {
		b.departed[pod] = false
		b.version.Add(1)
	}
}

// since reports whether a book was made, or memory given back, after the version given: also what the store of pods alone knows.
func (b *books) since(version uint64, now time.Time) bool {
	for _, pod := range b.leaving.gone(now) {
		b.depart(pod)
	}
	return b.version.Load() != version
}

// hasDeparted reports whether the pod was taken off its node, and no snapshot has said so yet.
func (b *books) hasDeparted(pod types.UID) bool {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	_, known := b.departed[pod]
	return known
}

// depart reports whether the snapshot has the pod.
func (b *book) depart(pod types.UID) bool {
	entry, ok := b.snapshot.Pod(pod)
	if !ok {
		return false
	}
	if !entry.InNode && !entry.Earlier {
		line := &b.lines[entry.Node]
		line.counted.Add(-entry.Counted)
		b.asides[entry.Node].measured.Add(-entry.Measured)
		b.expect(entry.Node, entry.Course, -1)
	}
	return true
}

func newBook(snapshot *ledger.Snapshot, reserve reserve) *book {
	b := &book{snapshot: snapshot, judgement: &judgement{nodes: snapshot.NodeIndex()}, lines: make([]line, len(snapshot.Nodes)), asides: make([]aside, len(snapshot.Nodes))}
	b.leastLeft.Store(math.MaxInt64)
	outlooks := make([]outlook, len(snapshot.Nodes))
	for i := range snapshot.Nodes {
		node, line, aside := &snapshot.Nodes[i], &b.lines[i], &b.asides[i]
		line.size, line.fresh, line.cooling = node.Thresholds.Pods, node.State == ledger.Fresh, float32(node.Cooling)
		kept := reserve.of(line.size)
		line.left, aside.measuredLeft = node.Left-kept, node.MeasuredLeft-kept
		line.held = line.size - node.Left
		outlooks[i].fill(node)
		b.setOutlook(i, &outlooks[i])
		b.lower(i)
	}
	return b
}

// setOutlook makes the outlook the node's, with the sums that cycles read of it. It is called under the books' mutex, or before the book
// is known.
func (b *book) setOutlook(node int, outlook *outlook) {
	b.asides[node].outlook.Store(outlook)
	b.lines[node].sums.store(outlook)
}

func (b *book) count(entry reservation, sign int64) {
	if node := b.snapshot.Index(entry.node); node >= 0 {
		b.lines[node].counted.Add(sign * entry.demand.FirmBytes)
		b.expect(node, entry.demand.Course(0), float64(sign))
		b.lower(node)
	}
}

// expect adds a pod's course to what is expected on the node (sign +1), or takes it away (-1). It is called under the books'
// mutex, or before the book is known.
func (b *book) expect(node int, course forecast.Course, sign float64) {
	b.setOutlook(node, b.asides[node].outlook.Load().with(&b.snapshot.Nodes[node], course, sign))
}

// lower takes a node into leastLeft. It is called under the books' mutex, or before the book is known.
func (b *book) lower(node int) {
	if left, known := b.left(node); known && left < b.leastLeft.Load() {
		b.leastLeft.Store(left)
	}
}

// left returns what the Filter sees as left on a node, in bytes, and whether that is known.
func (b *book) left(node int) (int64, bool) {
	line := &b.lines[node]
	return line.left - line.counted.Load(), line.fresh
}
