// SPDX-License-Identifier: Apache-2.0

// Package cluster runs a real control plane on loopback: etcd, API server, controller manager, metrics-server and KWOK nodes,
// each a child process.
package cluster

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"sync"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	metricsclient "k8s.io/metrics/pkg/client/clientset/versioned"

	"github.com/headroom-dev/headroom/pkg/lab/lifeline"
)

const (
	// MinimumMetricsResolution is the shortest scrape interval that metrics-server accepts.
	MinimumMetricsResolution = 10 * time.Second

	// startTimeout bounds one attempt to start; on two busy cores a start takes a tenth of it.
	startTimeout = 2 * time.Minute
)

// Options say what Start starts. The zero value is usable when the running program is itself the multi-call binary.
type Options struct {
	// Executable is the binary whose first argument selects a component (headroom-lab). Default: this program.
	Executable string
	// ParentDir is the folder in which the cluster's own folder is made. Default: os.TempDir().
	ParentDir string
	// MetricsResolution is metrics-server's scrape interval, at least MinimumMetricsResolution, which is also the default.
	MetricsResolution time.Duration
	// ExpectedNodes is how many nodes the cluster is going to have, roughly. Above 1,500 the nodes renew their leases less
	// often, and the node controller waits longer before it believes a node lost.
	ExpectedNodes int
	// FeatureGates and RuntimeConfig are kube-apiserver's flags of those names, as comma-separated pairs. Default: its own defaults.
	// Schedulers have flags of their own.
	FeatureGates, RuntimeConfig string
	// Progress is called with a short phrase as each step of Start and Ready begins. Nil is silent.
	Progress func(step string)
}

// complete fills in defaults and refuses what cannot work.
func (o Options) complete() (Options, error) {
	if o.Executable == "" {
		path, err := os.Executable()
		if err != nil {
			return o, fmt.Errorf("finding this program's own path, the default of Options.Executable: %w", err)
		}
		o.Executable = path
	}
	if info, err := os.Stat(o.Executable); err != nil {
		return o, fmt.Errorf("Options.Executable: %w", err)
	} else if info.IsDir() || info.Mode()&0o111 == 0 {
		return o, fmt.Errorf("Options.Executable: %s is not an executable file", o.Executable)
	}
	if o.ParentDir == "" {
		o.ParentDir = os.TempDir()
	}
	if o.MetricsResolution == 0 {
		o.MetricsResolution = MinimumMetricsResolution
	}
	if o.MetricsResolution < MinimumMetricsResolution {
		return o, fmt.Errorf("Options.MetricsResolution: %s is shorter than %s, the least that metrics-server accepts", o.MetricsResolution, MinimumMetricsResolution)
	}
	if o.ExpectedNodes < 0 {
		return o, fmt.Errorf("Options.ExpectedNodes: %d is negative", o.ExpectedNodes)
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	return o, nil
}

// Cluster is a running control plane. Its methods may be called from several goroutines.
type Cluster struct {
	options    Options
	folder     *workFolder
	files      files
	ports      ports
	parent     *lifeline.Parent
	rest       *rest.Config
	http       *http.Client
	clients    kubernetes.Interface
	dynamic    dynamic.Interface
	metrics    metricsclient.Interface
	failed     chan error
	close      sync.Once
	closeError error

	mu         sync.Mutex // guards what follows
	closed     bool
	processes  map[string]*process
	schedulers map[string]int // secure port by name
}

// RESTConfig returns a copy of the administrator's client configuration, with client-side limits too high to be felt.
func (c *Cluster) RESTConfig() *rest.Config { return rest.CopyConfig(c.rest) }

// Kubeconfig is the path of the administrator's kubeconfig, readable by this user only. It goes with the cluster.
func (c *Cluster) Kubeconfig() string { return c.files.kubeconfig(adminName) }

// Dir is the cluster's folder. Logs are in its folder "logs", a file for each process.
func (c *Cluster) Dir() string { return c.folder.path }

// Failed receives the error of each process that ended though nobody stopped it, with the end of its log.
func (c *Cluster) Failed() <-chan error { return c.failed }

// PIDs lists the process identifiers of everything that runs, by name.
func (c *Cluster) PIDs() map[string]int {
	pids := map[string]int{}
	for name, p := range c.running() {
		pids[name] = p.pid()
	}
	return pids
}

// SumPSS is the memory of all processes of the cluster in bytes, where a page that several processes map counts in parts.
// (Most of them map one file, so that a sum of resident sizes would count it over and over.) It needs Linux.
func (c *Cluster) SumPSS() (int64, error) {
	var sum int64
	for name, pid := range c.PIDs() {
		bytes, err := proportionalSetSize(pid)
		if err != nil {
			return 0, fmt.Errorf("memory of %s (process %d): %w", name, pid, err)
		}
		sum += bytes
	}
	return sum, nil
}

// running returns the processes that have not ended.
func (c *Cluster) running() map[string]*process {
	c.mu.Lock()
	defer c.mu.Unlock()
	alive := maps.Clone(c.processes)
	maps.DeleteFunc(alive, func(_ string, p *process) bool { return p.ended() })
	return alive
}

// Close stops everything, in the order that lets each process end well, and removes the folder. What does not stop within
// its grace is killed. Close may be called more than once and from several goroutines; each call returns when all is gone.
func (c *Cluster) Close() error {
	c.close.Do(func() { c.closeError = c.shutDown() })
	return c.closeError
}

func (c *Cluster) shutDown() error {
	c.mu.Lock()
	c.closed = true // from here on nothing starts
	processes := maps.Clone(c.processes)
	schedulers := maps.Clone(c.schedulers)
	c.mu.Unlock()

	// Clients first: a server that goes before its clients waits for their connections.
	if c.http != nil {
		c.http.CloseIdleConnections()
	}
	names := []string{}
	for name := range schedulers {
		names = append(names, name)
	}
	for _, group := range [][]string{names, {kwokName, metricsServerName, controllerManagerName}, {apiServerName}, {etcdName}} {
		var stopped sync.WaitGroup
		for _, name := range group {
			if p, started := processes[name]; started {
				stopped.Go(p.stop)
			}
		}
		stopped.Wait()
	}
	if err := c.parent.Close(); err != nil {
		return fmt.Errorf("closing the pipe that child processes watch: %w", err)
	}
	return c.folder.remove()
}

// poll waits until check succeeds. It gives up when ctx ends or one of the watched processes does; the error then says why
// the last check failed.
func poll(ctx context.Context, interval time.Duration, check func(context.Context) error, watched ...*process) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		last := check(ctx)
		if last == nil {
			return nil
		}
		for _, p := range watched {
			if p.ended() {
				return p.earlyEnd()
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; last: %w", context.Cause(ctx), last)
		case <-ticker.C:
		}
	}
}
