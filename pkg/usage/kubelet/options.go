// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/usage/fetch"
)

const (
	// DefaultConcurrency is how many kubelets are asked at a time: at 20 ms each, 5,000 in two seconds.
	DefaultConcurrency = 50
	// DefaultNodeTimeout is how long one kubelet may take. It computes its answer in tens of milliseconds.
	DefaultNodeTimeout = 5 * time.Second
	// DefaultMaxBytes is the most that the body of one kubelet may have: some times the summary of 500 pods.
	DefaultMaxBytes = 8 << 20

	// defaultPort is where a kubelet listens that does not say.
	defaultPort = 10250
)

// Options of a source. Nodes and Config are needed; of the rest the zero value is what is recommended.
type Options struct {
	// Nodes returns the nodes to ask, as an informer has them. They are not changed.
	Nodes func() ([]*corev1.Node, error)
	// Config has the credentials that kubelets are shown: a bearer token, read again from its file as it changes, or a
	// client certificate. Its address and its TLS settings for the server are those of the API server and not used. The
	// rights needed are to get "nodes/stats" and, for Configurations, "nodes/configz"; kubelets before 1.33 want
	// "nodes/proxy" instead of the latter.
	Config *rest.Config

	// CAFile has the certificates that kubelets' are checked against, PEM: those of the authority that signs serving
	// certificates, which need not be that of the API server. Empty: that of Config, or the system's.
	CAFile string
	// Insecure does not check who answers, and sends the credentials to whoever listens at the address that a node claims.
	Insecure bool

	// Proxied asks kubelets by way of the API server, with the address and the TLS settings of Config. Then the right needed is
	// to get "nodes/proxy", and CAFile and Insecure, which are for kubelets' own certificates, are not used.
	Proxied bool

	// AddressTypes are the types of address of a node that are used, the best first. Empty: InternalIP, ExternalIP,
	// Hostname.
	AddressTypes []corev1.NodeAddressType
	// Concurrency is how many kubelets are asked at a time. 0: DefaultConcurrency.
	Concurrency int
	// NodeTimeout is how long one kubelet may take. 0: DefaultNodeTimeout.
	NodeTimeout time.Duration
	// MaxBytes of the body of one kubelet. 0: DefaultMaxBytes.
	MaxBytes int64
	// Clock tells what lies in the future. nil: the real one.
	Clock clock.WithDelayedExecution
}

// complete fills in what is empty.
func (o *Options) complete() error {
	var errs []error
	if o.Nodes == nil {
		errs = append(errs, errors.New("nodes: want a function that returns them"))
	}
	if o.Config == nil {
		errs = append(errs, errors.New("config: want one with credentials"))
	}
	if o.Concurrency < 0 || o.NodeTimeout < 0 || o.MaxBytes < 0 {
		errs = append(errs, errors.New("concurrency, nodeTimeout, maxBytes: want 0 or more"))
	}
	if o.Insecure && o.CAFile != "" {
		errs = append(errs, errors.New("caFile, insecure: want one of them"))
	}
	if len(o.AddressTypes) == 0 {
		o.AddressTypes = []corev1.NodeAddressType{corev1.NodeInternalIP, corev1.NodeExternalIP, corev1.NodeHostName}
	}
	if o.Concurrency == 0 {
		o.Concurrency = DefaultConcurrency
	}
	if o.NodeTimeout == 0 {
		o.NodeTimeout = DefaultNodeTimeout
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	return errors.Join(errs...)
}

// server returns the address of the API server if kubelets are asked by way of it, and nil if not.
func (o *Options) server() (*url.URL, error) {
	if !o.Proxied {
		return nil, nil
	}
	server, _, err := rest.DefaultServerUrlFor(o.Config)
	if err != nil {
		return nil, fmt.Errorf("kubelet: address of the API server: %w", err)
	}
	if server.Path == "" {
		server.Path = "/"
	}
	return server, nil
}

// client returns what talks to kubelets.
func (o *Options) client() (*fetch.Client, error) {
	config := rest.CopyConfig(o.Config)
	if !o.Proxied {
		config.Host = "" // every node has its own
		config.ServerName = ""
		config.Insecure = o.Insecure
		if o.CAFile != "" || o.Insecure {
			config.CAFile, config.CAData = o.CAFile, nil
		}
	}
	config.DisableCompression = true // the way is short
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, fmt.Errorf("kubelet: connection: %w", err)
	}
	return fetch.New(transport, fetch.Options{MaxBytes: o.MaxBytes, Stall: o.NodeTimeout, Clock: o.Clock}), nil
}
