// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/lab/screen"
)

const (
	createParallelism = 32
	lookInterval      = 200 * time.Millisecond
	// stallLimit is how long a scheduler may say nothing at all while pods wait for it.
	stallLimit = 3 * time.Minute
)

// placement creates pods and waits for what the scheduler makes of them.
type placement struct {
	client  kubernetes.Interface
	clock   clock.PassiveClock
	pods    []Pod
	tracker *tracker
	screen  *screen.Screen
	// settle is how long nothing must have changed before pods that fit nowhere are believed to stay so.
	settle time.Duration
}

// run returns when every pod has been placed, or judged and nothing has changed for the time to settle.
func (p *placement) run(ctx context.Context) error {
	watching, stop := context.WithCancel(ctx)
	factory := informers.NewSharedInformerFactoryWithOptions(p.client, 0,
		informers.WithNamespace(namespace), informers.WithTransform(keepVerdict))
	defer factory.Shutdown()
	defer stop() // before the wait for the factory's goroutines
	registration, err := factory.Core().V1().Pods().Informer().AddEventHandler(p.tracker.handler())
	if err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	factory.Start(watching.Done())
	if !cache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
		return context.Cause(ctx)
	}

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.create(ctx) })
	group.Go(func() error { return p.wait(ctx) })
	return group.Wait()
}

// keepVerdict reduces a pod to what the tracker looks at: thousands of them are cached.
func keepVerdict(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, UID: pod.UID, ResourceVersion: pod.ResourceVersion},
		Spec:       corev1.PodSpec{NodeName: pod.Spec.NodeName},
		Status:     corev1.PodStatus{Conditions: pod.Status.Conditions},
	}, nil
}

// create makes all pods, in the order of the file but for the few that are under way at once.
func (p *placement) create(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(createParallelism)
	for _, pod := range p.pods {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			if _, err := p.client.CoreV1().Pods(namespace).Create(ctx, pod.object(), metav1.CreateOptions{}); err != nil {
				return fmt.Errorf("create pod %s: %w", pod.Name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// wait shows the progress until the scheduling is over.
func (p *placement) wait(ctx context.Context) error {
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	for {
		now, state := p.clock.Now(), p.tracker.now()
		quiet := now.Sub(state.changed)
		switch {
		case state.placed == state.pods:
			return nil
		case state.judged() && quiet >= p.settle:
			return nil
		case !state.judged() && quiet >= stallLimit:
			return fmt.Errorf("the scheduler has said nothing for %s, with %d of %d pods waiting for it, %s among them",
				stallLimit, state.pods-state.placed-state.unschedulable, state.pods, p.tracker.example())
		}
		p.show(now, state)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}
