// SPDX-License-Identifier: Apache-2.0

package memory

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

// podHandler takes in at once what the next book would find out, where a pod may be tried before that.
func (k *keeper) podHandler() cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(added any) {
			if pod, ok := added.(*corev1.Pod); ok && !ledger.StopsBy(pod).IsZero() {
				k.books.leaving.add(pod)
			}
			k.change()
		},
		UpdateFunc: func(before, updated any) {
			if pod, ok := updated.(*corev1.Pod); ok {
				old, _ := before.(*corev1.Pod)
				k.updated(old, pod)
			}
			k.change()
		},
		DeleteFunc: func(deleted any) {
			if tombstone, ok := deleted.(cache.DeletedFinalStateUnknown); ok {
				deleted = tombstone.Obj
			}
			if pod, ok := deleted.(*corev1.Pod); ok {
				k.deleted(pod)
			}
			k.change()
		},
	}
}

// updated takes in that a pod changed, from old, which is nil where that is not known.
func (k *keeper) updated(old, pod *corev1.Pod) {
	if pod.Spec.NodeName != "" {
		k.waiting.remove(pod.UID)
	}
	switch {
	case old == nil:
		return
	case old.UID != pod.UID: // It was deleted and made anew while nobody watched.
		k.deleted(old)
	case ledger.LetGo(ledger.StopsBy(old), pod, k.clock.Now()):
		k.ended(pod)
	case !ledger.StopsBy(pod).IsZero():
		k.books.leaving.add(pod)
	}
	if nominated := old.Status.NominatedNodeName; nominated != "" && !isFor(pod, nominated) {
		k.waiting.freed(nominated)
	}
}

// isFor reports whether a pod is on the node, or still nominated to it.
func isFor(pod *corev1.Pod, node string) bool {
	if pod.Spec.NodeName != "" {
		return pod.Spec.NodeName == node
	}
	return pod.Status.NominatedNodeName == node
}

// deleted takes in that a pod is gone from the API.
func (k *keeper) deleted(pod *corev1.Pod) {
	k.waiting.remove(pod.UID)
	k.books.release(pod.UID)
	k.books.leaving.remove(pod.UID)
	if leftItsMemory(pod, k.clock.Now()) {
		k.ended(pod)
		return
	}
	k.history.left(pod, false)
}

// ended takes in that nothing of a pod runs any more: the book has it back at once, and the next one, which may not have seen it on its way
// out, does not take it for one that vanished.
func (k *keeper) ended(pod *corev1.Pod) {
	k.history.left(pod, true)
	k.books.depart(pod.UID)
}

func (k *keeper) nodeHandler() cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { k.change() },
		UpdateFunc: func(before, after any) {
			// The kubelet's heartbeat updates nodes all the time; only their memory matters here.
			old, oldOK := before.(*corev1.Node)
			updated, updatedOK := after.(*corev1.Node)
			if oldOK && updatedOK && sameMemory(old, updated) {
				return
			}
			k.change()
		},
		DeleteFunc: func(any) { k.change() },
	}
}

func sameMemory(a, b *corev1.Node) bool {
	return a.Status.Capacity.Memory().Cmp(*b.Status.Capacity.Memory()) == 0 &&
		a.Status.Allocatable.Memory().Cmp(*b.Status.Allocatable.Memory()) == 0 &&
		a.Annotations[threshold.EvictionHardAnnotation] == b.Annotations[threshold.EvictionHardAnnotation] &&
		pressure(a) == pressure(b)
}

func pressure(node *corev1.Node) corev1.ConditionStatus {
	for i := range node.Status.Conditions {
		if node.Status.Conditions[i].Type == corev1.NodeMemoryPressure {
			return node.Status.Conditions[i].Status
		}
	}
	return corev1.ConditionUnknown
}
