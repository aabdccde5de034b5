// SPDX-License-Identifier: Apache-2.0

// Command bench measures how fast pods are scheduled, by Headroom and by others, and compares them.
//
// Each measurement is a process of its own. One run measures each workload once with every arm, one arm after the other, so
// that what disturbs the machine disturbs all arms alike. Results are appended to a file after each measurement: a
// benchmark that was interrupted goes on where it stopped.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/headroom-dev/headroom/test/perf"
)

// workloads are those of harness/workloads.yaml by name, with their sizes in nodes.
func workloads() []workload {
	return []workload{
		{"basic", 5000},
		{"selective", 1000},
		{"selective", 5000},
		{"selective", 15000},
		{"zone", 5000},
		{"preferred", 5000},
		{"churn", 5000},
		{"used", 5000},
		{"mixed", 5000},
	}
}

func main() {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signals = append(signals, syscall.SIGHUP)
	}
	// Caught, or a write after the reader of the output has gone would end the process, and leave the benchmark's running.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	chosen := flags.String("workloads", "", "comma-separated workloads, such as basic or selective/1000; empty means all")
	arms := flags.String("arms", "", "comma-separated arms; empty means all: stock, config, headroom, loadvariation")
	runs := flags.Int("runs", 5, "how often each workload is to be measured with each arm, runs that the results have already included")
	config := flags.String("config", "scheduler-config-replace.yaml", "the file of config/ that the arms config and headroom run")
	results := flags.String("results", "out/bench/results.json", "the file that results are appended to")
	report := flags.String("report", "", "a Markdown file with marks for a report of the results file's name, between which the table and the plot of all results are written")
	if err := flags.Parse(args); err != nil {
		return err
	}
	plan, err := newPlan(*chosen, *arms, *runs)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join("config", *config)); err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	have, err := perf.ReadResults(*results)
	if err != nil {
		return err
	}
	for _, result := range have {
		if result.Config != "" && result.Config != *config {
			return fmt.Errorf("%s holds results of %s, not of %s: choose another file by --results", *results, result.Config, *config)
		}
	}
	revision, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return fmt.Errorf("git describe: %w", err)
	}
	if todo := plan.missing(have); len(todo) > 0 {
		b := &bench{out: os.Stdout, config: *config, revision: strings.TrimSpace(string(revision)), results: *results, have: have, folder: filepath.Dir(*results)}
		if err := b.measure(ctx, todo); err != nil {
			return err
		}
		have = b.have
	}
	fmt.Println()
	fmt.Print(perf.Table(have))
	fmt.Printf("\n%s, of %s\n", *results, strings.Join(perf.Revisions(have), ", "))
	if *report == "" {
		return nil
	}
	return perf.WriteReport(*report, strings.TrimSuffix(filepath.Base(*results), ".json"), have)
}

// workload is what is scheduled, on how many nodes.
type workload struct {
	name  string
	nodes int
}

func (w workload) String() string { return fmt.Sprintf("%s/%d", w.name, w.nodes) }

// plan is what is to be measured.
type plan struct {
	workloads []workload
	arms      []perf.Arm
	runs      int
}

func newPlan(chosen, arms string, runs int) (*plan, error) {
	p := &plan{arms: perf.Arms(), runs: runs}
	if runs < 1 {
		return nil, fmt.Errorf("--runs=%d: want 1 or more", runs)
	}
	for name := range strings.SplitSeq(chosen, ",") {
		found := false
		for _, known := range workloads() {
			if name != "" && name != known.name && name != known.String() {
				continue
			}
			found = true
			if !slices.Contains(p.workloads, known) {
				p.workloads = append(p.workloads, known)
			}
		}
		if !found {
			return nil, fmt.Errorf("--workloads: %q is none of %v", name, workloads())
		}
	}
	if arms == "" {
		return p, nil
	}
	p.arms = nil
	for name := range strings.SplitSeq(arms, ",") {
		if !slices.Contains(perf.Arms(), perf.Arm(name)) {
			return nil, fmt.Errorf("--arms: %q is none of %v", name, perf.Arms())
		}
		p.arms = append(p.arms, perf.Arm(name))
	}
	return p, nil
}

// measurement is one thing to do.
type measurement struct {
	workload workload
	arm      perf.Arm
	run      int
}

// missing lists what the results do not have yet, in the order in which it is to be measured. The arms take turns at being
// first.
func (p *plan) missing(have []perf.Result) []measurement {
	var todo []measurement
	for run := 1; run <= p.runs; run++ {
		for _, workload := range p.workloads {
			for i := range p.arms {
				next := measurement{workload, p.arms[(i+run)%len(p.arms)], run}
				if !slices.ContainsFunc(have, next.is) {
					todo = append(todo, next)
				}
			}
		}
	}
	return todo
}

func (m measurement) is(result perf.Result) bool {
	return result.Workload == m.workload.name && result.Nodes == m.workload.nodes && result.Arm == m.arm && result.Run == m.run
}
