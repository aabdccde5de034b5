// SPDX-License-Identifier: Apache-2.0

// Package demo runs the same workload on two equal node pools, one filled by the default scheduler and one by Headroom, and
// reports what became of the pods.
package demo

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/lab/report"
	"github.com/headroom-dev/headroom/pkg/lab/schedulerconfig"
	"github.com/headroom-dev/headroom/pkg/lab/screen"
	"github.com/headroom-dev/headroom/pkg/lab/stage"
	"github.com/headroom-dev/headroom/pkg/lab/wholefile"
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
	options Options
	spec    *Spec
	pools   []stage.Pool
	screen  *screen.Screen
	stage   *stage.Stage
	began   time.Time
}

const (
	defaultPool  = "default"
	headroomPool = "headroom"
	drawInterval = time.Second
	// metricsResolution is what metrics-server's own manifests set.
	metricsResolution = 15 * time.Second
)

// Run runs the demo and writes its report. If ctx ends early, nothing is written and everything is cleaned up.
func Run(ctx context.Context, options Options) error {
	configuration, err := schedulerconfig.Headroom(options.SchedulerConfig)
	if err != nil {
		return err
	}
	if err := wholefile.CheckFolder(options.OutDir); err != nil {
		return fmt.Errorf("folder for the report: %w", err)
	}
	r := &run{
		options: options,
		spec:    options.Spec,
		screen:  screen.New(options.Out, options.Terminal),
		pools: []stage.Pool{
			{Name: defaultPool, Scheduler: corev1.DefaultSchedulerName},
			{Name: headroomPool, Scheduler: schedulerconfig.HeadroomName},
		},
	}
	return stage.Run(ctx, stage.Options{
		Pools: r.pools, Nodes: r.spec.Nodes, MetricsResolution: metricsResolution, PressureTransition: r.spec.PressureTransition.Duration,
		Seed: options.Seed, Jitter: r.spec.Jitter, Progress: r.screen.Step,
	}, func(ctx context.Context, s *stage.Stage) error {
		r.stage = s
		if err := r.startSchedulers(ctx, configuration); err != nil {
			return fmt.Errorf("set up the demo: %w", err)
		}
		if err := r.play(ctx); err != nil {
			return err
		}
		return r.finish(ctx)
	})
}

// startSchedulers starts both schedulers once every node is measured.
func (r *run) startSchedulers(ctx context.Context, configuration []byte) error {
	if err := r.stage.WaitMeasured(ctx); err != nil {
		return err
	}
	r.screen.Step("starting kube-scheduler and headroom-scheduler")
	if err := r.stage.StartScheduler(ctx, "kube-scheduler", "", nil); err != nil {
		return err
	}
	return r.stage.StartScheduler(ctx, "headroom-scheduler", r.options.Scheduler, configuration)
}

// finish writes the report, and leaves the cluster running if that is wanted.
func (r *run) finish(ctx context.Context) error {
	finished, dir := r.result(time.Since(r.began)), r.options.OutDir
	if err := report.WriteFiles(dir, finished); err != nil {
		return err
	}
	r.screen.Step("\n%s\n%s and %s", summaryTable(finished), filepath.Join(dir, "report.html"), filepath.Join(dir, "summary.json"))
	if r.options.Keep {
		r.keep(ctx)
	}
	return nil
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
			if err := create(ctx, r.stage.Client, todo[0].pool, todo[0].workload); err != nil {
				return err
			}
			todo = todo[1:]
		}
		r.show(time.Now(), elapsed, total)
		if elapsed >= total {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the demo was interrupted after %s: %w", screen.Clock(elapsed), context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

// creation is a workload that a pool gets at a moment of the run.
type creation struct {
	at       time.Duration
	pool     stage.Pool
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
