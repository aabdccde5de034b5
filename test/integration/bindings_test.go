// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"

	"github.com/headroom-dev/headroom/pkg/lab/podwatch"
)

// bindings follows which node each pod of a namespace is bound to, from its creation on.
type bindings struct {
	mutex sync.Mutex
	nodes map[types.UID]string
	twice []string // pods whose node changed, or that went
}

// watchBindings follows the pods of a namespace until the test ends.
func watchBindings(t *testing.T, clients kubernetes.Interface, namespace string) *bindings {
	t.Helper()
	b := &bindings{nodes: map[types.UID]string{}}
	factory := informers.NewSharedInformerFactoryWithOptions(clients, 0, informers.WithNamespace(namespace))
	informer := factory.Core().V1().Pods().Informer()
	if _, err := informer.AddEventHandler(podwatch.Handler(b.see)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	factory.Start(ctx.Done())
	t.Cleanup(func() {
		cancel()
		factory.Shutdown()
	})
	factory.WaitForCacheSync(t.Context().Done())
	return b
}

func (b *bindings) see(pod *corev1.Pod, deleted bool) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	before, now := b.nodes[pod.UID], pod.Spec.NodeName
	switch {
	case deleted:
		b.twice = append(b.twice, pod.Name+" was deleted")
	case before == "" && now != "":
		b.nodes[pod.UID] = now
	case before != now:
		b.twice = append(b.twice, fmt.Sprintf("%s went from %s to %s", pod.Name, before, now))
	}
}

// bound returns how many pods are bound.
func (b *bindings) bound() int {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return len(b.nodes)
}

// createPods creates pods of a burst, whatever the API server is going through, until the test ends. The result tells when all are there.
func createPods(t *testing.T, clients kubernetes.Interface, namespace string, count int) (done <-chan struct{}) {
	t.Helper()
	const workers = 8
	all, ctx := make(chan struct{}), t.Context()
	var running sync.WaitGroup
	for worker := range workers {
		running.Go(func() {
			for i := worker; i < count && ctx.Err() == nil; i += workers {
				pod := headroomPod(fmt.Sprintf("p%04d", i), podRequest)
				pod.Annotations = holding(podPeakMi)
				for ctx.Err() == nil {
					if _, err := clients.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{}); err == nil || apierrors.IsAlreadyExists(err) {
						break
					}
				}
			}
		})
	}
	go func() {
		running.Wait()
		close(all)
	}()
	t.Cleanup(func() { <-all })
	return all
}
