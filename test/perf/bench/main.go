// SPDX-License-Identifier: Apache-2.0

// Command bench measures how fast pods are scheduled, by Headroom and by others, and compares them.
//
// Each measurement is a process of its own. One run measures each workload once with every arm, and the arms take turns, some seconds
// each, so that what disturbs the machine disturbs all of them alike. Results are appended to a file after each comparison: a
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

// workloads are those of harness/workloads.yaml by name, with their sizes in nodes and in how many turns an arm's pods are created.
// Those of one row are measured side by side. What comes all the time, as pods that fit nowhere, would pile up while it is another's turn; and on
// a machine of ordinary size there is room for one API server of 150,000 pods. A row is over before the harness ends it: after 30 minutes.
func workloads() [][]workload {
	return [][]workload{
		{{"basic", 5000, 20}},
		{{"selective", 1000, 10}, {"selective", 5000, 10}},
		{{"selective", 15000, 10}},
		{{"zone", 5000, 20}},
		{{"preferred", 5000, 20}},
		{{"churn", 5000, 1}},
		{{"used", 5000, 1}},
		{{"mixed", 5000, 1}},
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
	runs := flags.Int("runs", 5, "how often each workload is to be measured with each arm, runs with all of them that the results have already included")
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
	if err := checkAlike(have, *config); err != nil {
		return fmt.Errorf("%s holds results of %w: choose another file by --results", *results, err)
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
	if sizes := perf.Sizes(have); sizes != "" {
		fmt.Printf("\n%s", sizes)
	}
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
	turns int // 1: the arms are measured one after another
}

func (w workload) String() string { return fmt.Sprintf("%s/%d", w.name, w.nodes) }

// isMeantBy reports whether the name is the workload's, at any size or at its own, or of all.
func (w workload) isMeantBy(name string) bool {
	return name == "" || name == w.name || name == w.String()
}

// plan is what is to be measured.
type plan struct {
	workloads [][]workload // those of one row side by side
	arms      []perf.Arm
	runs      int
}

func newPlan(chosen, arms string, runs int) (*plan, error) {
	p := &plan{arms: perf.Arms(), runs: runs}
	if runs < 1 {
		return nil, fmt.Errorf("--runs=%d: want 1 or more", runs)
	}
	names := strings.Split(chosen, ",")
	for _, name := range names {
		if !slices.ContainsFunc(slices.Concat(workloads()...), func(known workload) bool { return known.isMeantBy(name) }) {
			return nil, fmt.Errorf("--workloads: %q is none of %v", name, slices.Concat(workloads()...))
		}
	}
	for _, row := range workloads() {
		row = slices.DeleteFunc(row, func(known workload) bool { return !slices.ContainsFunc(names, known.isMeantBy) })
		if len(row) > 0 {
			p.workloads = append(p.workloads, row)
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

// subject is what is measured: a workload with an arm.
type subject struct {
	workload workload
	arm      perf.Arm
}

func (s subject) String() string { return fmt.Sprintf("%s %s", s.workload, s.arm) }

func (s subject) is(result *perf.Result) bool {
	return result.Workload == s.workload.name && result.Nodes == s.workload.nodes && result.Arm == s.arm
}

// comparison is one thing to do: to measure workloads with all arms.
type comparison struct {
	subjects []subject
	run      int
}

// checkAlike says which of the results were not measured as those that are to be added, if any.
func checkAlike(have []perf.Result, config string) error {
	for i := range have {
		if have[i].Config != "" && have[i].Config != config {
			return fmt.Errorf("%s, not of %s", have[i].Config, config)
		}
		if turns := turnsOf(&have[i]); turns != have[i].Turns {
			return fmt.Errorf("%s/%d in %d turns, and it is measured in %d now", have[i].Workload, have[i].Nodes, have[i].Turns, turns)
		}
	}
	return nil
}

// turnsOf returns in how many turns the workload of a result is measured, 0 if it is none.
func turnsOf(result *perf.Result) int {
	for _, known := range slices.Concat(workloads()...) {
		if known.name == result.Workload && known.nodes == result.Nodes {
			return known.turns
		}
	}
	return 0
}

// lastRun returns the number of the last run of any workload of the row that the given ones are of.
func lastRun(row []workload, have []perf.Result) (last int) {
	for _, whole := range workloads() {
		if !slices.Contains(whole, row[0]) {
			continue
		}
		for i := range have {
			if slices.ContainsFunc(whole, func(w workload) bool { return w.name == have[i].Workload && w.nodes == have[i].Nodes }) {
				last = max(last, have[i].Run)
			}
		}
	}
	return last
}

// missing lists what the results do not have yet, in the order in which it is to be measured. Results are compared in runs of the same number,
// which were measured side by side: a run that has not all of the arms and sizes does not count, and its number is not given again.
func (p *plan) missing(have []perf.Result) []comparison {
	next := make([]int, len(p.workloads)) // the number of the next run
	left := make([]int, len(p.workloads))
	for i, row := range p.workloads {
		subjects := p.subjects(row)
		next[i] = lastRun(row, have)
		measured := map[int]int{} // by run
		for j := range have {
			if slices.ContainsFunc(subjects, func(s subject) bool { return s.is(&have[j]) }) {
				measured[have[j].Run]++
			}
		}
		left[i] = p.runs
		for _, count := range measured {
			if count == len(subjects) {
				left[i]--
			}
		}
	}
	var todo []comparison
	for range p.runs {
		for i, row := range p.workloads {
			if left[i]--; left[i] >= 0 {
				next[i]++
				todo = append(todo, comparison{p.subjects(row), next[i]})
			}
		}
	}
	return todo
}

// subjects returns the workloads with all arms.
func (p *plan) subjects(row []workload) (subjects []subject) {
	for _, workload := range row {
		for _, arm := range p.arms {
			subjects = append(subjects, subject{workload, arm})
		}
	}
	return subjects
}
