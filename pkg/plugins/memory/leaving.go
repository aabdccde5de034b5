// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
)

// leaving holds the pods that are on their way out with grace. The scheduler and the keeper are told of the end of a pod from the same store,
// in no order between the two: whoever preempted it may be tried before the keeper knows. The store does.
type leaving struct {
	mutex sync.Mutex
	pods  map[types.UID]*corev1.Pod
	// stored returns the pod of that name in the store, or nil.
	stored func(namespace, name string) *corev1.Pod
}

func newLeaving() *leaving {
	return &leaving{pods: map[types.UID]*corev1.Pod{}, stored: func(string, string) *corev1.Pod { return nil }}
}

func (l *leaving) add(pod *corev1.Pod) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.pods[pod.UID] = pod
}

func (l *leaving) remove(pod types.UID) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	delete(l.pods, pod)
}

// gone returns those that have left their memory by now.
func (l *leaving) gone(now time.Time) []types.UID {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var gone []types.UID
	for uid, pod := range l.pods {
		stopsBy := ledger.StopsBy(pod)
		if !now.Before(stopsBy) {
			continue
		}
		if stored := l.stored(pod.Namespace, pod.Name); stored == nil || stored.UID != uid || ledger.LetGo(stopsBy, stored, now) {
			gone = append(gone, uid)
		}
	}
	return gone
}
