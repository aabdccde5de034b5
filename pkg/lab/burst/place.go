// SPDX-License-Identifier: Apache-2.0

package burst

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/headroom-dev/headroom/pkg/lab/stage"
)

const (
	requestParallelism = 16
	lookInterval       = 500 * time.Millisecond
)

// create makes a workload in a pool, with so many pods.
func create(ctx context.Context, client kubernetes.Interface, pool stage.Pool, workload Workload, pods int) error {
	quantity := func(bytes int64) resource.Quantity { return *resource.NewQuantity(bytes, resource.BinarySI) }
	template := pool.Template(workload.Name, quantity(workload.RequestBytes), quantity(workload.LimitBytes), workload.Profile)
	if _, err := client.AppsV1().Deployments(pool.Name).Create(ctx, pool.Deployment(workload.Name, int32(pods), template), metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create Deployment %s/%s: %w", pool.Name, workload.Name, err)
	}
	return nil
}

// grow gives a workload that is there so many pods.
func grow(ctx context.Context, client kubernetes.Interface, pool stage.Pool, workload Workload, pods int) error {
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, pods)
	if _, err := client.AppsV1().Deployments(pool.Name).Patch(ctx, workload.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("scale Deployment %s/%s: %w", pool.Name, workload.Name, err)
	}
	return nil
}

// forEach does the same for every workload of every pool, several at once. The pools take turns in going first.
func forEach(ctx context.Context, pools []stage.Pool, plan []Workload, do func(context.Context, stage.Pool, Workload) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(requestParallelism)
	for i, workload := range plan {
		for j := range pools {
			group.Go(func() error { return do(ctx, pools[(i+j)%len(pools)], workload) })
		}
	}
	return group.Wait()
}

// prepare creates what runs before the burst and binds it itself, before there is any scheduler: so every pool begins alike.
func (r *run) prepare(ctx context.Context) error {
	client := r.stage.Client
	if err := forEach(ctx, r.pools, r.plan, func(ctx context.Context, pool stage.Pool, workload Workload) error {
		if len(workload.Before) == 0 {
			return nil
		}
		return create(ctx, client, pool, workload, len(workload.Before))
	}); err != nil {
		return err
	}
	for _, pool := range r.pools {
		var pods []corev1.Pod
		if err := until(ctx, lookInterval, func() (bool, error) {
			list, err := client.CoreV1().Pods(pool.Name).List(ctx, metav1.ListOptions{})
			if err != nil {
				return false, err
			}
			pods = list.Items
			return len(pods) >= podsBefore(r.plan), nil
		}); err != nil {
			return err
		}
		if err := bind(ctx, client, pool, assign(r.plan, pods)); err != nil {
			return err
		}
	}
	return until(ctx, lookInterval, func() (bool, error) {
		for _, pool := range r.pools {
			if r.stage.Tracker.Tally(pool.Name).Running < podsBefore(r.plan) {
				return false, nil
			}
		}
		return true, nil
	})
}

// assign returns the number of the node of each pod, by the pod's name. Pods that are in no workload of the plan get none.
func assign(plan []Workload, pods []corev1.Pod) map[string]int {
	slices.SortFunc(pods, func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	before := map[string][]int{}
	for _, workload := range plan {
		before[workload.Name] = workload.Before
	}
	nodes := map[string]int{}
	for i := range pods {
		app := pods[i].Labels[stage.AppLabel]
		if left := before[app]; len(left) > 0 {
			nodes[pods[i].Name], before[app] = left[0], left[1:]
		}
	}
	return nodes
}

// bind does what a scheduler does at the end.
func bind(ctx context.Context, client kubernetes.Interface, pool stage.Pool, nodes map[string]int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(requestParallelism)
	for pod, number := range nodes {
		group.Go(func() error {
			binding := &corev1.Binding{
				ObjectMeta: metav1.ObjectMeta{Name: pod, Namespace: pool.Name},
				Target:     corev1.ObjectReference{Kind: "Node", Name: pool.NodeName(number)},
			}
			if err := client.CoreV1().Pods(pool.Name).Bind(ctx, binding, metav1.CreateOptions{}); err != nil {
				return fmt.Errorf("bind pod %s/%s: %w", pool.Name, pod, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// burst wants all pods at once.
func (r *run) burst(ctx context.Context) error {
	return forEach(ctx, r.pools, r.plan, func(ctx context.Context, pool stage.Pool, workload Workload) error {
		switch {
		case workload.Burst == 0:
			return nil
		case len(workload.Before) == 0:
			return create(ctx, r.stage.Client, pool, workload, workload.Burst)
		default:
			return grow(ctx, r.stage.Client, pool, workload, len(workload.Before)+workload.Burst)
		}
	})
}

// until looks at once and then at every interval until done is true or fails, or ctx ends.
func until(ctx context.Context, interval time.Duration, done func() (bool, error)) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if ended, err := done(); ended || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}
