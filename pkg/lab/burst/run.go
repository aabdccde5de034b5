// SPDX-License-Identifier: Apache-2.0

// Package burst wants many pods at once, while the schedulers' samples are old, and compares what three schedulers make of
// it: the default one, LoadVariationRiskBalancing of scheduler-plugins, and Headroom.
//
// The three share one cluster and one time: each has a pool of equal nodes, with equal load and equal pods. Whatever the
// machine does meanwhile happens to all of them.
package burst

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metricsclient "k8s.io/metrics/pkg/client/clientset/versioned"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/lab/loadwatch"
	"github.com/headroom-dev/headroom/pkg/lab/schedulerconfig"
	"github.com/headroom-dev/headroom/pkg/lab/screen"
	"github.com/headroom-dev/headroom/pkg/lab/stage"
	"github.com/headroom-dev/headroom/pkg/lab/wholefile"
)

// Options say how the scenario is run.
type Options struct {
	// Spec is the nodes, the load before and the burst; Seed what it is drawn with.
	Spec *Spec
	Seed int64
	// OutDir is where summary.json is written; it is made if need be.
	OutDir string
	// Scheduler is the headroom-scheduler binary, which LoadVariationRiskBalancing is in, too; SchedulerConfig the file that
	// Headroom runs with, the shipped profile if empty.
	Scheduler, SchedulerConfig string
	// LoadVariationWeight is the weight of LoadVariationRiskBalancing among the default scores, at least 1. Its documentation
	// names none, which is 1.
	LoadVariationWeight int32
	// Out gets progress and summary; Terminal says that it is one.
	Out      io.Writer
	Terminal bool
}

// run is one run of the scenario.
type run struct {
	options Options
	spec    *Spec
	plan    []Workload
	pools   []stage.Pool
	screen  *screen.Screen
	stage   *stage.Stage
	// began is when the burst came, age how old the newest sample was then, and placed how long each pool took to place it.
	began  time.Time
	age    time.Duration
	placed map[string]time.Duration
}

const (
	summaryFile       = "summary.json"
	loadVariationName = "loadvariation-scheduler"
	drawInterval      = time.Second
)

// Run runs the scenario and writes summary.json. If ctx ends early, nothing is written and everything is cleaned up.
func Run(ctx context.Context, options Options) error {
	if options.LoadVariationWeight < 1 {
		return fmt.Errorf("weight of LoadVariationRiskBalancing: %d: want at least 1", options.LoadVariationWeight)
	}
	configuration, err := schedulerconfig.Headroom(options.SchedulerConfig)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(options.OutDir, 0o755); err != nil {
		return fmt.Errorf("folder for the summary: %w", err)
	}
	if err := wholefile.CheckFolder(options.OutDir); err != nil {
		return fmt.Errorf("folder for the summary: %w", err)
	}
	r := &run{
		options: options,
		spec:    options.Spec,
		plan:    options.Spec.Plan(options.Seed),
		screen:  screen.New(options.Out, options.Terminal),
		pools: []stage.Pool{
			{Name: "default", Scheduler: corev1.DefaultSchedulerName},
			{Name: "loadvariation", Scheduler: loadVariationName},
			{Name: "headroom", Scheduler: schedulerconfig.HeadroomName},
		},
		placed: map[string]time.Duration{},
	}
	return stage.Run(ctx, stage.Options{
		Pools: r.pools, Nodes: r.spec.Nodes, MetricsResolution: r.spec.MetricsResolution.Duration,
		PressureTransition: r.spec.PressureTransition.Duration, Seed: options.Seed, Jitter: r.spec.Jitter, Progress: r.screen.Step,
	}, func(ctx context.Context, s *stage.Stage) error {
		r.stage = s
		err := r.play(ctx, configuration)
		if err != nil && ctx.Err() != nil {
			return fmt.Errorf("the scenario was interrupted: %w", context.Cause(ctx))
		}
		return err
	})
}

// play is the scenario on a stage that is set up.
func (r *run) play(ctx context.Context, configuration []byte) (err error) {
	r.screen.Step("starting %d pods in each pool, placed alike, before there is a scheduler", podsBefore(r.plan))
	if err := r.prepare(ctx); err != nil {
		return fmt.Errorf("start what runs before the burst: %w", err)
	}
	metrics, err := metricsclient.NewForConfig(r.stage.Cluster.RESTConfig())
	if err != nil {
		return err
	}
	settle := r.spec.Burst.Over.Duration + stage.UsageInterval // the siblings grow, too
	scrapes := &scrapes{
		metrics: metrics, nodes: len(r.pools) * r.spec.Nodes.Count, pods: len(r.pools) * podsBefore(r.plan),
		settled: time.Now().Add(settle), resolution: r.spec.MetricsResolution.Duration,
	}
	r.screen.Step("waiting until the load is steady and measured")
	if err := r.waitScrapes(ctx, scrapes, 1, 0, nil); err != nil {
		return err
	}
	watcher, err := loadwatch.Start(ctx, loadwatch.MetricsAPI(r.stage.Client, metrics), clock.RealClock{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, watcher.Close()) }()
	if err := r.startSchedulers(ctx, watcher.Address(), configuration); err != nil {
		return err
	}
	r.screen.Step("waiting until the schedulers have seen the load, and the samples are %s old", r.spec.SampleAge.Duration)
	reported := func() bool { return watcher.Served() > 0 }
	if err := r.waitScrapes(ctx, scrapes, r.spec.SettledScrapes, r.spec.SampleAge.Duration, reported); err != nil {
		return err
	}
	r.screen.Step("%d pods for each scheduler, now", r.spec.BurstPods())
	r.began = time.Now()
	r.age = r.began.Sub(scrapes.newest)
	if err := r.burst(ctx); err != nil {
		return err
	}
	if err := r.watch(ctx); err != nil {
		return err
	}
	return r.finish()
}

// waitScrapes waits until so many scrapes show the load, the samples have an age, and also is true, if there is one.
func (r *run) waitScrapes(ctx context.Context, s *scrapes, count int, age time.Duration, also func() bool) error {
	return until(ctx, drawInterval, func() (bool, error) {
		if err := s.look(ctx); err != nil {
			return false, err
		}
		now := time.Now()
		text := func() string {
			return "at most " + screen.Clock(s.left(now, count, age)) + " until then; in all about " + screen.Clock(s.left(now, r.spec.SettledScrapes, r.spec.SampleAge.Duration)+r.spec.Watch.Duration)
		}
		r.screen.Show(now, text, text)
		return s.ready(now, count, age) && (also == nil || also()), nil
	})
}

func (r *run) startSchedulers(ctx context.Context, watcherAddress string, configuration []byte) error {
	r.screen.Step("starting kube-scheduler, kube-scheduler with LoadVariationRiskBalancing, and headroom-scheduler")
	loadVariation, err := schedulerconfig.LoadVariation(loadVariationName, r.options.LoadVariationWeight, watcherAddress)
	if err != nil {
		return err
	}
	if err := r.stage.StartScheduler(ctx, "kube-scheduler", "", nil); err != nil {
		return err
	}
	if err := r.stage.StartScheduler(ctx, loadVariationName, r.options.Scheduler, loadVariation); err != nil {
		return err
	}
	return r.stage.StartScheduler(ctx, schedulerconfig.HeadroomName, r.options.Scheduler, configuration)
}

// watch shows what becomes of the burst until the time is over.
func (r *run) watch(ctx context.Context) error {
	total := r.spec.Watch.Duration
	return until(ctx, drawInterval, func() (bool, error) {
		now, elapsed := time.Now(), time.Since(r.began)
		for _, pool := range r.pools {
			tally := r.stage.Tracker.Tally(pool.Name)
			if r.placed[pool.Name] == 0 && tally.Pending == 0 && tally.Placed >= podsAfter(r.plan) {
				r.placed[pool.Name] = elapsed
			}
		}
		head := fmt.Sprintf("%s of %s, %s left", screen.Clock(elapsed), screen.Clock(total), screen.Clock(total-elapsed))
		r.screen.Show(now,
			func() string { return head + "\n" + table(r.pools, r.outcomes()) },
			func() string { return head + r.line() })
		return elapsed >= total, nil
	})
}

// line is the state of the run in one line.
func (r *run) line() string {
	var text strings.Builder
	for i, outcome := range r.outcomes() {
		fmt.Fprintf(&text, " | %s: %d nodes over, fullest %s, %d running, %d evictions, %d OOM kills",
			r.pools[i].Name, outcome.NodesOverThreshold, percent(outcome.Nodes, 1), outcome.PodsRunning, outcome.Evictions, outcome.OOMKills)
	}
	return text.String()
}

// outcomes are those of the pools, in their order, from the burst until now.
func (r *run) outcomes() []Outcome {
	since := r.began.Sub(r.stage.History.Began())
	all := make([]Outcome, len(r.pools))
	for i, pool := range r.pools {
		all[i] = r.outcome(pool, since)
	}
	return all
}

// finish writes the summary and shows the table.
func (r *run) finish() error {
	result := Result{
		Scenario: "burst", Seed: r.options.Seed, NodesPerPool: r.spec.Nodes.Count, BurstPods: r.spec.BurstPods(),
		LoadVariationWeight: r.options.LoadVariationWeight,
		SampleAgeSeconds:    r.age.Seconds(), WatchedSeconds: time.Since(r.began).Seconds(), Schedulers: map[string]Outcome{},
	}
	outcomes := r.outcomes()
	for i, pool := range r.pools {
		result.Schedulers[pool.Name] = outcomes[i]
	}
	path := filepath.Join(r.options.OutDir, summaryFile)
	if err := wholefile.WriteJSON(path, result); err != nil {
		return err
	}
	r.screen.Step("\n%s\n%s", table(r.pools, outcomes), path)
	return nil
}
