// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
)

// book is a snapshot with the pods that were reserved and are not in it yet, added up by node. The snapshot never changes;
// the sums do, by atomic additions, so that Filter and Score take no lock.
type book struct {
	snapshot *ledger.Snapshot
	reserved []reserved // by the snapshot's node index
}

// reserved is what pods hold, in bytes, that were given to a node since the snapshot: as Filter and as Score count them.
type reserved struct{ counted, peak atomic.Int64 }

type reservation struct {
	node   string
	demand forecast.Demand
}

// books holds the current book and the reservations, each until a snapshot covers its pod.
type books struct {
	latest atomic.Pointer[book]

	mutex        sync.Mutex // guards reservations, and their agreement with the sums of the latest book
	reservations map[types.UID]reservation
}

func newBooks() *books {
	b := &books{reservations: map[types.UID]reservation{}}
	// Nothing is known yet: requests decide.
	b.latest.Store(&book{snapshot: &ledger.Snapshot{Degraded: true}})
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
	next := &book{snapshot: snapshot, reserved: make([]reserved, len(snapshot.Nodes))}
	for pod, entry := range b.reservations {
		if _, covered := snapshot.Pod(pod); covered {
			delete(b.reservations, pod)
			continue
		}
		next.count(entry, +1)
	}
	b.latest.Store(next)
	return next
}

func (b *book) count(entry reservation, sign int64) {
	if node := b.snapshot.Index(entry.node); node >= 0 {
		b.reserved[node].counted.Add(sign * entry.demand.RequestBytes)
		b.reserved[node].peak.Add(sign * entry.demand.PeakBytes)
	}
}

// left returns what the Filter sees as left on a node, in bytes, and whether that is known.
func (b *book) left(node int) (int64, bool) {
	line := &b.snapshot.Nodes[node]
	return line.Left - b.reserved[node].counted.Load(), line.State == ledger.Fresh
}
