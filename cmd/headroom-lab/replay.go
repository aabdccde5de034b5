// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/headroom-dev/headroom/pkg/lab/replay"
	"github.com/headroom-dev/headroom/pkg/lab/report/comparison"
	"github.com/headroom-dev/headroom/pkg/lab/screen"
	"github.com/headroom-dev/headroom/pkg/lab/trace"
	"github.com/headroom-dev/headroom/pkg/lab/wholefile"
)

// replayOptions are the flags of replay.
type replayOptions struct {
	trace, arrivals, out, nodeMemory string
	page                             string
	nodes                            []string // numbers
	policies, scenarios, configs     []string
	seeds, starts, parallel          int
}

// newReplayCommand replays a memory trace with policies.
func newReplayCommand() *cobra.Command {
	var options replayOptions
	var policies, scenarios []string
	for _, policy := range replay.Named() {
		policies = append(policies, policy.Name)
	}
	for _, scenario := range replay.Scenarios() {
		scenarios = append(scenarios, scenario.Name)
	}
	command := &cobra.Command{
		Use:   "replay --trace DIR",
		Short: "Place the pods of a memory trace with several policies, and count evictions and OOM kills",
		Long: "replay plays a memory trace on a virtual clock. The scheduler's own plugins place its pods, for Headroom with the shipped " +
			"configuration, and kubelets evict and kernels kill as real ones choose. It writes results.json and the page report.html.\n\n" +
			"headroom-lab record makes a trace of a cluster of yours.\n\n" +
			"Policies: " + strings.Join(policies, ", ") + ".\nScenarios: " + strings.Join(scenarios, ", ") + ".\n\n" +
			"Ctrl-C ends it early and writes what there is so far.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return options.run(command.Context(), screen.New(command.OutOrStdout(), term.IsTerminal(int(os.Stdout.Fd()))), command)
		},
	}
	flags := command.Flags()
	flags.StringVar(&options.trace, "trace", "", "folder of the trace (required)")
	flags.StringVar(&options.out, "out", "out/replay", "folder for results.json and report.html")
	flags.StringVar(&options.page, "page", "", "Markdown page whose part \"replay NAME\" gets the tables and a plot, where NAME is the last folder of --out")
	flags.StringSliceVar(&options.nodes, "nodes", []string{"30"}, "how many nodes there are; several for a curve")
	flags.StringVar(&options.nodeMemory, "node-memory", "64Gi", "memory of a node")
	flags.StringSliceVar(&options.policies, "policies", []string{"headroom", "least-allocated", "load-variation", "koordinator-like"}, "policies to compare; all: those of the published comparison; ablation: headroom and what it is without one of its parts; tuned: the peers with other settings")
	flags.StringArrayVar(&options.configs, "config", nil, "KubeSchedulerConfiguration with one profile, to compare as a policy of the file's name; may be given several times")
	flags.StringSliceVar(&options.scenarios, "scenarios", []string{"base"}, "scenarios to play, or all that the trace can play")
	flags.IntVar(&options.seeds, "seeds", 5, "orders of arrival to play, the same ones for all policies")
	flags.IntVar(&options.starts, "starts", 3000, "pods to start within four hours from a trace that is shorter than a day")
	flags.StringVar(&options.arrivals, "arrivals", "", "arrivals.csv(.gz) of an arrival process, for the scenario churn")
	flags.IntVar(&options.parallel, "parallel", runtime.GOMAXPROCS(0), "runs at a time")
	if err := command.MarkFlagRequired("trace"); err != nil {
		panic(err) // the flag is defined above
	}
	return command
}

// matrix reads and checks everything before anything is played.
func (o *replayOptions) matrix(ctx context.Context) (*replay.Matrix, error) {
	m := &replay.Matrix{Seeds: o.seeds, Starts: o.starts}
	if err := o.counts(m); err != nil {
		return nil, err
	}
	memory, err := resource.ParseQuantity(o.nodeMemory)
	if err != nil || memory.Value() < 1<<30 {
		return nil, fmt.Errorf("--node-memory %q: want a quantity of 1Gi or more, such as 64Gi", o.nodeMemory)
	}
	m.NodeBytes = memory.Value()
	if m.Policies, err = playedPolicies(o.policies, o.configs); err != nil {
		return nil, err
	}
	if m.Scenarios, err = chosenScenarios(o.scenarios); err != nil {
		return nil, fmt.Errorf("--scenarios: %w", err)
	}
	if o.page != "" {
		if err := comparison.CheckMarkdown(o.page, filepath.Base(o.out)); err != nil {
			return nil, fmt.Errorf("--page: %w", err)
		}
	}
	if err := wholefile.CheckFolder(o.out); err != nil {
		return nil, fmt.Errorf("--out: %w", err)
	}
	if err := o.read(m); err != nil {
		return nil, err
	}
	return m, m.Check(ctx)
}

// counts checks the numbers, and reads how many nodes there are to be.
func (o *replayOptions) counts(m *replay.Matrix) error {
	for _, flag := range []struct {
		name  string
		value int
	}{{"seeds", o.seeds}, {"starts", o.starts}, {"parallel", o.parallel}} {
		if flag.value < 1 {
			return fmt.Errorf("--%s %d: want 1 or more", flag.name, flag.value)
		}
	}
	for _, text := range o.nodes {
		nodes, err := strconv.Atoi(text)
		if err != nil || nodes < 1 {
			return fmt.Errorf("--nodes %q: want a whole number of 1 or more, or several such as 26,30", text)
		}
		m.Nodes = append(m.Nodes, nodes)
	}
	if len(m.Nodes) == 0 {
		return errors.New("--nodes: want a whole number of 1 or more, or several such as 26,30")
	}
	return nil
}

// read reads the trace, and the arrivals if there are any.
func (o *replayOptions) read(m *replay.Matrix) (err error) {
	if o.arrivals != "" {
		if m.Arrivals, err = trace.ReadArrivals(o.arrivals); err != nil {
			return err
		}
	}
	if m.Trace, err = trace.Read(o.trace); err != nil {
		return err
	}
	if slices.Contains(o.scenarios, allScenarios) {
		m.Scenarios = replay.ScenariosOf(m.Trace)
	}
	return nil
}

// allScenarios stands for those that the trace can play.
const allScenarios = "all"

// chosenScenarios returns the scenarios of these names but for all.
func chosenScenarios(names []string) ([]replay.Scenario, error) {
	var chosen []replay.Scenario
	for _, name := range names {
		if name == allScenarios {
			continue
		}
		scenario, err := replay.ScenarioNamed(name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, scenario)
	}
	return chosen, nil
}

func (o *replayOptions) run(ctx context.Context, show *screen.Screen, command *cobra.Command) error {
	m, err := o.matrix(ctx)
	if err != nil {
		return err
	}
	leftOut, err := m.LeftOut()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	total, began := len(m.Runs()), time.Now()
	show.Step("%s: %d series, %d runs", m.Trace.Name, len(m.Trace.Series), total)
	for _, text := range leftOut {
		fmt.Fprintln(command.ErrOrStderr(), text)
	}
	var results []replay.Result
	progress := func() string {
		left := time.Duration(float64(time.Since(began)) / float64(max(len(results), 1)) * float64(total-len(results)))
		return fmt.Sprintf("%d of %d runs, %s left", len(results), total, screen.Clock(left))
	}
	played := m.Play(ctx, o.parallel, func(result replay.Result) {
		results = append(results, result)
		show.Show(time.Now(), progress, progress)
	})
	if len(results) == 0 {
		_ = os.Remove(o.out) // which does nothing where it holds something
		return played
	}
	o.sort(m, results)
	if err := writeResults(o.out, results); err != nil {
		return err
	}
	if err := replay.Print(command.OutOrStdout(), results); err != nil {
		return err
	}
	if played != nil {
		return fmt.Errorf("after %d of %d runs, which are in %s: %w", len(results), total, filepath.Join(o.out, "results.json"), played)
	}
	if err := o.report(ctx, m, leftOut, results); err != nil {
		return fmt.Errorf("all %d runs are in %s, but their page was not written: %w", total, filepath.Join(o.out, "results.json"), err)
	}
	return nil
}

// writeResults writes results.json, and removes the page of results that were there before: its own is written when all runs are done.
func writeResults(folder string, results []replay.Result) error {
	if err := os.Remove(filepath.Join(folder, comparison.PageFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return wholefile.WriteJSON(filepath.Join(folder, comparison.ResultsFile), results)
}

// sort brings the results into the order of the matrix: they came as they were done.
func (o *replayOptions) sort(m *replay.Matrix, results []replay.Result) {
	place := map[string]int{}
	key := func(scenario, policy string, nodes int, seed uint64) string {
		return fmt.Sprint(scenario, policy, nodes, seed)
	}
	for i, run := range m.Runs() {
		place[key(run.Scenario.Name, run.Policy.Name, run.Nodes, run.Seed)] = i
	}
	slices.SortFunc(results, func(a, b replay.Result) int {
		return cmp.Compare(place[key(a.Scenario, a.Policy, a.Nodes, a.Seed)], place[key(b.Scenario, b.Policy, b.Nodes, b.Seed)])
	})
}

// requests says what pods request in the base case, and how many are played where that is not what the trace has.
func (o *replayOptions) requests(t *trace.Trace) string {
	if t.Window < 86_400 {
		return fmt.Sprintf("requests of the trace, %d pods started within four hours", o.starts)
	}
	return "requests 1.15 x the 90th percentile of the first day"
}

// report writes the page: with the stories of headroom and of the first other policy, for the first setting.
func (o *replayOptions) report(ctx context.Context, m *replay.Matrix, leftOut []string, results []replay.Result) error {
	c := &comparison.Comparison{
		Title: "Placement of " + m.Trace.Name, Command: "headroom-lab " + strings.Join(os.Args[1:], " "), Commit: builtFrom(),
		Parameters: []comparison.Fact{
			{Name: "Memory of a node", Value: o.nodeMemory}, {Name: "Seeds", Value: strconv.Itoa(o.seeds)},
			{Name: "Base case", Value: o.requests(m.Trace) + ", eviction at 3 % of a node, samples visible after 60 s"},
		},
		Traces: []comparison.Fact{{Name: m.Trace.Name, Value: fmt.Sprintf("%d series, %d samples, a step of %g s, %.1f days",
			len(m.Trace.Series), m.Trace.Facts.Samples, m.Trace.Step, float64(m.Trace.Window)/86400)}},
	}
	for _, text := range leftOut {
		c.Traces = append(c.Traces, comparison.Fact{Name: comparison.LeftOut, Value: text})
	}
	for _, file := range m.Trace.Facts.Files {
		c.Traces = append(c.Traces, comparison.Fact{Name: file.Name, Value: fmt.Sprintf("%d bytes, SHA-256 %s", file.Bytes, file.SHA256)})
	}
	replay.Summarize(c, results)
	told := 0
	for _, run := range m.Runs()[:len(m.Policies)] {
		if run.Policy.Name == "bound" || told == 2 {
			continue
		}
		story, err := m.Tell(ctx, run)
		if err != nil {
			return err
		}
		c.Stories = append(c.Stories, replay.StoryOf(&story))
		told++
	}
	if err := comparison.WriteFiles(o.out, c); err != nil || o.page == "" {
		return err
	}
	return comparison.WriteMarkdown(o.page, filepath.Base(o.out), c)
}
