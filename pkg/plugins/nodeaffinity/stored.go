// SPDX-License-Identifier: Apache-2.0

package nodeaffinity

import (
	"fmt"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/tools/cache"
	fwk "k8s.io/kube-scheduler/framework"
)

// mostBehind is how many nodes are noted one by one, before all are compared: nobody may ever ask, as in a profile that no pod names.
const mostBehind = 1000

// storedNodes tells that the scheduler's nodes cannot have changed, so that they need not be compared one by one.
//
// The scheduler's cache follows the events of an informer, later than its store: that nothing changes in the store says nothing of a cache
// that lags. But once a snapshot has just the objects of the store, it keeps them for as long as the store does. An index function is told
// of every change within the store's own update, before any handler is.
type storedNodes struct {
	store cache.Store
	most  int // how many nodes are noted one by one

	version atomic.Uint64 // counts what the index function is told
	mutex   sync.Mutex
	// behind are nodes that changed in the store, and that the snapshot was not seen to have as they are there.
	behind sets.Set[string]
	many   bool // too many to note: any may be behind
}

// newStoredNodes follows a store by an index function that it adds to it. It returns nil where the store takes no more.
func newStoredNodes(store cache.Store, add func(cache.Indexers) error) *storedNodes {
	s := &storedNodes{store: store, most: mostBehind, behind: sets.Set[string]{}}
	name := fmt.Sprintf("%s/%p", Name, s) // Every profile has a plugin, and another indexer of the same name would be refused.
	if err := add(cache.Indexers{name: s.changed}); err != nil {
		return nil
	}
	return s
}

// changed notes the old and the new object of a change. There is nothing to index.
func (s *storedNodes) changed(object any) ([]string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if node, ok := object.(*corev1.Node); ok && !s.many {
		s.behind.Insert(node.Name)
	}
	if len(s.behind) > s.most {
		s.behind, s.many = sets.Set[string]{}, true
	}
	s.version.Add(1)
	return nil, nil
}

// reached reports whether a snapshot has just the nodes of the store.
func (s *storedNodes) reached(snapshot fwk.NodeInfoLister) bool {
	all, err := snapshot.List()
	if err != nil {
		return false
	}
	s.mutex.Lock()
	behind, many := s.behind, s.many
	s.behind, s.many = sets.Set[string]{}, false
	s.mutex.Unlock() // The store tells of a change while it is locked itself.

	// Nobody tells of nodes that a list which replaces all does without, and a store that is not filled has none.
	if s.catchUp(behind, snapshot) && (!many || s.hasAll(all)) && len(all) == len(s.store.ListKeys()) {
		return true
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.many = s.many || many; s.many {
		behind = nil
	}
	s.behind = s.behind.Union(behind)
	return false
}

// catchUp takes out of the nodes that are behind those that the snapshot has as the store does, and reports whether none is left.
func (s *storedNodes) catchUp(behind sets.Set[string], snapshot fwk.NodeInfoLister) bool {
	for name := range behind {
		stored, exists, err := s.store.GetByKey(name)
		if err != nil {
			continue
		}
		// Where there is none, neither is there a node that equals it.
		if info, err := snapshot.Get(name); err == nil && info.Node() == stored || err != nil && !exists {
			behind.Delete(name)
		}
	}
	return len(behind) == 0
}

// hasAll reports whether all nodes of a snapshot are the store's.
func (s *storedNodes) hasAll(all []fwk.NodeInfo) bool {
	for _, info := range all {
		if stored, _, err := s.store.GetByKey(info.Node().Name); err != nil || stored != info.Node() {
			return false
		}
	}
	return true
}
