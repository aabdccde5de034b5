// SPDX-License-Identifier: Apache-2.0

// Package cluster reads a cluster once, for those who ask what its scheduler would do: through informers that a scheduler can
// be built on, pods while they arrive, and without what it may not see.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// Cluster is a cluster that is read once.
type Cluster struct {
	// Client asks the cluster itself.
	Client kubernetes.Interface
	// Config is how to reach it, for those who need a client of their own.
	Config *rest.Config
	// Informers have what was read once Read has returned.
	Informers informers.SharedInformerFactory

	reading   kubernetes.Interface // what Informers list with
	once      *once
	dates     *dates // nil where nobody looks at them
	pods      atomic.Int64
	announced chan watch.Event

	// looking is set where somebody wants to know the pods that bypass schedulers.
	looking  bool
	mutex    sync.Mutex
	bypassed []types.NamespacedName
}

// Open returns the cluster that config points at. Nothing is read yet.
func Open(config *rest.Config) (*Cluster, error) {
	config = rest.CopyConfig(config)
	if config.QPS == 0 {
		config.QPS = -1 // a few lists; the server has its own fairness
	}
	dates := &dates{}
	config.Wrap(dates.over)
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeProtobuf, runtime.ContentTypeProtobuf+","+runtime.ContentTypeJSON
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	server, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	once := &once{base: strings.TrimSuffix(server.Path, "/")}
	reading := rest.CopyConfig(config)
	reading.Wrap(func(next http.RoundTripper) http.RoundTripper { once.next = next; return once })
	lister, err := kubernetes.NewForConfig(reading)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	own := rest.CopyConfig(config)
	own.ContentType, own.AcceptContentTypes = "", ""
	made := newCluster(client, lister, own, once)
	made.dates = dates
	return made, nil
}

// Over returns a cluster that a client has.
func Over(client kubernetes.Interface, config *rest.Config) *Cluster {
	return newCluster(client, client, config, &once{})
}

func newCluster(client, reading kubernetes.Interface, config *rest.Config, once *once) *Cluster {
	c := &Cluster{Client: client, Config: config, reading: reading, once: once, announced: make(chan watch.Event)}
	c.Informers = informers.NewSharedInformerFactory(reading, 0)
	pods := podInformer(reading, live, c.begin, c.see)
	c.Informers.InformerFor(&corev1.Pod{}, func(kubernetes.Interface, time.Duration) cache.SharedIndexInformer { return pods })
	return c
}

// LookForBypassing makes Read look for pods that bypass schedulers, which takes it a quarter longer. It is for before Read.
func (c *Cluster) LookForBypassing() { c.looking = true }

// begin forgets what was seen, since a list that breaks off begins anew, and says what to leave out.
func (c *Cluster) begin() *cuts {
	c.pods.Store(0)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.bypassed = nil
	return cutsOfPods(c.looking)
}

// see takes note of pods before they are trimmed.
func (c *Cluster) see(pods []corev1.Pod) {
	c.pods.Add(int64(len(pods)))
	if !c.looking {
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for i := range pods {
		if Bypasses(&pods[i]) {
			c.bypassed = append(c.bypassed, types.NamespacedName{Namespace: pods[i].Namespace, Name: pods[i].Name})
		}
	}
}

// Bypassed returns the pods that were created with spec.nodeName, in the order in which they were listed, and whether Read looked for them.
func (c *Cluster) Bypassed() (pods []types.NamespacedName, looked bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return slices.Clone(c.bypassed), c.looking
}

// Reading is the client that Informers list with. What a scheduler does with another client than that could change something.
func (c *Cluster) Reading() kubernetes.Interface { return c.reading }

// PodsRead returns how many pods were read so far.
func (c *Cluster) PodsRead() int { return int(c.pods.Load()) }

// Read lists everything that was asked of Informers so far. It is an error if nodes or pods may not be listed: without them
// there is nothing to tell. What else is missing is in Losses.
func (c *Cluster) Read(ctx context.Context) error {
	c.Informers.StartWithContext(ctx)
	synced := c.Informers.WaitForCacheSyncWithContext(ctx)
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("read the cluster: %w%s (last answer: %q)", context.Cause(ctx), c.missing(synced.Synced), c.Failure())
	}
	for _, loss := range c.Losses() {
		if loss.Resource == "nodes" || loss.Resource == "pods" {
			return errors.New(loss.String())
		}
	}
	return nil
}

func (c *Cluster) missing(synced map[reflect.Type]bool) string {
	var names []string
	for kind, done := range synced {
		if !done {
			names = append(names, strings.TrimPrefix(kind.String(), "*"))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ": still missing " + strings.Join(slices.Sorted(slices.Values(names)), ", ")
}

// Failure is the last answer that was neither a list nor a refusal, or "".
func (c *Cluster) Failure() string {
	c.once.mutex.Lock()
	defer c.once.mutex.Unlock()
	return c.once.failed
}

// Losses are the resources that could not be listed, by name.
func (c *Cluster) Losses() []Loss {
	c.once.mutex.Lock()
	defer c.once.mutex.Unlock()
	byResource := map[string]Loss{}
	for _, loss := range c.once.losses {
		byResource[loss.Resource] = loss
	}
	sorted := make([]Loss, 0, len(byResource))
	for _, resource := range slices.Sorted(maps.Keys(byResource)) {
		sorted = append(sorted, byResource[resource])
	}
	return sorted
}

// Lose notes a resource that somebody else could not read.
func (c *Cluster) Lose(resource string) { c.once.lose(resource, reasonForbidden) }

// LosePlugin notes a score plugin that cannot be asked from where this runs.
func (c *Cluster) LosePlugin(name string) {
	c.once.note(Loss{Resource: name, Reason: reasonOutOfReach, Lost: "its points are missing"})
}

// Failed returns the pods that have failed, trimmed: they tell which nodes ran short of memory.
func (c *Cluster) Failed(ctx context.Context) ([]*corev1.Pod, error) {
	pods, _, err := listPods(ctx, c.reading, "status.phase="+string(corev1.PodFailed), cutsOfPods(false), func([]corev1.Pod) {})
	return pods, err
}
