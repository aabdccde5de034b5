// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"maps"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// waiting holds the pods that found too little memory. A metric that falls is no event in the cluster, so nobody else
// would wake them.
type waiting struct {
	activator fwk.PodActivator

	mutex sync.Mutex
	pods  map[types.UID]waiter
}

type waiter struct {
	pod    *corev1.Pod
	needed int64 // bytes that a node must have left
	judged *book // the book by which it was rejected last
}

func newWaiting(activator fwk.PodActivator) *waiting {
	return &waiting{activator: activator, pods: map[types.UID]waiter{}}
}

func (w *waiting) add(pod *corev1.Pod, needed int64, judged *book) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.pods[pod.UID] = waiter{pod: pod, needed: needed, judged: judged}
}

func (w *waiting) remove(pod types.UID) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	delete(w.pods, pod)
}

// wake activates the pods for which a node has room by the new book that had none by the book that judged them.
func (w *waiting) wake(logger klog.Logger, now *book) {
	w.mutex.Lock()
	judged := maps.Clone(w.pods)
	w.mutex.Unlock()
	// Not under the lock, which PostFilter takes: many pods times many nodes take their time.
	activated := map[string]*corev1.Pod{}
	for uid, waiter := range judged {
		fits := waiter.fits(now)
		if fits {
			activated[klog.KObj(waiter.pod).String()] = waiter.pod
		}
		w.mutex.Lock()
		if w.pods[uid] == waiter { // It may have been judged anew, or gone, meanwhile.
			if fits {
				delete(w.pods, uid)
			} else {
				waiter.judged = now
				w.pods[uid] = waiter
			}
		}
		w.mutex.Unlock()
	}
	if len(activated) != 0 {
		w.activator.Activate(logger, activated)
	}
}

// fits reports whether some node offers now what it did not offer when the pod was judged: enough bytes, or no fresh sample
// any more, which leaves the decision to requests.
func (w waiter) fits(now *book) bool {
	if now.snapshot.Degraded {
		return true
	}
	for i := range now.snapshot.Nodes {
		if !now.offers(i, w.needed) {
			continue
		}
		before := w.judged.snapshot.Index(now.snapshot.Nodes[i].Name)
		if before < 0 || !w.judged.offers(before, w.needed) {
			return true
		}
	}
	return false
}

// offers reports whether the Filter would let a pod onto the node that needs so many bytes.
func (b *book) offers(node int, needed int64) bool {
	left, known := b.left(node)
	return !known || left >= needed
}
