// SPDX-License-Identifier: Apache-2.0

// Package fleet reads the nodes and pods of a real cluster from CSV and schedules them with Headroom on the local control
// plane.
//
// Nothing is replayed in time: all pods are wanted at once, in the order of the file, whenever they began and ended.
// GPUs and whatever else the files know beyond CPU and memory are ignored. A pod uses exactly the memory that it requests,
// for want of anything better: such a file has no usage. Each node uses 256Mi more for its system, as the lab's nodes do
// unless told otherwise, and keeps the kubelet's default eviction threshold of 100Mi and its limit of 110 pods.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
	"github.com/headroom-dev/headroom/pkg/lab/schedulerconfig"
	"github.com/headroom-dev/headroom/pkg/lab/screen"
	"github.com/headroom-dev/headroom/pkg/lab/wholefile"
)

// DefaultSettle is longer than it takes from a pod's start, over the next measurement, to a scheduler that knows of it and
// has waited out its back-off.
const DefaultSettle = 40 * time.Second

// Options say what is scheduled, and how.
type Options struct {
	// Nodes and Pods are what ReadNodes and ReadPods returned.
	Nodes []Node
	Pods  []Pod
	// OutDir is where summary.json is written; it is made if need be.
	OutDir string
	// Scheduler is the headroom-scheduler binary; SchedulerConfig the file it runs with, the shipped profile if empty.
	Scheduler, SchedulerConfig string
	// Out gets progress and summary; Terminal says that it is one.
	Out      io.Writer
	Terminal bool
	// MetricsResolution is metrics-server's scrape interval; 0 is the cluster's default.
	MetricsResolution time.Duration
	// Settle is how long nothing must have been placed, with every pod judged, before the run is over. 0 is DefaultSettle.
	// A run in which every pod is placed ends at once.
	Settle time.Duration
}

// setUpTimeout bounds everything before the first pod. 5,000 nodes take two minutes on two cores.
const setUpTimeout = 10 * time.Minute

// run is one run.
type run struct {
	options Options
	config  []byte
	screen  *screen.Screen
	cluster *cluster.Cluster
	client  kubernetes.Interface
}

// Run starts a cluster with the nodes, has Headroom schedule the pods, writes summary.json and stops the cluster. If ctx
// ends early or a process dies, after the first pod, summary.json says how far it came, with interrupted true, and the
// error says why. Nothing of the cluster is left in any case.
func Run(ctx context.Context, options Options) (err error) {
	if options.Settle == 0 {
		options.Settle = DefaultSettle
	}
	r := &run{options: options, screen: screen.New(options.Out, options.Terminal)}
	if r.config, err = schedulerconfig.Headroom(options.SchedulerConfig); err != nil {
		return err
	}
	if err := os.MkdirAll(options.OutDir, 0o755); err != nil {
		return fmt.Errorf("folder for the summary: %w", err)
	}
	if err := wholefile.CheckFolder(options.OutDir); err != nil {
		return fmt.Errorf("folder for the summary: %w", err)
	}
	if r.cluster, err = cluster.Start(ctx, cluster.Options{
		ExpectedNodes:     len(options.Nodes),
		MetricsResolution: options.MetricsResolution,
		Progress:          func(step string) { r.screen.Step("%s", step) },
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
	return r.perform(ctx)
}

// perform sets up the cluster, places the pods and writes the summary.
func (r *run) perform(ctx context.Context) error {
	sampling, stop := context.WithCancel(context.WithoutCancel(ctx))
	peak := make(chan int64, 1)
	go func() { peak <- peakMemory(sampling, r.cluster.SumPSS) }()
	defer stop()

	if err := r.setUp(ctx); err != nil {
		return fmt.Errorf("set up the cluster: %w", err)
	}
	r.screen.Step("creating %d pods, all wanted at once", len(r.options.Pods))
	tracker := newTracker(clock.RealClock{}, r.options.Pods)
	p := &placement{
		client: r.client, clock: clock.RealClock{}, pods: r.options.Pods, tracker: tracker, screen: r.screen, settle: r.options.Settle,
	}
	failure := p.run(ctx)
	if failure != nil && ctx.Err() != nil {
		failure = fmt.Errorf("the run was interrupted: %w", context.Cause(ctx))
	}

	stop()
	summary := newSummary(r.options.Nodes, r.options.Pods)
	summary.Interrupted = failure != nil
	summary.PeakMemoryBytes = <-peak
	summary.listUnplaced(r.options.Nodes, tracker.result(&summary))
	if err := summary.write(r.options.OutDir); err != nil {
		return errors.Join(failure, err)
	}
	r.screen.Step("\n%s\n%s", summary.text(), filepath.Join(r.options.OutDir, summaryFile))
	return failure
}

// setUp waits for the control plane, creates the nodes and starts the scheduler once every node is measured.
func (r *run) setUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, setUpTimeout)
	defer cancel()
	if err := r.cluster.Ready(ctx); err != nil {
		return err
	}
	connection := r.cluster.RESTConfig()
	connection.ContentType = runtime.ContentTypeProtobuf // thousands of pods pass through
	var err error
	if r.client, err = kubernetes.NewForConfig(connection); err != nil {
		return err
	}
	r.screen.Step("creating %d nodes", len(r.options.Nodes))
	nodes := make([]*corev1.Node, 0, len(r.options.Nodes))
	for _, node := range r.options.Nodes {
		nodes = append(nodes, node.object())
	}
	if err := r.cluster.CreateNodes(ctx, nodes); err != nil {
		return err
	}
	r.screen.Step("waiting until the nodes are ready")
	if err := r.cluster.WaitNodesReady(ctx, len(nodes)); err != nil {
		return err
	}
	r.screen.Step("waiting for the first measurements (metrics-server needs two scrapes)")
	if err := r.cluster.WaitNodeMetrics(ctx); err != nil {
		return err
	}
	r.screen.Step("starting headroom-scheduler")
	file := filepath.Join(r.cluster.Dir(), "fleet-scheduler-config.yaml")
	if err := os.WriteFile(file, r.config, 0o600); err != nil {
		return err
	}
	return r.cluster.StartScheduler(ctx, cluster.SchedulerOptions{
		Name: schedulerName, Executable: r.options.Scheduler, ConfigFile: file,
	})
}
