// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	scheduling "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
)

// waiting holds the pods that found too little memory. A metric that falls is no event in the cluster, so nobody else
// would wake them.
type waiting struct {
	activator fwk.PodActivator
	// estimator says what a pod needs by now: what its workload was seen to hold counts less the longer none of it runs, and an
	// hour later more may be known of it.
	estimator forecast.Estimator
	// node returns the node of a name, or nil; by it only pods that may run there are woken.
	node func(name string) *corev1.Node

	never *judgement // by which nothing was offered

	mutex sync.Mutex
	pods  map[types.UID]waiter
	// latest are the last offers by the judgement of latestBy, by what was needed: pods that are offered the same share the set.
	latest   map[int64]nodeSet
	latestBy *judgement
}

// judgement is what is kept of the book by which pods were judged. Some wait long, and a book is large.
type judgement struct {
	nodes ledger.NodeIndex
}

type waiter struct {
	pod *corev1.Pod
	// requires is what decides which nodes the pod may use, as text: pods that ask alike are looked at once.
	requires string
	// offered are the nodes that offered what the pod needed when the pod was judged last, by the index of judged. That one changes
	// while pods come and go, and what it offers later was not offered then.
	judged  *judgement
	offered nodeSet
}

// nodeSet is a set of node indices.
type nodeSet []uint64

func (s nodeSet) has(i int) bool { return i>>6 < len(s) && s[i>>6]&(1<<(i&63)) != 0 }

// without returns the set without some nodes; the set itself stays as it is.
func (s nodeSet) without(nodes []int) nodeSet {
	if len(nodes) == 0 {
		return s
	}
	rest := slices.Clone(s)
	for _, i := range nodes {
		rest[i>>6] &^= 1 << (i & 63)
	}
	return rest
}

// offering returns the nodes that offer so many bytes.
func (b *book) offering(needed int64) nodeSet {
	set := make(nodeSet, (len(b.lines)+63)/64)
	for i := range b.lines {
		if b.offers(i, needed) {
			set[i>>6] |= 1 << (i & 63)
		}
	}
	return set
}

func newWaiting(activator fwk.PodActivator, estimator forecast.Estimator) *waiting {
	return &waiting{
		activator: activator, estimator: estimator, never: &judgement{}, pods: map[types.UID]waiter{},
		node: func(string) *corev1.Node { return nil },
	}
}

// add takes in a pod that found no room by the book, where it needed so many bytes.
func (w *waiting) add(pod *corev1.Pod, needed int64, judged *book) {
	waiter := waiter{pod: pod, requires: requires(pod), judged: judged.judgement, offered: judged.offering(needed)}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.latestBy != judged.judgement {
		w.latest, w.latestBy = map[int64]nodeSet{}, judged.judgement
	}
	if slices.Equal(w.latest[needed], waiter.offered) {
		waiter.offered = w.latest[needed]
	}
	w.latest[needed] = waiter.offered
	w.pods[pod.UID] = waiter
}

// expect takes in a pod that some node may soon have room for. One that waits already waits for any such node.
func (w *waiting) expect(pod *corev1.Pod) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if _, waits := w.pods[pod.UID]; !waits {
		w.pods[pod.UID] = waiter{pod: pod, requires: requires(pod), judged: w.never}
	}
}

// freed lets a node count as one that offered nothing: a pod was nominated to it, beside which others may have been rejected though the book
// offered what they need, and is placed elsewhere. No event tells the scheduling queue of that.
func (w *waiting) freed(node string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for uid, waiter := range w.pods {
		if i := waiter.judged.nodes.Of(node); i >= 0 && waiter.offered.has(i) {
			waiter.offered = waiter.offered.without([]int{i})
			w.pods[uid] = waiter
		}
	}
}

// retain forgets pods that do not wait any more: they went while they were judged.
func (w *waiting) retain(waits func(*corev1.Pod) bool) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	maps.DeleteFunc(w.pods, func(_ types.UID, waiter waiter) bool { return !waits(waiter.pod) })
}

func (w *waiting) remove(pod types.UID) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	delete(w.pods, pod)
}

func (w *waiting) count() int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return len(w.pods)
}

// wake activates the pods for which a node has room by the new book, by what they need now, that had none by the book that judged
// them: as many as that room holds, the most important and then the oldest first. It returns how many.
func (w *waiting) wake(logger klog.Logger, now *book) int {
	w.mutex.Lock()
	judged := maps.Clone(w.pods)
	w.latest, w.latestBy = nil, nil // of a book that is over
	w.mutex.Unlock()
	// Not under the lock, which PostFilter takes: many pods and many nodes take their time.
	activated := map[string]*corev1.Pod{}
	prospects := newProspects(w, now)
	for _, waiter := range slices.SortedFunc(maps.Values(judged), inTurn) {
		uid := waiter.pod.UID
		demand := w.estimator.Demand(waiter.pod)
		prospect := prospects.of(waiter, demand.FirmBytes)
		outcome := prospects.turn(prospect, demand)
		if outcome == wakes {
			activated[klog.KObj(waiter.pod).String()] = waiter.pod
		}
		w.mutex.Lock()
		current, ok := w.pods[uid] // It may have been judged anew, or gone, meanwhile, or wait for another node.
		if ok && current.judged == waiter.judged && slices.Equal(current.offered, waiter.offered) {
			switch outcome {
			case wakes:
				delete(w.pods, uid)
			case staysOut:
				waiter.judged, waiter.offered = now.judgement, prospect.offered
				w.pods[uid] = waiter
			case comesNext: // Its turn comes by a later book if what was promised is left over.
			}
		}
		w.mutex.Unlock()
	}
	if len(activated) != 0 {
		w.activator.Activate(logger, activated)
	}
	return len(activated)
}

// inTurn compares pods by whose turn comes first: the most important one's, and of equals the oldest one's.
func inTurn(a, b waiter) int {
	return cmp.Or(
		cmp.Compare(scheduling.PodPriority(b.pod), scheduling.PodPriority(a.pod)),
		a.pod.CreationTimestamp.Compare(b.pod.CreationTimestamp.Time),
		cmp.Compare(a.pod.UID, b.pod.UID),
	)
}

// offers reports whether the Filter would let a pod onto the node that needs so many bytes.
func (b *book) offers(node int, needed int64) bool {
	left, known := b.left(node)
	return !known || left >= needed
}
