// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// tally counts what happened to the pods of a namespace, from what the API server says of them.
type tally struct {
	mu        sync.Mutex
	evicted   map[types.UID]string // pod name by UID
	killed    map[string]string    // pod name by container: ended by the kernel for want of memory
	restarts  map[string]int32     // by pod and container
	current   map[types.UID]*corev1.Pod
	placed    map[types.UID]string // node by pod
	allFrom   time.Time            // since when all wanted pods of the first part have been ready; zero: they are not
	firstSize int                  // pods of the first part that are wanted; 0: not yet
}

func newTally() *tally {
	return &tally{
		evicted: map[types.UID]string{}, killed: map[string]string{}, restarts: map[string]int32{},
		current: map[types.UID]*corev1.Pod{}, placed: map[types.UID]string{},
	}
}

// watch counts until ctx ends; it returns when what is there was seen.
func (t *tally) watch(ctx context.Context, clients kubernetes.Interface, namespace string) error {
	list := cache.NewListWatchFromClient(clients.CoreV1().RESTClient(), "pods", namespace, fields.Everything())
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: list, ObjectType: &corev1.Pod{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { t.see(object.(*corev1.Pod), time.Now()) },
			UpdateFunc: func(_, object any) { t.see(object.(*corev1.Pod), time.Now()) },
			DeleteFunc: func(object any) {
				if last, ok := object.(cache.DeletedFinalStateUnknown); ok {
					object = last.Obj
				}
				t.forget(object.(*corev1.Pod), time.Now())
			},
		},
	})
	go informer.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return ctx.Err()
	}
	return nil
}

func (t *tally) see(pod *corev1.Pod, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count(pod)
	t.current[pod.UID] = pod
	t.update(now)
}

func (t *tally) forget(pod *corev1.Pod, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count(pod)
	delete(t.current, pod.UID)
	t.update(now)
}

func (t *tally) count(pod *corev1.Pod) {
	if pod.Spec.NodeName != "" {
		t.placed[pod.UID] = pod.Spec.NodeName
	}
	if wasEvicted(pod) {
		t.evicted[pod.UID] = pod.Name
	}
	for _, status := range pod.Status.ContainerStatuses {
		key := string(pod.UID) + "/" + status.Name
		// The kubelet counts one more when it no longer knows how the container of an evicted pod ended.
		if !wasEvicted(pod) {
			t.restarts[key] = max(t.restarts[key], status.RestartCount)
		}
		for _, ended := range []*corev1.ContainerStateTerminated{status.State.Terminated, status.LastTerminationState.Terminated} {
			if ended != nil && ended.Reason == "OOMKilled" {
				t.killed[ended.ContainerID] = pod.Name
			}
		}
	}
}

// wasEvicted reports whether a kubelet ended the pod for want of memory or of something else. Of a pod whose program ends well
// when it is told to, the phase does not say so.
func wasEvicted(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.DisruptionTarget && condition.Status == corev1.ConditionTrue && condition.Reason == corev1.PodReasonTerminationByKubelet {
			return true
		}
	}
	return pod.Status.Phase == corev1.PodFailed && pod.Status.Reason == "Evicted"
}

// update notes whether all wanted pods of the first part are ready.
func (t *tally) update(now time.Time) {
	count := 0
	for _, pod := range t.current {
		if pod.Labels["part"] == "first" && ready(pod) {
			count++
		}
	}
	switch {
	case t.firstSize == 0 || count < t.firstSize:
		t.allFrom = time.Time{}
	case t.allFrom.IsZero():
		t.allFrom = now
	}
}

// wantFirst says how many pods of the first part are wanted from now on.
func (t *tally) wantFirst(count int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.firstSize = count
	t.update(time.Now())
}

// readySince returns since when all wanted pods of the first part have been ready.
func (t *tally) readySince() (time.Time, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.allFrom, !t.allFrom.IsZero()
}

// counts are the figures of a run so far.
type counts struct {
	Evictions int `json:"evictions"`
	OOMKills  int `json:"oomKills"`
	Restarts  int `json:"restarts"`
	// Running pods are ready, and of no Job, which is to end.
	Running int `json:"running"`
	// Nodes is how many pods run on each node.
	Nodes map[string]int `json:"nodes"`
	// Victims are the names of the pods that were evicted or killed, with how often.
	Victims map[string]int `json:"victims,omitempty"`
}

func (t *tally) counts() counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	result := counts{Evictions: len(t.evicted), OOMKills: len(t.killed), Nodes: map[string]int{}, Victims: map[string]int{}}
	for _, name := range t.evicted {
		result.Victims[name]++
	}
	for _, name := range t.killed {
		result.Victims[name]++
	}
	for _, restarts := range t.restarts {
		result.Restarts += int(restarts)
	}
	for _, pod := range t.current {
		if owner := metav1.GetControllerOf(pod); ready(pod) && (owner == nil || owner.Kind != "Job") {
			result.Running++
			result.Nodes[pod.Spec.NodeName]++
		}
	}
	return result
}
