// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/usage"
)

// keeper makes a new book whenever samples were read or pods and nodes changed.
type keeper struct {
	books   *books
	waiting *waiting
	clock   clock.WithTicker
	poller  *usage.Poller
	builder *ledger.Builder
	nodes   corelisters.NodeLister
	pods    corelisters.PodLister

	changed  chan struct{} // holds one token: something is to be taken into the book
	settling time.Duration // after a book was made, so that a storm of events makes one book
	degraded bool
}

// start watches nodes and pods through the scheduler's own informers and keeps the book until ctx ends.
func (k *keeper) start(ctx context.Context, factory informers.SharedInformerFactory) error {
	pods, nodes := factory.Core().V1().Pods(), factory.Core().V1().Nodes()
	k.pods, k.nodes = pods.Lister(), nodes.Lister()
	podEvents, err := pods.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { k.change() },
		UpdateFunc: func(_, updated any) {
			if pod, ok := updated.(*corev1.Pod); ok && pod.Spec.NodeName != "" {
				k.waiting.remove(pod.UID)
			}
			k.change()
		},
		DeleteFunc: func(deleted any) {
			if tombstone, ok := deleted.(cache.DeletedFinalStateUnknown); ok {
				deleted = tombstone.Obj
			}
			if pod, ok := deleted.(*corev1.Pod); ok {
				k.waiting.remove(pod.UID)
				k.books.release(pod.UID)
			}
			k.change()
		},
	})
	if err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	nodeEvents, err := nodes.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { k.change() },
		UpdateFunc: func(before, after any) {
			// The kubelet's heartbeat updates nodes all the time; only their size matters here.
			old, oldOK := before.(*corev1.Node)
			updated, updatedOK := after.(*corev1.Node)
			if oldOK && updatedOK && sameMemory(old, updated) {
				return
			}
			k.change()
		},
		DeleteFunc: func(any) { k.change() },
	})
	if err != nil {
		return fmt.Errorf("watch nodes: %w", err)
	}
	go k.poller.Run(ctx, k.change)
	go k.run(ctx, podEvents.HasSynced, nodeEvents.HasSynced)
	return nil
}

func sameMemory(a, b *corev1.Node) bool {
	return a.Status.Capacity.Memory().Cmp(*b.Status.Capacity.Memory()) == 0 &&
		a.Status.Allocatable.Memory().Cmp(*b.Status.Allocatable.Memory()) == 0
}

// change leaves a token if there is none.
func (k *keeper) change() {
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

func (k *keeper) run(ctx context.Context, synced ...cache.InformerSynced) {
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return
	}
	logger := klog.FromContext(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.changed:
		}
		if err := k.keep(ctx); err != nil {
			logger.Error(err, "The memory book could not be made; the one before stays")
		}
		select {
		case <-ctx.Done():
			return
		case <-k.clock.After(k.settling):
		}
	}
}

// keep makes one book, publishes it and wakes the pods that fit now.
func (k *keeper) keep(ctx context.Context) error {
	nodes, err := k.nodes.List(labels.Everything())
	if err != nil {
		return fmt.Errorf("list nodes: %w", err)
	}
	pods, err := k.pods.List(labels.Everything())
	if err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	snapshot := k.builder.Build(k.clock.Now(), nodes, pods, k.poller.Latest())
	logger := klog.FromContext(ctx)
	if snapshot.Degraded != k.degraded {
		if k.degraded = snapshot.Degraded; k.degraded {
			logger.Info("Too few nodes have a fresh memory sample: requests decide on every node", "notFresh", snapshot.NotFresh, "nodes", len(snapshot.Nodes))
		} else {
			logger.Info("Nodes have fresh memory samples: memory decides", "notFresh", snapshot.NotFresh, "nodes", len(snapshot.Nodes))
		}
	}
	k.waiting.wake(logger, k.books.publish(snapshot))
	return nil
}
