// SPDX-License-Identifier: Apache-2.0

// Package kubelet reads the kubelets themselves: their summaries of working sets, and their configurations. It is the
// source that knows most: the kubepods cgroup, the pods' own cgroups and UIDs, and the kernel's pressure stall information,
// at the price of a request to every node.
package kubelet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage"
	"github.com/headroom-dev/headroom/pkg/usage/fetch"
	"github.com/headroom-dev/headroom/pkg/usage/intake"
)

// ReasonUnread is why all of a node is unknown: its kubelet did not answer, or not as one does.
const ReasonUnread sample.Reason = "kubelet-unread"

// Source reads kubelets. It is safe for concurrent use.
type Source struct {
	client  *fetch.Client
	server  *url.URL // of the API server, by way of which kubelets are asked; nil: they are asked directly
	options Options

	mutex    sync.Mutex
	attempts map[string]attempts // by node
}

// attempts is how asking a node went.
type attempts struct {
	failures int // in a row; -1: it is asked before those that answer
	late     int // reads in a row that ended before its turn
}

// patience is after how many reads that end before its turn a node that failed before is asked first, once: it may answer by now.
const patience = 8

var _ usage.Source = &Source{}

// New returns a source. The error names the fields of the options that are wrong.
func New(options Options) (*Source, error) {
	if err := options.complete(); err != nil {
		return nil, fmt.Errorf("kubelet: %w", err)
	}
	client, err := options.client()
	if err != nil {
		return nil, err
	}
	server, err := options.server()
	if err != nil {
		return nil, err
	}
	return &Source{client: client, server: server, options: options, attempts: map[string]attempts{}}, nil
}

// Read asks the kubelets of all nodes for their summaries. A node whose kubelet fails is refused with ReasonUnread and
// costs nothing but itself: those that failed before are asked last, and when ctx ends, what was read until then is
// returned. If no kubelet answered, or there is no node, that is an error.
//
// The UID of a static pod's sample is the one that its kubelet gave it; the API server knows that pod by another, and has
// this one in the annotation kubernetes.io/config.hash.
func (s *Source) Read(ctx context.Context) (*sample.Set, error) {
	nodes, err := s.options.Nodes()
	if err != nil {
		return nil, fmt.Errorf("kubelets: list nodes: %w", err)
	}
	if len(nodes) == 0 {
		return nil, errors.New("kubelets: there is no node to read")
	}
	nodes = s.healthyFirst(nodes)
	in := intake.New(s.options.Clock.Now(), len(nodes), 0)
	var mutex sync.Mutex
	failures := 0
	var firstErr error
	whole := ctx
	s.each(ctx, nodes, func(ctx context.Context, node *corev1.Node) {
		summary, err := s.summary(ctx, node)
		mutex.Lock()
		defer mutex.Unlock()
		s.remember(node.Name, err, whole.Err() != nil)
		if err != nil {
			failures++
			in.RefuseNode(node.Name, ReasonUnread, err.Error())
			if firstErr == nil {
				firstErr = err
			}
			return
		}
		summary.take(in, node.Name)
	})
	s.forget(nodes)
	if failures == len(nodes) {
		return nil, fmt.Errorf("kubelets: none of %d could be read; the first error: %w", len(nodes), firstErr)
	}
	return in.Set(), nil
}

// each calls read for every node, for some at a time, in order. It returns when all calls have.
func (s *Source) each(ctx context.Context, nodes []*corev1.Node, read func(context.Context, *corev1.Node)) {
	next := make(chan *corev1.Node)
	var workers sync.WaitGroup
	for range min(s.options.Concurrency, len(nodes)) {
		workers.Go(func() {
			for node := range next {
				ctx, cancel := context.WithTimeoutCause(ctx, s.options.NodeTimeout, fmt.Errorf("it took longer than %s", s.options.NodeTimeout))
				read(ctx, node)
				cancel()
			}
		})
	}
	for _, node := range nodes {
		next <- node // when ctx has ended, the rest fails at once
	}
	close(next)
	workers.Wait()
}

// healthyFirst returns the nodes, those that failed more often in a row behind the others: many that are dead would
// otherwise take the time in which the rest could be read.
func (s *Source) healthyFirst(nodes []*corev1.Node) []*corev1.Node {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	sorted := slices.Clone(nodes)
	slices.SortStableFunc(sorted, func(a, b *corev1.Node) int { return s.attempts[a.Name].failures - s.attempts[b.Name].failures })
	return sorted
}

// remember counts failures in a row. A node whose turn did not come, or was cut short, is asked before all others the next time. If it
// failed before, it has to wait longer for that: many that are dead would be asked before those that answer.
func (s *Source) remember(node string, err error, late bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	known := s.attempts[node]
	switch {
	case err == nil:
		delete(s.attempts, node)
		return
	case !late:
		known = attempts{failures: max(known.failures, 0) + 1}
	case known.failures <= 0 || known.late+1 >= patience:
		known = attempts{failures: -1}
	default:
		known.late++
	}
	s.attempts[node] = known
}

// forget drops what is known of nodes that are gone.
func (s *Source) forget(nodes []*corev1.Node) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	kept := make(map[string]attempts, len(s.attempts))
	for _, node := range nodes {
		if known, ok := s.attempts[node.Name]; ok {
			kept[node.Name] = known
		}
	}
	s.attempts = kept
}

// get asks the kubelet of a node.
func (s *Source) get(ctx context.Context, node *corev1.Node, path, query string) (*fetch.Body, error) {
	if s.server != nil {
		address := s.server.JoinPath("api/v1/nodes", node.Name, "proxy", path)
		address.RawQuery = query
		return s.client.Get(ctx, address, "application/json")
	}
	host, err := s.host(node)
	if err != nil {
		return nil, err
	}
	address := &url.URL{Scheme: "https", Host: host, Path: path, RawQuery: query}
	return s.client.Get(ctx, address, "application/json")
}

// decode reads an answer of one JSON value to its end: of one that was left before, the connection is not used again.
func decode(from io.Reader, into any) error {
	decoder := json.NewDecoder(from)
	if err := decoder.Decode(into); err != nil {
		return err
	}
	switch token, err := decoder.Token(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return fmt.Errorf("after its end: %w", err)
	default:
		return fmt.Errorf("%.40q follows its end", fmt.Sprint(token))
	}
}

// host returns the address and the port of a node's kubelet.
func (s *Source) host(node *corev1.Node) (string, error) {
	port := int(node.Status.DaemonEndpoints.KubeletEndpoint.Port)
	if port == 0 {
		port = defaultPort
	}
	for _, wanted := range s.options.AddressTypes {
		for _, address := range node.Status.Addresses {
			if address.Type == wanted && address.Address != "" {
				return net.JoinHostPort(address.Address, strconv.Itoa(port)), nil
			}
		}
	}
	return "", fmt.Errorf("the node has no address of the types %v in its status", s.options.AddressTypes)
}

// CloseIdleConnections closes connections that no read uses.
func (s *Source) CloseIdleConnections() { s.client.CloseIdleConnections() }
