// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/quantity"
)

// endedKept is how long it is remembered that a pod has ended: longer than its node's next sample takes.
const endedKept = 5 * time.Minute

// history follows pods to their end. The scheduler's own informer drops them before: to it, a pod that was evicted, one that
// has done its work and one that was deleted by force all vanish alike (k8s.io/kubernetes pkg/scheduler/scheduler.go:654).
type history struct {
	clock   clock.PassiveClock
	changed func()

	mutex    sync.Mutex
	ended    map[types.UID]ending
	troubles []ledger.Trouble // since they were last taken
}

// ending is that a pod has ended.
type ending struct {
	seen    time.Time
	stopped time.Time // its last container, by its node's clock; zero: not known
	told    bool      // by its phase, and with it why
}

func newHistory(clock clock.PassiveClock, changed func()) *history {
	return &history{clock: clock, changed: changed, ended: map[types.UID]ending{}}
}

// informer watches pods that have ended. It holds no more of them than is needed.
func (h *history) informer(client kubernetes.Interface) (cache.SharedIndexInformer, error) {
	informer := coreinformers.NewFilteredPodInformer(client, metav1.NamespaceAll, 0, cache.Indexers{}, func(options *metav1.ListOptions) {
		options.FieldSelector = "status.phase!=Pending,status.phase!=Running,status.phase!=Unknown"
	})
	if err := informer.SetTransform(withoutBulk); err != nil {
		return nil, fmt.Errorf("watch pods that have ended: %w", err)
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    h.see,
		UpdateFunc: func(_, updated any) { h.see(updated) },
	})
	if err != nil {
		return nil, fmt.Errorf("watch pods that have ended: %w", err)
	}
	return informer, nil
}

// withoutBulk keeps of a pod what tells its end and its workload.
func withoutBulk(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	stripped := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion,
			Labels: pod.Labels, OwnerReferences: pod.OwnerReferences,
		},
		Spec:   corev1.PodSpec{NodeName: pod.Spec.NodeName},
		Status: corev1.PodStatus{Phase: pod.Status.Phase, Reason: pod.Status.Reason},
	}
	if stopped := ledger.StoppedAt(pod); !stopped.IsZero() { // one container that stopped when the last one did
		stripped.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{FinishedAt: metav1.NewTime(stopped)},
		}}}
	}
	if _, ok := troubleOf(pod); ok {
		stripped.Status.Message, stripped.Status.Conditions = pod.Status.Message, pod.Status.Conditions
		stripped.Spec.Containers, stripped.Spec.InitContainers, stripped.Spec.Resources = pod.Spec.Containers, pod.Spec.InitContainers, pod.Spec.Resources
		stripped.Status.ContainerStatuses, stripped.Status.InitContainerStatuses = pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses
	}
	return stripped, nil
}

// see takes in a pod that has ended.
func (h *history) see(object any) {
	pod, ok := object.(*corev1.Pod)
	if !ok || (pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed) {
		return
	}
	h.mutex.Lock()
	known := h.ended[pod.UID].told
	h.ended[pod.UID] = ending{seen: h.clock.Now(), stopped: ledger.StoppedAt(pod), told: true}
	if trouble, ok := troubleOf(pod); ok && !known {
		h.troubles = append(h.troubles, trouble)
	}
	h.mutex.Unlock()
	if !known {
		h.changed()
	}
}

// evictedForMemory: the kubelet ended the pod for want of memory (k8s.io/kubernetes pkg/kubelet/eviction/helpers.go,
// nodeLowMessageFmt).
func evictedForMemory(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed && pod.Status.Reason == "Evicted" && strings.HasPrefix(pod.Status.Message, "The node was low on resource: memory")
}

// heldWhenEvicted finds what the kubelet says that a container, or a pod with a request of its own, was using (k8s.io/kubernetes
// pkg/kubelet/eviction/helpers.go: evictionMessage). Of containers it names only those that used more than they request; such a pod
// it names always.
func heldWhenEvicted() *regexp.Regexp {
	return regexp.MustCompile(`\b(Pod|Container) \S+ was using (\S{1,40}), request is `)
}

// heldAtEviction returns what the pod held by the message of its eviction, in bytes, or 0 where that does not tell.
func heldAtEviction(message string) int64 {
	var containers int64
	for _, found := range heldWhenEvicted().FindAllStringSubmatch(message, -1) {
		bytes, err := quantity.Parse(found[2])
		switch {
		case err != nil:
			return 0
		case found[1] == "Pod":
			return bytes
		case bytes > math.MaxInt64-containers:
			return 0
		}
		containers += bytes
	}
	return containers
}

// evictionTime returns when the pod was evicted for want of memory. A pod that does not say when is left out: it may have
// been long ago.
func evictionTime(pod *corev1.Pod) (time.Time, bool) {
	if !evictedForMemory(pod) {
		return time.Time{}, false
	}
	for i := range pod.Status.Conditions {
		if condition := &pod.Status.Conditions[i]; condition.Type == corev1.DisruptionTarget && condition.Status == corev1.ConditionTrue {
			return condition.LastTransitionTime.Time, true
		}
	}
	return time.Time{}, false
}

// troubleOf returns the shortage of memory that a pod tells of that has ended: it was evicted for one, or the kernel ended it, which is not
// started again, for its node.
func troubleOf(pod *corev1.Pod) (ledger.Trouble, bool) {
	at, evicted := evictionTime(pod)
	for kill := range ledger.KillsForNode(pod) {
		if !evicted && pod.Status.Phase == corev1.PodFailed && kill.FinishedAt.After(at) {
			at = kill.FinishedAt.Time
		}
	}
	if at.IsZero() || pod.Spec.NodeName == "" {
		return ledger.Trouble{}, false
	}
	trouble := ledger.Trouble{Node: pod.Spec.NodeName, Workload: forecast.WorkloadOf(pod), Time: at}
	if evicted { // Messages of other evictions read alike, and are of disks.
		trouble.HeldBytes = heldAtEviction(pod.Status.Message)
	}
	return trouble, true
}

// left takes in that a pod is gone from the API, or about to be, if it has ended: its kubelet told before that its containers had stopped,
// or ended says that by all that is known of it nothing of it runs.
func (h *history) left(pod *corev1.Pod, ended bool) {
	stopped := ledger.StoppedAt(pod)
	if stopped.IsZero() && !ended {
		return
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if known := h.ended[pod.UID]; !known.told && known.stopped.IsZero() {
		h.ended[pod.UID] = ending{seen: h.clock.Now(), stopped: stopped}
	}
}

// take returns what happened since it was last called, and which pods have ended.
func (h *history) take() (troubles []ledger.Trouble, ended map[types.UID]ending) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	troubles, h.troubles = h.troubles, nil
	now := h.clock.Now()
	maps.DeleteFunc(h.ended, func(_ types.UID, end ending) bool { return now.Sub(end.seen) > endedKept })
	return troubles, maps.Clone(h.ended)
}
