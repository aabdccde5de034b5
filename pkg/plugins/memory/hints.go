// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/util"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

// isSchedulableAfterPodDeletion wakes the pod when a pod has left its memory. Where that is not sure, as for a pod that was
// evicted or deleted by force, the next book tells, and the keeper wakes for it: until then another cycle would find the node
// as full as before, and might take a further victim.
func (pl *Memory) isSchedulableAfterPodDeletion(_ klog.Logger, pod *corev1.Pod, oldObj, _ any) (fwk.QueueingHint, error) {
	deleted, _, err := util.As[*corev1.Pod](oldObj, nil)
	if err != nil {
		return fwk.Queue, err
	}
	entry, ok := pl.books.current().snapshot.Pod(deleted.UID)
	if ok && !leftItsMemory(deleted, pl.clock.Now()) && !pl.books.hasDeparted(deleted.UID) && entry.Counted > 0 {
		pl.waiting.expect(pod)
		return fwk.QueueSkip, nil
	}
	pl.books.depart(deleted.UID) // The keeper does so too, but maybe not before the pod is tried again.
	return fwk.Queue, nil
}

// leftItsMemory reports whether a pod that is gone from the API since the time given has given up its memory: it was terminating, and
// went in the time in which its containers stop, or it never had any.
func leftItsMemory(pod *corev1.Pod, gone time.Time) bool {
	return gone.Before(ledger.StopsBy(pod)) || pod.Status.StartTime == nil
}

// isSchedulableAfterOwnUpdate wakes the pod when it asks for less memory itself, or changed what the Filter may do for it.
func (pl *Memory) isSchedulableAfterOwnUpdate(_ klog.Logger, pod *corev1.Pod, oldObj, newObj any) (fwk.QueueingHint, error) {
	before, after, err := util.As[*corev1.Pod](oldObj, newObj)
	if err != nil {
		return fwk.Queue, err
	}
	if after.UID != pod.UID || before == nil {
		return fwk.QueueSkip, nil
	}
	wasMode, wasErr := pl.modes.of(before)
	isMode, isErr := pl.modes.of(after)
	if (wasErr == nil) != (isErr == nil) || wasMode != isMode || pl.estimator.Demand(after).FirmBytes < pl.estimator.Demand(before).FirmBytes {
		return fwk.Queue, nil
	}
	return fwk.QueueSkip, nil
}

// isSchedulableAfterNodeChange wakes the pod for a new node, of which nothing is measured yet, and for one whose memory
// grew.
func (pl *Memory) isSchedulableAfterNodeChange(_ klog.Logger, _ *corev1.Pod, oldObj, newObj any) (fwk.QueueingHint, error) {
	before, after, err := util.As[*corev1.Node](oldObj, newObj)
	if err != nil {
		return fwk.Queue, err
	}
	if before == nil || after.Status.Allocatable.Memory().Cmp(*before.Status.Allocatable.Memory()) > 0 ||
		after.Annotations[threshold.EvictionHardAnnotation] != before.Annotations[threshold.EvictionHardAnnotation] {
		return fwk.Queue, nil
	}
	return fwk.QueueSkip, nil
}
