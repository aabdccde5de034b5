// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"time"

	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// claims lists the resource claims of a cluster once, and has those come later that are announced.
type claims struct {
	*cache.ListWatch
}

// IsWatchListSemanticsUnSupported is true: the cluster is asked for a list, and the watch is not its.
func (claims) IsWatchListSemanticsUnSupported() bool { return true }

// WithClaims has Read list resource claims too, those that Announce can add to.
func (c *Cluster) WithClaims() {
	c.Informers.InformerFor(&resourcev1.ResourceClaim{}, func(client kubernetes.Interface, _ time.Duration) cache.SharedIndexInformer {
		return cache.NewSharedIndexInformer(claims{&cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
				return client.ResourceV1().ResourceClaims(metav1.NamespaceAll).List(ctx, options)
			},
			WatchFuncWithContext: func(context.Context, metav1.ListOptions) (watch.Interface, error) {
				return watch.NewProxyWatcher(c.announced), nil
			},
		}}, &resourcev1.ResourceClaim{}, 0, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	})
}

// Announce adds a resource claim to those of Informers, as if the cluster had it. Whoever is told of claims sees it a moment later.
// It is for a cluster that has been read WithClaims.
func (c *Cluster) Announce(ctx context.Context, claim *resourcev1.ResourceClaim) error {
	select {
	case c.announced <- watch.Event{Type: watch.Added, Object: claim}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("announce the resource claim %s/%s: %w", claim.Namespace, claim.Name, context.Cause(ctx))
	}
}
