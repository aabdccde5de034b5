// SPDX-License-Identifier: Apache-2.0

package nodeaffinity

import (
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/constraint"
)

const (
	// mostNarrowed is the most nodes that a search is narrowed to. kube-scheduler stops looking after 100 feasible nodes at
	// the earliest (k8s.io/kubernetes pkg/scheduler/schedule_one.go, minFeasibleNodesToFind): up to here it scores all that
	// match, narrowed or not, so that narrowing changes no placement.
	mostNarrowed = 100
	// leastGain is how many times fewer nodes are worth the trouble.
	leastGain = 10
)

// narrowing finds the few nodes that a selective pod matches. Its index follows the scheduler's snapshot: every cycle that
// needs it compares the snapshot's node objects with those that it has seen, unless they cannot have changed, so it never lags.
type narrowing struct {
	handle fwk.Handle
	stored *storedNodes // nil: always compare

	mutex sync.Mutex
	seen  []*corev1.Node // the node objects of the snapshot that the index is of
	index *constraint.Index
	// version is the store's at the last cycle, and quiet counts the cycles since it was another one, up to patience. settled is true where
	// all nodes were seen, and were those of the store at the version.
	version         uint64
	quiet, patience int
	settled         bool

	diagnoses diagnoses
}

// newNarrowing returns a narrowing that compares in every cycle where there is no handle, or none with informers.
func newNarrowing(handle fwk.Handle) *narrowing {
	n := &narrowing{handle: handle, index: constraint.NewIndex(), patience: usualPatience}
	if handle == nil {
		return n
	}
	if factory := handle.SharedInformerFactory(); factory != nil {
		informer := factory.Core().V1().Nodes().Informer()
		n.stored = newStoredNodes(informer.GetStore(), informer.AddIndexers)
	}
	return n
}

// find returns the names of all nodes of the snapshot that match. ok is false if that is not worth it: then all nodes are
// to be visited.
func (n *narrowing) find(required *constraint.Required, added *constraint.Terms, nodes []fwk.NodeInfo) (names sets.Set[string], ok bool) {
	most := min(mostNarrowed, len(nodes)/leastGain)
	if most == 0 {
		return nil, false
	}
	// Scheduling cycles come one after another, and one that does not is not worth waiting for.
	if !n.mutex.TryLock() {
		return nil, false
	}
	defer n.mutex.Unlock()
	n.follow(nodes)
	return n.index.Find(required, added, most)
}

// diagnose finds out why nodes do not match. It judges all of them, and is called only for a pod that finds no place.
func (n *narrowing) diagnose(pod *corev1.Pod, required *constraint.Required, added *constraint.Terms, nodes []fwk.NodeInfo) *constraint.Diagnosis {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.follow(nodes)
	return n.diagnoses.of(pod, n.index, func() *constraint.Diagnosis { return constraint.Diagnose(required, added, n.index) })
}

// usualPatience is for how many cycles the store must not change before the snapshot is held against it, which takes as long as comparing all
// nodes so many times: where nodes change all the time, as by their kubelets' heartbeats in a large cluster, it would never pay.
const usualPatience = 4

// follow brings the index to the snapshot. Where nothing changed for some cycles it takes a look at a counter, and else one comparison a
// node.
func (n *narrowing) follow(nodes []fwk.NodeInfo) {
	if n.stored == nil {
		n.compare(nodes)
		return
	}
	version := n.stored.version.Load()
	if n.settled && n.version == version && len(n.seen) == len(nodes) {
		return
	}
	n.compare(nodes)
	if n.version != version {
		n.version, n.quiet = version, 0
	}
	n.settled = false
	if n.quiet++; n.quiet < n.patience {
		return
	}
	n.quiet = 0
	snapshot := n.handle.SnapshotSharedLister().NodeInfos()
	all, err := snapshot.List()
	whole := err == nil && len(all) == len(nodes) // not those of a pod group's placement
	n.settled = whole && n.stored.reached(snapshot)
}

// compare looks at every node.
func (n *narrowing) compare(nodes []fwk.NodeInfo) {
	changed := len(nodes) != len(n.seen)
	for i := 0; i < len(nodes) && !changed; i++ {
		// Asking the object itself, and not through the interface, lets the processor ask for many at once.
		info, ok := nodes[i].(*framework.NodeInfo)
		changed = !ok || info.Node() != n.seen[i]
	}
	if !changed {
		return
	}
	n.seen = n.seen[:0]
	for _, info := range nodes {
		n.seen = append(n.seen, info.Node())
	}
	n.index.Sync(n.seen)
}
