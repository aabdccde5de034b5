// SPDX-License-Identifier: Apache-2.0

// Package metricsapi reads metrics.k8s.io, which metrics-server and others serve: a list of nodes and a list of pods at
// every read, since the API can neither be watched nor read in pages. Both lists are decoded while they arrive, object by
// object, so that what a read takes in memory is what it returns.
package metricsapi

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage"
	"github.com/headroom-dev/headroom/pkg/usage/fetch"
	"github.com/headroom-dev/headroom/pkg/usage/intake"
)

const (
	// MaxPods is the number of pods above which Prometheus or the kubelets are the better source. It is a matter of what the
	// servers do rather than of us: at 50,000 pods metrics-server encodes, and the API server passes on, 12 MB at every read
	// (protobuf; 19 MB of JSON), and we decode them in 0.06 s. At 150,000 pods it is 37 MB and 0.2 s (58 MB of JSON and
	// 0.7 s), by BenchmarkPods.
	MaxPods = 50_000

	apiPath      = "/apis/metrics.k8s.io/v1beta1"
	protobufType = "application/vnd.kubernetes.protobuf"
	jsonType     = "application/json"
)

// Options of a source. The zero value is what is recommended.
type Options struct {
	// Fetch bounds the body of each list and how long the server may be silent.
	Fetch fetch.Options
	// Clock tells what lies in the future. nil: the real one.
	Clock clock.WithDelayedExecution
}

// Source reads metrics.k8s.io. It is safe for concurrent use.
type Source struct {
	client  *fetch.Client
	nodes   *url.URL
	pods    *url.URL
	clock   clock.PassiveClock
	size    atomic.Pointer[size] // of the read before
	advised atomic.Bool
}

// size is how many objects a read had.
type size struct{ nodes, pods int }

var _ usage.Source = &Source{}

// New returns a source that reads through the API server that config points at, with its credentials. Their rights must
// include to list "nodes" and "pods" of the API group metrics.k8s.io.
func New(config *rest.Config, options Options) (*Source, error) {
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	if options.Fetch.Clock == nil {
		options.Fetch.Clock = options.Clock
	}
	config = rest.CopyConfig(config)
	// Compressing takes the server more time than sending does, and us as much again.
	config.DisableCompression = true
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("metrics.k8s.io: address of the API server: %w", err)
	}
	base.Path = cmp.Or(base.Path, "/") // JoinPath needs it
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, fmt.Errorf("metrics.k8s.io: connection to the API server: %w", err)
	}
	return &Source{
		client: fetch.New(transport, options.Fetch),
		nodes:  base.JoinPath(apiPath, "nodes"),
		pods:   base.JoinPath(apiPath, "pods"),
		clock:  options.Clock,
	}, nil
}

// Read lists the metrics of all nodes and pods. If either list fails, or ends before it is complete, nothing is returned.
// Figures that cannot be true are refused one by one. A pod's figure is the sum of its containers'; if one of them is not
// there, the pod is not measured.
func (s *Source) Read(ctx context.Context) (*sample.Set, error) {
	before := s.size.Load()
	if before == nil {
		before = &size{}
	}
	in := intake.New(s.clock.Now(), before.nodes, before.pods)
	if err := s.list(ctx, s.nodes, nodeList, func(item *item) { takeNode(in, item) }); err != nil {
		return nil, fmt.Errorf("list nodes of metrics.k8s.io: %w", err)
	}
	namespaces := map[string]string{}
	if err := s.list(ctx, s.pods, podList, func(item *item) { takePod(in, item, namespaces) }); err != nil {
		return nil, fmt.Errorf("list pods of metrics.k8s.io: %w", err)
	}
	set := in.Set()
	s.size.Store(&size{nodes: len(set.Nodes), pods: len(set.Pods)})
	if len(set.Pods) > MaxPods && !s.advised.Swap(true) {
		klog.FromContext(ctx).Info("metrics.k8s.io sends all pods at every read: for a cluster of this size Prometheus is the better source",
			"pods", len(set.Pods), "advisedUpTo", MaxPods)
	}
	return set, nil
}

func (s *Source) list(ctx context.Context, address *url.URL, kind listKind, take func(*item)) error {
	body, err := s.client.Get(ctx, address, protobufType, jsonType)
	if err != nil {
		return err
	}
	defer body.Close()
	if body.MediaType == protobufType {
		return decodeProtobuf(body, kind, take)
	}
	return decodeJSON(body, kind, take)
}

func takeNode(in *intake.Intake, item *item) {
	name := string(item.name)
	if item.reason != "" {
		in.RefuseNode(name, item.reason, item.detail)
		return
	}
	in.Node(name, sample.Node{Measurement: item.measurement()})
}

func takePod(in *intake.Intake, item *item, namespaces map[string]string) {
	namespace, ok := namespaces[string(item.namespace)]
	if !ok {
		namespace = string(item.namespace)
		namespaces[namespace] = namespace
	}
	name := types.NamespacedName{Namespace: namespace, Name: string(item.name)}
	if item.reason != "" {
		in.RefusePod(name, item.reason, item.detail)
		return
	}
	in.Pod(name, sample.Pod{Measurement: item.measurement()})
}
