// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/headroom-dev/headroom/pkg/lab/marked"
	"github.com/headroom-dev/headroom/pkg/lab/wholefile"
)

// figures are the columns of the table.
func figures() []struct {
	name string
	of   func(*Result) float64
} {
	return []struct {
		name string
		of   func(*Result) float64
	}{
		{"pods/s", func(r *Result) float64 { return r.PodsPerSecond }},
		{"time to choose a node", func(r *Result) float64 { return r.AlgorithmMsMean }},
		{"CPU", func(r *Result) float64 { return r.CPUMsPerPod }},
		{"allocations", func(r *Result) float64 { return r.AllocsPerPod }},
	}
}

// Table is a Markdown table: the stock arm's own figures, and the others as ratios to it.
func Table(results []Result) string {
	var text strings.Builder
	text.WriteString("| workload | nodes | arm | runs |")
	for _, figure := range figures() {
		text.WriteString(" " + figure.name + " |")
	}
	text.WriteString("\n|---|--:|---|--:|--:|--:|--:|--:|\n")
	for _, group := range Groups(results) {
		for _, arm := range Arms() {
			cells, runs := row(results, group, arm)
			if runs > 0 {
				fmt.Fprintf(&text, "| %s | %d | %s | %d | %s |\n", group.Workload, group.Nodes, arm, runs, strings.Join(cells, " | "))
			}
		}
	}
	return text.String()
}

// Sizes is a Markdown table of selective pods, which are to be placed as fast among many nodes as among few: pods/s at the larger of two
// sizes, which "make bench" measures side by side, as ratios to the smaller. It is empty where there are none.
func Sizes(results []Result) string {
	const workload, nodes, few = "selective", 5000, 1000
	var text strings.Builder
	for _, arm := range Arms() {
		if ratio, ok := CompareSizes(results, workload, nodes, few, arm, figures()[0].of); ok {
			fmt.Fprintf(&text, "| %s | %s | %d | %s |\n", workload, arm, ratio.Runs, ratio)
		}
	}
	if text.Len() == 0 {
		return ""
	}
	return fmt.Sprintf("| workload | arm | runs | pods/s with %d nodes, of those with %d |\n|---|---|--:|--:|\n", nodes, few) + text.String()
}

// unknown is what is said of a figure that was not measured.
const unknown = "unknown"

func row(results []Result, group Group, arm Arm) (cells []string, runs int) {
	for i, figure := range figures() {
		cell, of := unknown, 0
		if arm == Stock {
			cell, of = mean(results, group, figure.of, []string{"%.0f", "%.2f ms", "%.2f ms", "%.0f"}[i])
		} else if ratio, ok := Compare(results, group, arm, figure.of); ok {
			cell, of = ratio.String(), ratio.Runs
		}
		cells, runs = append(cells, cell), max(runs, of)
	}
	return cells, runs
}

// mean writes the mean of a figure of the stock arm, of the runs of which it is known.
func mean(results []Result, group Group, figure func(*Result) float64, format string) (cell string, runs int) {
	var values []float64
	for i := range results {
		if value := figure(&results[i]); value > 0 && (subject{group, Stock}).of(&results[i]) {
			values = append(values, value)
		}
	}
	if len(values) == 0 {
		return unknown, 0
	}
	mean, _ := meanAndDeviation(values)
	return fmt.Sprintf(format, mean), len(values)
}

// String is the ratio with its interval.
func (r Ratio) String() string {
	if math.IsNaN(r.Low) {
		return fmt.Sprintf("x %.2f", r.Mean)
	}
	return fmt.Sprintf("x %.2f (%.2f to %.2f)", r.Mean, r.Low, r.High)
}

// WriteReport writes the table into its part of a Markdown page, and the plot beside the page into images.
func WriteReport(path, name string, results []Result) error {
	part := "bench " + name
	if err := marked.Check(path, part); err != nil {
		return err
	}
	image := "bench-" + name + ".svg"
	folder := filepath.Join(filepath.Dir(path), "images")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := wholefile.Write(filepath.Join(folder, image), []byte(Plot(results))); err != nil {
		return err
	}
	return marked.Replace(path, part, fmt.Sprintf("![Pods per second of each arm, as ratios to the stock arm](images/%s)\n\n%s", image, strings.TrimRight(Table(results)+"\n"+Sizes(results), "\n")+"\n"))
}
