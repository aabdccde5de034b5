// SPDX-License-Identifier: Apache-2.0

package perf_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/test/perf"
)

func result(arm perf.Arm, run int, podsPerSecond float64) perf.Result {
	return perf.Result{Workload: "basic", Nodes: 10, Arm: arm, Run: run,
		Measured: perf.Measured{PodsPerSecond: podsPerSecond, AlgorithmMsMean: 100 / podsPerSecond, AllocsPerPod: 7, CPUMsPerPod: 200 / podsPerSecond}}
}

func podsPerSecond(r *perf.Result) float64 { return r.PodsPerSecond }

func TestRatiosPairRunsOfTheSameNumber(t *testing.T) {
	results := []perf.Result{
		result(perf.Stock, 1, 100), result(perf.Headroom, 1, 200), // x 2
		result(perf.Headroom, 2, 400), result(perf.Stock, 2, 50), // x 8
		result(perf.Headroom, 3, 1), // nothing to compare with
	}
	got, ok := perf.Compare(results, perf.Group{Workload: "basic", Nodes: 10}, perf.Headroom, podsPerSecond)
	if !ok || got.Runs != 2 || math.Abs(got.Mean-4) > 1e-9 {
		t.Errorf("ratio = %+v, want 4 of 2 runs", got)
	}
	// The logarithms to base 2 are 1 and 3: their mean is 2, their standard error 1, and t of one degree is 12.706.
	if want := math.Exp2(2 - 12.706); math.Abs(got.Low-want) > 1e-9 {
		t.Errorf("lower bound = %v, want %v", got.Low, want)
	}
	if _, ok := perf.Compare(results, perf.Group{Workload: "basic", Nodes: 11}, perf.Headroom, podsPerSecond); ok {
		t.Error("a size that was not measured has a ratio")
	}
}

func TestSizesAreComparedRunByRun(t *testing.T) {
	of := func(nodes, run int, podsPerSecond float64) perf.Result {
		result := result(perf.Headroom, run, podsPerSecond)
		result.Workload, result.Nodes = "selective", nodes
		return result
	}
	results := []perf.Result{of(1000, 1, 100), of(5000, 1, 80), of(1000, 2, 50), of(15000, 1, 7), of(5000, 3, 80)}
	want := "| workload | arm | runs | pods/s with 5000 nodes, of those with 1000 |\n" +
		"|---|---|--:|--:|\n" +
		"| selective | headroom | 1 | x 0.80 |\n"
	if diff := cmp.Diff(want, perf.Sizes(results)); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	if got := perf.Sizes([]perf.Result{of(1000, 1, 100), result(perf.Stock, 1, 1)}); got != "" {
		t.Errorf("one size is compared: %s", got)
	}
}

func TestOneRunHasNoInterval(t *testing.T) {
	results := []perf.Result{result(perf.Stock, 1, 100), result(perf.Headroom, 1, 150)}
	want := "| workload | nodes | arm | runs | pods/s | time to choose a node | CPU | allocations |\n" +
		"|---|--:|---|--:|--:|--:|--:|--:|\n" +
		"| basic | 10 | stock | 1 | 100 | 1.00 ms | 2.00 ms | 7 |\n" +
		"| basic | 10 | headroom | 1 | x 1.50 | x 0.67 | x 0.67 | x 1.00 |\n"
	if diff := cmp.Diff(want, perf.Table(results)); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestAFigureThatWasNotMeasuredIsUnknown(t *testing.T) {
	results := []perf.Result{result(perf.Stock, 1, 100), result(perf.Headroom, 1, 150), result(perf.Stock, 2, 100), result(perf.Headroom, 2, 150)}
	results[0].CPUMsPerPod, results[1].CPUMsPerPod = 0, 0
	if table := perf.Table(results); !strings.Contains(table, "| stock | 2 | 100 | 1.00 ms | 2.00 ms |") || !strings.Contains(table, "| x 0.67 |") {
		t.Errorf("CPU known of one run of two:\n%s", table)
	}
	results[2].CPUMsPerPod = 0
	if table := perf.Table(results); !strings.Contains(table, "| stock | 2 | 100 | 1.00 ms | unknown | 7 |") || !strings.Contains(table, "| headroom | 2 | x 1.50") {
		t.Errorf("CPU known of no run of stock:\n%s", table)
	}
}

func TestResultsComeBackAsTheyWereWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bench", "results.json")
	if got, err := perf.ReadResults(path); err != nil || len(got) != 0 {
		t.Fatalf("no file: %v, %v, want no results", got, err)
	}
	want := []perf.Result{result(perf.Stock, 1, 100), result(perf.LoadVariation, 2, 50)}
	if err := perf.WriteResults(path, want); err != nil {
		t.Fatal(err)
	}
	got, err := perf.ReadResults(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func TestAFileOfOtherThingsIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON": "podsPerSecond", "another arm": `[{"arm": "other", "run": 1, "podsPerSecond": 1}]`, "no figures": `[{"arm": "stock", "run": 1}]`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "results.json")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := perf.ReadResults(path); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("error = %v, want one that names %s", err, path)
			}
		})
	}
}

func TestTheReportReplacesWhatStandsBetweenItsMarks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "speed.md")
	if err := os.WriteFile(path, []byte("before\n<!-- bench try: begin -->\nold\n<!-- bench try: end -->\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	results := []perf.Result{result(perf.Stock, 1, 100), result(perf.Headroom, 1, 150)}
	if err := perf.WriteReport(path, "try", results); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	if !strings.HasPrefix(got, "before\n<!-- bench try: begin -->\n\n![") || strings.Contains(got, "old") ||
		!strings.HasSuffix(got, perf.Table(results)+"\n<!-- bench try: end -->\nafter\n") {
		t.Errorf("report:\n%s", got)
	}
	image, err := os.ReadFile(filepath.Join(filepath.Dir(path), "images", "bench-try.svg"))
	if err != nil || !strings.Contains(string(image), "basic, 10 nodes") || !strings.Contains(string(image), "x 1.50") {
		t.Errorf("plot: %v\n%s", err, image)
	}

	if err := os.WriteFile(path, []byte("no marks"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := perf.WriteReport(path, "try", results); err == nil {
		t.Error("a file without marks was taken")
	}
}
