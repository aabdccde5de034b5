// SPDX-License-Identifier: Apache-2.0

// Package demo runs the same workload on two equal node pools, one filled by the default scheduler and one by Headroom, and
// reports what became of the pods.
package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/config"
	"github.com/headroom-dev/headroom/pkg/lab/cluster"
	"github.com/headroom-dev/headroom/pkg/lab/kubelet"
	"github.com/headroom-dev/headroom/pkg/lab/report"
)

// Options say how the demo is run.
type Options struct {
	// Spec is the nodes and the workload.
	Spec *Spec
	// Seed varies the pods' usage.
	Seed int64
	// OutDir is where report.html and summary.json are written.
	OutDir string
	// Keep leaves the cluster running until the context ends.
	Keep bool
	// Scheduler is the headroom-scheduler binary; SchedulerConfig the file it runs with, the shipped profile if empty.
	Scheduler, SchedulerConfig string
	// Out gets progress and summary; Terminal says that it is one.
	Out      io.Writer
	Terminal bool
}

// run is one run of the demo.
type run struct {
	options   Options
	spec      *Spec
	pools     []pool
	view      *view
	cluster   *cluster.Cluster
	client    kubernetes.Interface
	tracker   *tracker
	simulator *kubelet.Simulator
	began     time.Time
}

const (
	defaultPool  = "default"
	headroomPool = "headroom"
	// setUpTimeout bounds everything before the run itself.
	setUpTimeout = 3 * time.Minute
	drawInterval = time.Second
	// metricsResolution is what metrics-server's own manifests set; usageInterval the kubelet's housekeeping interval
	// (k8s.io/kubernetes pkg/kubelet/cadvisor/cadvisor_linux.go:66).
	metricsResolution = 15 * time.Second
	usageInterval     = 10 * time.Second
)

// Run runs the demo and writes its report. If ctx ends early, nothing is written and everything is cleaned up.
func Run(ctx context.Context, options Options) (err error) {
	r := &run{
		options: options,
		spec:    options.Spec,
		view:    &view{out: options.Out, terminal: options.Terminal},
		pools: []pool{
			{name: defaultPool, scheduler: corev1.DefaultSchedulerName},
			{name: headroomPool, scheduler: "headroom-scheduler"},
		},
	}
	if r.cluster, err = cluster.Start(ctx, cluster.Options{
		ExpectedNodes:     len(r.pools) * r.spec.Nodes.Count,
		MetricsResolution: metricsResolution,
		Progress:          func(step string) { r.view.step("%s", step) },
	}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.cluster.Close()) }()

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { // The run is worth nothing once a component has died.
		select {
		case failure := <-r.cluster.Failed():
			cancel(failure)
		case <-ctx.Done():
		}
	}()
	if err := r.setUp(ctx); err != nil {
		return fmt.Errorf("set up the demo: %w", err)
	}
	// The simulation ends before the cluster does, and goes on while a kept cluster is looked at.
	simulation, stop := context.WithCancel(ctx)
	simulated, err := r.simulate(simulation)
	defer func() {
		stop()
		err = errors.Join(err, <-simulated)
	}()
	if err != nil {
		return err
	}
	if err := r.play(ctx); err != nil {
		return err
	}
	finished := r.result(time.Since(r.began))
	if err := report.WriteFiles(options.OutDir, finished); err != nil {
		return err
	}
	r.view.step("\n%s\n%s and %s", summaryTable(finished), filepath.Join(options.OutDir, "report.html"), filepath.Join(options.OutDir, "summary.json"))
	if options.Keep {
		r.keep(ctx)
	}
	return nil
}

// simulate gives the nodes their memory life and follows the pods, until ctx ends; then the channel gives how it ended.
func (r *run) simulate(ctx context.Context) (<-chan error, error) {
	ended := make(chan error, 1)
	factory := informers.NewSharedInformerFactory(r.client, 0)
	r.simulator = kubelet.New(r.client, factory, kubelet.Options{
		EvictionHard:       r.spec.Nodes.EvictionHard.Value(),
		PressureTransition: r.spec.PressureTransition.Duration,
		Seed:               r.options.Seed,
		Jitter:             r.spec.Jitter,
		ReportInterval:     usageInterval,
		Step:               time.Second,
	})
	r.tracker = newTracker(clock.RealClock{})
	nodes, pods := factory.Core().V1().Nodes().Informer(), factory.Core().V1().Pods().Informer()
	tracked, err := pods.AddEventHandler(r.tracker.handler())
	if err != nil {
		close(ended)
		return ended, fmt.Errorf("watch pods: %w", err)
	}
	factory.Start(ctx.Done())
	go func() { ended <- r.simulator.Run(ctx, nodes.HasSynced, pods.HasSynced) }()
	if !cache.WaitForCacheSync(ctx.Done(), tracked.HasSynced) {
		return ended, context.Cause(ctx)
	}
	return ended, nil
}

// setUp waits for the control plane, creates the nodes and starts the schedulers once every node is measured.
func (r *run) setUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, setUpTimeout)
	defer cancel()
	if err := r.cluster.Ready(ctx); err != nil {
		return err
	}
	var err error
	if r.client, err = kubernetes.NewForConfig(r.cluster.RESTConfig()); err != nil {
		return err
	}
	r.view.step("creating two pools of %d nodes", r.spec.Nodes.Count)
	var nodes []*corev1.Node
	for _, pool := range r.pools {
		nodes = append(nodes, pool.nodes(r.spec.Nodes)...)
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: pool.name}}
		if pool.name == defaultPool { // It is there already.
			continue
		}
		if _, err := r.client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("create namespace %s: %w", pool.name, err)
		}
	}
	if err := r.cluster.CreateNodes(ctx, nodes); err != nil {
		return err
	}
	if err := r.cluster.WaitNodesReady(ctx, len(nodes)); err != nil {
		return err
	}
	r.view.step("waiting for the first measurements (metrics-server needs two scrapes)")
	if err := r.cluster.WaitNodeMetrics(ctx); err != nil {
		return err
	}
	r.view.step("starting kube-scheduler and headroom-scheduler")
	if err := r.cluster.StartScheduler(ctx, cluster.SchedulerOptions{Name: "kube-scheduler"}); err != nil {
		return err
	}
	file, err := r.schedulerConfig()
	if err != nil {
		return err
	}
	return r.cluster.StartScheduler(ctx, cluster.SchedulerOptions{
		Name: "headroom-scheduler", Executable: r.options.Scheduler, ConfigFile: file,
	})
}

// schedulerConfig returns the path of the configuration to run Headroom with.
func (r *run) schedulerConfig() (string, error) {
	if r.options.SchedulerConfig != "" {
		return r.options.SchedulerConfig, nil
	}
	path := filepath.Join(r.cluster.Dir(), "shipped-scheduler-config.yaml")
	return path, os.WriteFile(path, config.SchedulerConfig, 0o600)
}

// play creates the workloads when they are due and shows what happens until the run is over.
func (r *run) play(ctx context.Context) error {
	r.began = time.Now()
	total := r.spec.Duration.Duration
	todo := r.creations()
	ticker := time.NewTicker(drawInterval)
	defer ticker.Stop()
	for {
		elapsed := time.Since(r.began)
		for len(todo) > 0 && elapsed >= todo[0].at {
			if err := todo[0].pool.create(ctx, r.client, todo[0].workload); err != nil {
				return err
			}
			todo = todo[1:]
		}
		r.view.show(r, time.Now(), elapsed, total)
		if elapsed >= total {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the demo was interrupted after %s: %w", clockTime(elapsed), context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

// creation is a workload that a pool gets at a moment of the run.
type creation struct {
	at       time.Duration
	pool     pool
	workload *WorkloadSpec
}

// creations lists what each pool gets, in time order. The pools get a workload a second apart, so that neither waits for what
// the API server does for the other, and take turns in going first.
func (r *run) creations() []creation {
	var all []creation
	for i := range r.spec.Workloads {
		workload := &r.spec.Workloads[i]
		for j := range r.pools {
			all = append(all, creation{
				at:       workload.At.Duration + time.Duration(j)*time.Second,
				pool:     r.pools[(i+j)%len(r.pools)],
				workload: workload,
			})
		}
	}
	slices.SortStableFunc(all, func(a, b creation) int { return cmp.Compare(a.at, b.at) })
	return all
}
