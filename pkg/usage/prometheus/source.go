// SPDX-License-Identifier: Apache-2.0

// Package prometheus reads working sets by PromQL, over version 1 of Prometheus' HTTP API, which others speak too.
//
// The value of an instant vector carries the time of the query, not that of the sample, which may be as old as the
// server's look-back of five minutes. So a second query asks for the samples' own times, by timestamp(). It is asked
// first: if a sample comes in between, its bytes are taken for older than they are, never for newer. To ask for raw
// samples by a range selector would take one query, and bring every sample of every container.
package prometheus

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage"
	"github.com/headroom-dev/headroom/pkg/usage/fetch"
	"github.com/headroom-dev/headroom/pkg/usage/intake"
)

// ReasonNothing is why the kubepods or the pods are unknown: their query found nothing at all.
const ReasonNothing sample.Reason = "nothing-found"

// Source reads from Prometheus. It is safe for concurrent use.
type Source struct {
	client  *fetch.Client
	patient *fetch.Client // for queries over long ranges
	query   *url.URL
	options Options
	clock   clock.PassiveClock
	pods    atomic.Int64 // of the read before
}

var _ usage.Source = &Source{}

// New returns a source. The error names the fields of the options that are wrong.
func New(options Options) (*Source, error) {
	options.complete()
	address, err := options.validate()
	if err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	transport, err := options.transport()
	if err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	patience := options.Fetch
	patience.Stall = max(patience.Stall, historyStall)
	address.Path = cmp.Or(address.Path, "/") // JoinPath needs it
	return &Source{
		client:  fetch.New(transport, options.Fetch),
		patient: fetch.New(transport, patience),
		query:   address.JoinPath("api/v1/query"),
		options: options,
		clock:   options.Clock,
	}, nil
}

// Read asks for the working sets of nodes, of their pods together, and of each pod. If a query fails, or warns that its
// answer may lack something, or if no node is found at all or by its label, nothing is returned: a node or a pod that is
// not found is unknown, never empty. Where the query for the kubepods or for the pods finds nothing, that is refused.
func (s *Source) Read(ctx context.Context) (*sample.Set, error) {
	in := intake.New(s.clock.Now(), 0, int(s.pods.Load()))
	kubepods, err := s.kubepods(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := s.nodes(ctx, in, kubepods); err != nil {
		return nil, err
	}
	found, err := measure(ctx, s, "pods", s.options.Pods, pod, in.RefusePod, func(name types.NamespacedName, measured sample.Measurement) {
		in.Pod(name, sample.Pod{Measurement: measured})
	})
	if err != nil {
		return nil, err
	}
	if !found {
		in.Refuse("pods", ReasonNothing, s.options.Pods.Bytes)
	}
	set := in.Set()
	s.pods.Store(int64(len(set.Pods)))
	return set, nil
}

// nodes takes the working sets of nodes. To find none, or none that has the label of its node, is an error.
func (s *Source) nodes(ctx context.Context, in *intake.Intake, kubepods map[string]sample.Measurement) error {
	named := false
	refuse := func(name string, reason sample.Reason, detail string) {
		named = named || name != ""
		in.RefuseNode(name, reason, detail)
	}
	found, err := measure(ctx, s, "nodes", s.options.Nodes, s.node, refuse, func(name string, measured sample.Measurement) {
		named = named || name != ""
		in.Node(name, sample.Node{Measurement: measured, Pods: kubepods[name]})
	})
	switch {
	case err != nil:
		return err
	case !found:
		return fmt.Errorf("query for nodes (%s): it found nothing; the series may be dropped or named otherwise: set another query, such as one of node_memory_working_set_bytes, and the label that has the node",
			s.options.Nodes.Bytes)
	case !named:
		return fmt.Errorf("query for nodes (%s): no series has the label %q; set nodeLabel to the one that has the name of the node, and queries that keep it",
			s.options.Nodes.Bytes, s.options.NodeLabel)
	}
	return nil
}

// kubepods returns the working set of all pods of each node.
func (s *Source) kubepods(ctx context.Context, in *intake.Intake) (map[string]sample.Measurement, error) {
	kubepods := map[string]sample.Measurement{}
	found, err := measure(ctx, s, "kubepods", s.options.Kubepods, s.node, in.RefuseNode, func(name string, measured sample.Measurement) {
		// Of two series whose labels differ by a port, the careful one; the time is the older one's already.
		measured.Bytes = max(measured.Bytes, kubepods[name].Bytes)
		kubepods[name] = measured
	})
	if err == nil && !found {
		in.Refuse("kubepods", ReasonNothing, s.options.Kubepods.Bytes)
	}
	return kubepods, err
}

// measure asks for times and then for bytes, and takes each pair. name tells the object from the labels, and refuse notes a
// figure that is none. It reports whether any bytes were found.
func measure[K comparable](ctx context.Context, s *Source, what string, query Query, name func(map[string]string) K,
	refuse func(K, sample.Reason, string), take func(K, sample.Measurement),
) (bool, error) {
	times := map[K]time.Time{}
	err := s.ask(ctx, s.client, url.Values{"query": {query.Times}}, func(labels map[string]string, value float64, _ string) {
		object := name(labels)
		at := unixTime(value)
		if before, ok := times[object]; ok && before.Before(at) {
			at = before
		}
		times[object] = at
	})
	if err != nil {
		return false, fmt.Errorf("query for the times of %s: %w", what, err)
	}
	found := false
	err = s.ask(ctx, s.client, url.Values{"query": {query.Bytes}}, func(labels map[string]string, value float64, text string) {
		found = true
		object := name(labels)
		bytes, reason := intake.FromFloat(value)
		if reason != "" {
			refuse(object, reason, fmt.Sprintf("%s: %g %s", what, value, text))
			return
		}
		take(object, sample.Measurement{Bytes: bytes, Time: times[object]})
	})
	if err != nil {
		return false, fmt.Errorf("query for the bytes of %s: %w", what, err)
	}
	return found, nil
}

// ask sends one query by client.
func (s *Source) ask(ctx context.Context, client *fetch.Client, parameters url.Values, take func(labels map[string]string, value float64, text string)) error {
	body, err := s.get(ctx, client, s.query, parameters)
	if err != nil {
		return err
	}
	defer body.Close()
	return decodeVector(body, take)
}

func (s *Source) get(ctx context.Context, client *fetch.Client, endpoint *url.URL, parameters url.Values) (*fetch.Body, error) {
	// Thanos leaves out what it cannot reach, and a sum over the rest is too small. Prometheus does not know the parameter.
	parameters.Set("partial_response", "false")
	address := *endpoint
	address.RawQuery = parameters.Encode()
	return client.Get(ctx, &address, "application/json")
}

// node tells the node from the labels of a series; "" is refused.
func (s *Source) node(labels map[string]string) string {
	name := labels[s.options.NodeLabel]
	if s.options.StripPort {
		if host, _, err := net.SplitHostPort(name); err == nil {
			return host
		}
	}
	return name
}

func pod(labels map[string]string) types.NamespacedName {
	return types.NamespacedName{Namespace: labels["namespace"], Name: labels["pod"]}
}

// unixTime returns the zero time for what is no time.
func unixTime(seconds float64) time.Time {
	const endOfTheYear9999 = 253402300799
	if !(seconds > 0 && seconds < endOfTheYear9999) {
		return time.Time{}
	}
	return time.UnixMilli(int64(seconds * 1000))
}

// CloseIdleConnections closes connections that no read uses.
func (s *Source) CloseIdleConnections() {
	s.client.CloseIdleConnections()
	s.patient.CloseIdleConnections()
}
