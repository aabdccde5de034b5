// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	metricsclient "k8s.io/metrics/pkg/client/clientset/versioned"

	"github.com/headroom-dev/headroom/pkg/lab/lifeline"
)

const (
	pollInterval = 50 * time.Millisecond
	// failedCapacity is how many errors Failed keeps for a reader who comes late.
	failedCapacity = 16
)

// Start starts etcd, the API server, the controller manager, KWOK and metrics-server, and registers metrics.k8s.io. When it
// returns, the API server is ready and the rest is running; Ready waits for the rest. ctx bounds the start and not the life
// of the cluster: for that there is Close. After an error, or when ctx ends, nothing of the cluster is left.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	// What cannot be cleared away now does not stand in the way of a new cluster.
	removed, err := Sweep(options.ParentDir)
	if len(removed) > 0 {
		options.Progress(fmt.Sprintf("removed %d abandoned cluster(s)", len(removed)))
	}
	if err != nil {
		options.Progress(fmt.Sprintf("could not remove: %v", err))
	}
	c, err := startOnce(ctx, options)
	var ended *endedError
	if errors.As(err, &ended) && ended.portTaken() {
		options.Progress("another program took a port; starting again")
		c, err = startOnce(ctx, options)
	}
	return c, err
}

// startOnce makes one attempt, which leaves nothing behind if it fails.
func startOnce(ctx context.Context, options Options) (*Cluster, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("the control plane did not start within %s", startTimeout))
	defer cancel()
	c, err := newCluster(options)
	if err != nil {
		return nil, err
	}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// newCluster makes the folder and everything in it that the first process needs.
func newCluster(options Options) (*Cluster, error) {
	parent, err := lifeline.NewParent()
	if err != nil {
		return nil, err
	}
	folder, err := newWorkFolder(options.ParentDir)
	if err != nil {
		return nil, errors.Join(err, parent.Close())
	}
	c := &Cluster{
		options:    options,
		folder:     folder,
		files:      files{dir: folder.path},
		parent:     parent,
		failed:     make(chan error, failedCapacity),
		processes:  map[string]*process{},
		schedulers: map[string]int{},
	}
	if err := c.prepare(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) prepare() (err error) {
	if c.ports, err = choosePorts(); err != nil {
		return err
	}
	if err := c.files.write(loopbackURL(c.ports.apiServer, ""), time.Now()); err != nil {
		return fmt.Errorf("certificates and kubeconfigs: %w", err)
	}
	config, err := kwokConfig()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.folder.path, kwokConfigFile), config, 0o600); err != nil {
		return err
	}
	if c.rest, err = clientcmd.BuildConfigFromFlags("", c.Kubeconfig()); err != nil {
		return err
	}
	c.rest.QPS, c.rest.Burst = highRate, highRate
	c.rest.UserAgent = "headroom-lab"
	if c.http, err = rest.HTTPClientFor(c.rest); err != nil {
		return err
	}
	if c.clients, err = kubernetes.NewForConfigAndClient(c.rest, c.http); err != nil {
		return err
	}
	if c.dynamic, err = dynamic.NewForConfigAndClient(c.rest, c.http); err != nil {
		return err
	}
	c.metrics, err = metricsclient.NewForConfigAndClient(c.rest, c.http)
	return err
}

func (c *Cluster) start(ctx context.Context) error {
	c.options.Progress("starting etcd and the API server")
	etcd, err := c.spawn(c.etcdCommand())
	if err != nil {
		return err
	}
	// The API server is given no head start to wait for: it tries until etcd answers.
	apiServer, err := c.spawn(c.apiServerCommand())
	if err != nil {
		return err
	}
	if err := poll(ctx, pollInterval, c.healthy(c.ports.apiServer, "/readyz"), apiServer, etcd); err != nil {
		return fmt.Errorf("waiting for %s: %w", apiServerName, err)
	}

	c.options.Progress("starting the controller manager, KWOK and metrics-server")
	// Components that check their clients' identity read this at their start and fail without it.
	if err := poll(ctx, pollInterval, c.authenticationConfigured, apiServer, etcd); err != nil {
		return fmt.Errorf("waiting for the API server's authentication settings: %w", err)
	}
	if err := c.createManifest(ctx, "rbac.yaml", nil); err != nil {
		return err
	}
	watched := []*process{apiServer, etcd}
	for _, command := range []command{c.controllerManagerCommand(), c.kwokCommand(), c.metricsServerCommand()} {
		p, err := c.spawn(command)
		if err != nil {
			return err
		}
		watched = append(watched, p)
	}
	// An API that is registered before its server answers is tried again only after a while.
	if err := poll(ctx, pollInterval, c.healthy(c.ports.metricsServer, "/livez"), watched...); err != nil {
		return fmt.Errorf("waiting for %s: %w", metricsServerName, err)
	}
	fill, err := fillMetricsAPI(c.ports.metricsServer, c.files.authority())
	if err != nil {
		return err
	}
	return c.createManifest(ctx, "metrics-api.yaml", fill)
}

// spawn starts a process that belongs to the cluster.
func (c *Cluster) spawn(command command) (*process, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, fmt.Errorf("starting %s: %w", command.name, errClosed)
	}
	p, err := startProcess(command, c.folder.path, c.parent, c.failed)
	if err != nil {
		return nil, err
	}
	c.processes[command.name] = p
	if err := c.folder.record(c.processes); err != nil {
		return nil, err
	}
	return p, nil
}

var errClosed = errors.New("the cluster is closed")

// healthy returns a check that asks a process for its health. Any status but 200 is an error with the answer in it.
func (c *Cluster) healthy(port int, path string) func(context.Context) error {
	url := loopbackURL(port, path)
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := c.http.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(io.LimitReader(response.Body, 1<<12))
		if err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return &statusError{url: url, code: response.StatusCode, body: string(body)}
		}
		return nil
	}
}

func (c *Cluster) authenticationConfigured(ctx context.Context) error {
	_, err := c.clients.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, "extension-apiserver-authentication", metav1.GetOptions{})
	return err
}

// statusError is an answer other than 200.
type statusError struct {
	url  string
	code int
	body string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s: %d %s: %s", e.url, e.code, http.StatusText(e.code), e.body)
}

// missing tells whether the server does not have the path.
func (e *statusError) missing() bool { return e.code == http.StatusNotFound }
