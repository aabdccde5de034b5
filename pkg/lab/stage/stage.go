// SPDX-License-Identifier: Apache-2.0

// Package stage sets up what is compared: a cluster with equal pools of nodes, one for each scheduler, whose pods have a
// memory life.
package stage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
	"github.com/headroom-dev/headroom/pkg/lab/kubelet"
)

const (
	// UsageInterval is how often a pod's usage is taken: the kubelet's housekeeping interval
	// (k8s.io/kubernetes pkg/kubelet/cadvisor/cadvisor_linux.go:67).
	UsageInterval = 10 * time.Second
	// setUpTimeout bounds everything before the play.
	setUpTimeout = 3 * time.Minute
)

// Options say what is set up.
type Options struct {
	// Pools get equal nodes, as Nodes says. One of them may be called default: that namespace is there already.
	Pools []Pool
	Nodes NodesSpec
	// MetricsResolution is the time between two scrapes of metrics-server, at least cluster.MinimumMetricsResolution.
	MetricsResolution time.Duration
	// PressureTransition is the kubelets' evictionPressureTransitionPeriod.
	PressureTransition time.Duration
	// Seed varies the pods' usage, by up to the share Jitter: 0 to less than 1.
	Seed   int64
	Jitter float64
	// Progress is told each step of the setting up.
	Progress func(format string, arguments ...any)
}

// Stage is a cluster with pools. Its fields are not to be changed.
type Stage struct {
	Cluster *cluster.Cluster
	Client  kubernetes.Interface
	// History is what the simulated nodes held; Tracker what became of the pods.
	History *kubelet.History
	Tracker *Tracker

	options Options
}

// Run sets up a stage and plays on it: when play is called, the nodes are ready and no scheduler runs yet. The context of
// the play ends when a component of the cluster dies, too, which is then its cause, and the error of a play that does not mind.
// When Run returns, nothing is left.
func Run(ctx context.Context, options Options, play func(context.Context, *Stage) error) (err error) {
	s := &Stage{options: options, Tracker: newTracker(clock.RealClock{})}
	if s.Cluster, err = cluster.Start(ctx, cluster.Options{
		ExpectedNodes:     len(options.Pools) * options.Nodes.Count,
		MetricsResolution: options.MetricsResolution,
		Progress:          func(step string) { options.Progress("%s", step) },
	}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Cluster.Close()) }()

	asked := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { // The run is worth nothing once a component has died.
		select {
		case failure := <-s.Cluster.Failed():
			cancel(failure)
		case <-ctx.Done():
		}
	}()
	if err := s.setUp(ctx); err != nil {
		return fmt.Errorf("set up the cluster: %w", err)
	}
	// The simulation ends before the cluster does.
	simulation, stop := context.WithCancel(ctx)
	simulated, err := s.simulate(simulation)
	defer func() {
		stop()
		err = errors.Join(err, <-simulated)
	}()
	if err != nil {
		return err
	}
	if err := play(ctx, s); err != nil {
		return err
	}
	if ctx.Err() != nil && asked.Err() == nil {
		return context.Cause(ctx)
	}
	return nil
}

// setUp waits for the control plane and creates namespaces and nodes.
func (s *Stage) setUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, setUpTimeout)
	defer cancel()
	if err := s.Cluster.Ready(ctx); err != nil {
		return err
	}
	var err error
	if s.Client, err = kubernetes.NewForConfig(s.Cluster.RESTConfig()); err != nil {
		return err
	}
	s.options.Progress("creating %d pools of %d nodes", len(s.options.Pools), s.options.Nodes.Count)
	var nodes []*corev1.Node
	for _, pool := range s.options.Pools {
		nodes = append(nodes, pool.Nodes(s.options.Nodes)...)
		if pool.Name == metav1.NamespaceDefault { // It is there already.
			continue
		}
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: pool.Name}}
		if _, err := s.Client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("create namespace %s: %w", pool.Name, err)
		}
	}
	if err := s.Cluster.CreateNodes(ctx, nodes); err != nil {
		return err
	}
	return s.Cluster.WaitNodesReady(ctx, len(nodes))
}

// simulate gives the nodes their memory life and follows the pods, until ctx ends; then the channel gives how it ended.
func (s *Stage) simulate(ctx context.Context) (<-chan error, error) {
	ended := make(chan error, 1)
	factory := informers.NewSharedInformerFactory(s.Client, 0)
	simulator := kubelet.New(s.Client, factory, kubelet.Options{
		EvictionHard:       s.options.Nodes.EvictionHard.Value(),
		PressureTransition: s.options.PressureTransition,
		Seed:               s.options.Seed,
		Jitter:             s.options.Jitter,
		ReportInterval:     UsageInterval,
		Step:               time.Second,
	})
	s.History = simulator.History()
	nodes, pods := factory.Core().V1().Nodes().Informer(), factory.Core().V1().Pods().Informer()
	tracked, err := pods.AddEventHandler(s.Tracker.handler())
	if err != nil {
		close(ended)
		return ended, fmt.Errorf("watch pods: %w", err)
	}
	factory.Start(ctx.Done())
	go func() { ended <- simulator.Run(ctx, nodes.HasSynced, pods.HasSynced) }()
	if !cache.WaitForCacheSync(ctx.Done(), tracked.HasSynced) {
		return ended, context.Cause(ctx)
	}
	return ended, nil
}

// WaitMeasured waits until metrics.k8s.io has every node.
func (s *Stage) WaitMeasured(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, setUpTimeout+2*s.options.MetricsResolution)
	defer cancel()
	s.options.Progress("waiting for the first measurements (metrics-server needs two scrapes)")
	return s.Cluster.WaitNodeMetrics(ctx)
}

// StartScheduler starts a scheduler and waits until it is ready. executable is any build of kube-scheduler, the cluster's
// own one if empty; configuration a KubeSchedulerConfiguration, the default one if nil.
func (s *Stage) StartScheduler(ctx context.Context, name, executable string, configuration []byte) error {
	ctx, cancel := context.WithTimeout(ctx, setUpTimeout)
	defer cancel()
	options := cluster.SchedulerOptions{Name: name, Executable: executable}
	if configuration != nil {
		options.ConfigFile = filepath.Join(s.Cluster.Dir(), name+"-source.yaml")
		if err := os.WriteFile(options.ConfigFile, configuration, 0o600); err != nil {
			return err
		}
	}
	return s.Cluster.StartScheduler(ctx, options)
}

// Deaths counts the evictions and OOM kills of a pool's pods so far, from a moment of the history on.
func (s *Stage) Deaths(pool Pool, since time.Duration) (evictions, oomKills int) {
	for _, event := range s.History.Events() {
		if event.Namespace != pool.Name || event.At < since {
			continue
		}
		switch event.Kind {
		case kubelet.Eviction:
			evictions++
		case kubelet.OOMKill:
			oomKills++
		}
	}
	return evictions, oomKills
}
