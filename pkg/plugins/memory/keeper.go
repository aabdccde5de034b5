// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage"
)

// keeper makes a new book whenever samples were read or pods and nodes changed.
type keeper struct {
	books     *books
	waiting   *waiting
	clock     clock.WithTicker
	poller    *usage.Poller
	builder   *ledger.Builder
	history   *history
	kubelets  *kubelets // nil: they are not asked
	handover  *handover
	announcer *announcer
	// nodesFirst: the source asks the nodes that are known, so that it has nothing to read before they are.
	nodesFirst bool
	metrics    *metrics
	nodes      corelisters.NodeLister
	pods       corelisters.PodLister

	reading usage.Stats   // as the metrics know it
	samples *sample.Set   // of the last book
	changed chan struct{} // holds one token: something is to be taken into the book
}

// start watches nodes and pods through the scheduler's own informers, and pods that have ended through the one given, and
// keeps the book until ctx ends.
func (k *keeper) start(ctx context.Context, factory informers.SharedInformerFactory, ended cache.SharedIndexInformer) error {
	pods, nodes := factory.Core().V1().Pods(), factory.Core().V1().Nodes()
	k.pods, k.nodes = pods.Lister(), nodes.Lister()
	k.books.leaving.stored = func(namespace, name string) *corev1.Pod {
		pod, err := k.pods.Pods(namespace).Get(name)
		if err != nil {
			return nil
		}
		return pod
	}
	podEvents, err := pods.Informer().AddEventHandler(k.podHandler())
	if err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	nodeEvents, err := nodes.Informer().AddEventHandler(k.nodeHandler())
	if err != nil {
		return fmt.Errorf("watch nodes: %w", err)
	}
	k.waiting.node = func(name string) *corev1.Node {
		node, err := k.nodes.Get(name)
		if err != nil { // It is gone: the next book does not have it.
			return nil
		}
		return node
	}
	go func() {
		if !k.nodesFirst || cache.WaitForCacheSync(ctx.Done(), nodeEvents.HasSynced) {
			k.poller.Run(ctx, k.change)
		}
	}()
	go ended.RunWithContext(ctx)
	if k.kubelets != nil {
		k.kubelets.nodes = k.nodes
		go func() {
			if cache.WaitForCacheSync(ctx.Done(), nodeEvents.HasSynced) {
				k.kubelets.run(ctx)
			}
		}()
	}
	go k.run(ctx, podEvents.HasSynced, nodeEvents.HasSynced)
	return nil
}

// change leaves a token if there is none.
func (k *keeper) change() {
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// pending reports whether the pod is still there and has no node.
func (k *keeper) pending(pod *corev1.Pod) bool {
	current, err := k.pods.Pods(pod.Namespace).Get(pod.Name)
	return err == nil && current.UID == pod.UID && current.Spec.NodeName == ""
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
		took, err := k.keep(ctx)
		if err != nil {
			logger.Error(err, "The memory book could not be made; the one before stays")
		}
		select {
		case <-ctx.Done():
			return
		case <-k.clock.After(restAfter(took)):
		}
	}
}

// restAfter is the time to wait after a book was made that took so long: a storm of events makes one book, and books take no
// more than a twentieth of a core.
func restAfter(took time.Duration) time.Duration {
	return min(max(time.Second, 20*took), 15*time.Second)
}

// keep makes one book, publishes it and wakes the pods that fit now. It returns how long it took.
func (k *keeper) keep(ctx context.Context) (time.Duration, error) {
	began := time.Now() // not the injected clock: what is measured is this machine's work
	nodes, err := k.nodes.List(labels.Everything())
	if err != nil {
		return 0, fmt.Errorf("list nodes: %w", err)
	}
	pods, err := k.pods.List(labels.Everything())
	if err != nil {
		return 0, fmt.Errorf("list pods: %w", err)
	}
	troubles, ended := k.history.take()
	samples := k.poller.Latest()
	k.handover.settle(k.clock.Now())
	snapshot := k.builder.Build(ledger.Input{
		Now: k.clock.Now(), Nodes: nodes, Pods: pods, Samples: samples, Troubles: troubles,
		Kubelets: k.kubelets.settings(),
		Ended: func(uid types.UID) (time.Time, bool) {
			end, ok := ended[uid]
			return end.stopped, ok
		},
	})
	logger := klog.FromContext(ctx)
	k.announcer.problems(logger, snapshot)
	book := k.books.publish(snapshot)
	stats := k.poller.Stats()
	if stats.Reads > 0 { // Before the first read is over, that nothing is known is no news.
		k.announcer.follow(logger, snapshot)
	}
	k.waiting.retain(k.pending)
	woken := k.waiting.wake(logger, book)
	took := time.Since(began)
	k.metrics.kept(snapshot, took)
	if samples != k.samples { // What a set of samples has wrong is wrong in every book that is made of it.
		k.samples = samples
		k.metrics.refuse(snapshot.Refused)
		k.announcer.refusals(logger, snapshot)
	}
	k.metrics.read(k.reading, stats)
	k.reading = stats
	for _, trouble := range ledger.Believed(troubles, snapshot.Time) {
		if snapshot.Time.Sub(trouble.Time) < endedKept { // Others were counted when they happened, or before this process.
			k.metrics.troubles.Inc()
		}
	}
	k.metrics.woken.Add(float64(woken))
	k.metrics.waitingPods.Set(float64(k.waiting.count()))
	k.metrics.reservations.Set(float64(k.books.reserved()))
	return took, nil
}
