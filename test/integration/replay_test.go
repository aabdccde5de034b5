// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/lab/trace"
)

// traceOf writes a generated trace and returns its folder.
func traceOf(t *testing.T, options ...trace.Option) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "generated")
	if err := trace.Write(folder, trace.Generate(7, options...)); err != nil {
		t.Fatal(err)
	}
	return folder
}

// brokenTrace is a folder whose samples have a word for a number.
func brokenTrace(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		trace.SeriesFile: "series_id,requested_bytes,request_source,start_s,end_s\na,1,provisioned,0,\n",
		trace.UsageFile:  "series_id,t_seconds,memory_bytes\na,0,5\na,60,much\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// fieldsOf returns the rows of a list of objects in a file, and the names of the fields that every one of them has, in order.
func fieldsOf(t *testing.T, path string) (rows []map[string]any, fields []string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(content, &list); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for i, element := range list {
		var row map[string]any
		if err := json.Unmarshal(element, &row); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		rows = append(rows, row)
		names := namesIn(t, element)
		if i == 0 {
			fields = names
		} else if diff := cmp.Diff(fields, names); diff != "" {
			t.Errorf("%s: the fields of row %d (-first +this):\n%s", path, i, diff)
		}
	}
	return rows, fields
}

// namesIn returns the names of a flat object's fields in order.
func namesIn(t *testing.T, object json.RawMessage) []string {
	t.Helper()
	var names []string
	decoder := json.NewDecoder(bytes.NewReader(object))
	for i := 0; decoder.More() || i == 0; i++ {
		token, err := decoder.Token()
		if err != nil {
			t.Fatal(err)
		}
		if name, ok := token.(string); ok {
			names = append(names, name)
			if _, err := decoder.Token(); err != nil { // its value
				t.Fatal(err)
			}
		}
	}
	return names
}

// resultFields are those of the results of a replay.
func resultFields() []string {
	return []string{
		"trace", "scenario", "policy", "nodes", "seed", "podHours", "evictions", "oomKills", "pendingHours", "unplaced", "nodeUseP50", "nodeUseP99",
	}
}

// ownConfiguration is a configuration of a user's, with an argument of HeadroomMemory.
func ownConfiguration(argument string) string {
	return `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
  - schedulerName: own
    plugins: {multiPoint: {enabled: [{name: HeadroomMemory, weight: 3}]}}
    pluginConfig:
      - name: HeadroomMemory
        args: {` + argument + `}
`
}

func TestReplayComparesAConfigurationOfTheUsers(t *testing.T) {
	t.Parallel()
	own := filepath.Join(t.TempDir(), "careful.yaml")
	if err := os.WriteFile(own, []byte(ownConfiguration("reservePercent: 20")), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "replay")
	command := exec.CommandContext(t.Context(), binary(t, "headroom-lab"), "replay", "--trace", traceOf(t, trace.Days(3), trace.Workloads(12), trace.Step(1800)),
		"--nodes", "4", "--node-memory", "8Gi", "--policies", "ablation,headroom", "--config", own, "--seeds", "1", "--out", out)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, output)
	}
	rows, _ := fieldsOf(t, filepath.Join(out, "results.json"))
	var policies []string
	for _, row := range rows {
		policy, _ := row["policy"].(string)
		policies = append(policies, policy)
	}
	want := []string{"headroom", "headroom-without-filter", "headroom-without-score", "headroom-without-hours", "headroom-without-history", "careful"}
	if diff := cmp.Diff(want, policies); diff != "" {
		t.Errorf("policies of the results (-want +got):\n%s", diff)
	}
}

func TestReplayWritesAListOfResults(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "replay")
	markdown := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(markdown, []byte("<!-- replay replay: begin -->\n<!-- replay replay: end -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), binary(t, "headroom-lab"), "replay", "--trace", traceOf(t, trace.Days(3), trace.Workloads(12), trace.Step(1800)),
		"--nodes", "4,6", "--node-memory", "8Gi", "--policies", "headroom,least-allocated,bound", "--seeds", "2", "--out", out, "--page", markdown)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, output)
	}
	rows, fields := fieldsOf(t, filepath.Join(out, "results.json"))
	if diff := cmp.Diff(resultFields(), fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if len(rows) != 12 {
		t.Errorf("%d rows, want one for each of 2 numbers of nodes, 3 policies and 2 seeds", len(rows))
	}
	for _, row := range rows {
		if hours, ok := row["podHours"].(float64); !ok || hours <= 0 || row["trace"] != "generated" || row["scenario"] != "base" {
			t.Errorf("%v: want pod-hours of the trace", row)
		}
	}
	if page, err := os.ReadFile(filepath.Join(out, "report.html")); err != nil || !strings.Contains(string(page), "least-allocated") {
		t.Errorf("the page has %d bytes and none on the policies, or %v", len(page), err)
	}
	if text, err := os.ReadFile(markdown); err != nil || !strings.Contains(string(text), "| policy | 4 nodes | 6 nodes |") || strings.Count(string(text), "| `least-allocated` |") != 2 {
		t.Errorf("the Markdown page has no table of the policies by nodes, or none of differences, or %v:\n%s", err, text)
	}
}

func TestAnInterruptedReplayLeavesTheRunsThatAreDone(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "replay")
	command := exec.CommandContext(t.Context(), binary(t, "headroom-lab"), "replay", "--trace", traceOf(t, trace.Days(3), trace.Workloads(40), trace.Step(900)),
		"--nodes", "8", "--node-memory", "8Gi", "--policies", "headroom", "--seeds", "300", "--parallel", "1", "--out", out)
	stderr := interruptAt(t, command, " of 300 runs, ")
	if !strings.Contains(stderr, " of 300 runs, which are in "+filepath.Join(out, "results.json")) {
		t.Errorf("it says %q, want how many runs are done and where they are", stderr)
	}
	rows, fields := fieldsOf(t, filepath.Join(out, "results.json"))
	if diff := cmp.Diff(resultFields(), fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if len(rows) == 0 || len(rows) >= 300 {
		t.Errorf("%d rows, want those that were done", len(rows))
	}
	wantFiles(t, out, "results.json")
}

func TestAReplayThatIsInterruptedBeforeItsFirstRunIsOverLeavesNothing(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "replay")
	command := exec.CommandContext(t.Context(), binary(t, "headroom-lab"), "replay", "--trace", traceOf(t, trace.Days(5), trace.Workloads(60), trace.Step(300)),
		"--nodes", "30", "--node-memory", "8Gi", "--policies", "headroom", "--seeds", "1", "--out", out)
	interruptAt(t, command, " series, 1 runs")
	if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is there, or %v: want nothing left", out, err)
	}
}

func TestPredictWritesAListOfResults(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "predict")
	command := exec.CommandContext(t.Context(), binary(t, "headroom-lab"), "predict", "--trace", traceOf(t, trace.Days(4), trace.Step(1800)), "--out", out)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, output)
	}
	content, err := os.ReadFile(filepath.Join(out, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []json.RawMessage
	if err := json.Unmarshal(content, &rows); err != nil || len(rows) == 0 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	want := []string{"trace", "predictor", "horizonHours", "violation", "severity", "savings"}
	if diff := cmp.Diff(want, namesIn(t, rows[0])); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	wantFiles(t, out, "calibrations.json", "results.json")
}

func TestAnInterruptedPredictLeavesWhatIsDone(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "predict")
	command := exec.CommandContext(t.Context(), binary(t, "headroom-lab"), "predict", "--trace", traceOf(t, trace.Days(14), trace.Workloads(60)), "--out", out)
	if stderr := interruptAt(t, command, " predictions, "); !strings.Contains(stderr, "interrupted: ") {
		t.Errorf("it says %q, want that it was interrupted", stderr)
	}
	content, err := os.ReadFile(filepath.Join(out, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct{ Predictor string }
	if err := json.Unmarshal(content, &rows); err != nil || len(rows) == 0 {
		t.Errorf("%d rows, %v: want those that were done", len(rows), err)
	}
	wantFiles(t, out, "calibrations.json", "results.json")
}

func TestReplayAndPredictNameWhatIsWrongAndLeaveNothing(t *testing.T) {
	t.Parallel()
	broken, good := brokenTrace(t), traceOf(t, trace.Days(3), trace.Workloads(6), trace.Step(1800))
	place := filepath.Join(broken, "usage.csv") + ":3:3: "
	folder := t.TempDir()
	page, typo, taken, two := filepath.Join(folder, "page.md"), filepath.Join(folder, "typo.yaml"), filepath.Join(folder, "headroom.yaml"), filepath.Join(folder, "two.yaml")
	for path, text := range map[string]string{
		page: "no parts", typo: ownConfiguration("filtre: Hard"), taken: ownConfiguration("filter: Hard"),
		two: ownConfiguration("filter: Hard") + "  - schedulerName: other\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name      string
		arguments []string
		want      string
	}{
		{"a word for a number, to replay", []string{"replay", "--trace", broken}, place},
		{"a word for a number, to predict", []string{"predict", "--trace", broken}, place},
		{"no trace there", []string{"replay", "--trace", good + "-not"}, "generated-not"},
		{"no such policy", []string{"replay", "--trace", good, "--policies", "headroom,best"}, `--policies: policy "best" is not one of`},
		{"no such configuration", []string{"replay", "--trace", good, "--config", good + ".yaml"}, "--config: open "},
		{"a configuration with a typo", []string{"replay", "--trace", good, "--config", typo}, "typo.yaml:8: profiles[0].pluginConfig[0].args.filtre: no such field"},
		{"a configuration of two profiles", []string{"replay", "--trace", good, "--config", two}, "two.yaml: it has 2 profiles"},
		{"a file that is no configuration", []string{"replay", "--trace", good, "--config", page}, "page.md: "},
		{"a configuration with the name of a policy", []string{"replay", "--trace", good, "--config", taken}, `there is a policy "headroom" already`},
		{"no such scenario", []string{"replay", "--trace", good, "--scenarios", "worst"}, `--scenarios: scenario "worst" is not one of`},
		{"memory in words", []string{"replay", "--trace", good, "--node-memory", "much"}, `--node-memory "much": want a quantity`},
		{"no such page", []string{"replay", "--trace", good, "--page", good + ".md"}, "generated.md"},
		{"a page without the part", []string{"replay", "--trace", good, "--page", page}, `page.md: want the lines "<!-- replay out: begin -->"`},
		{"no nodes", []string{"replay", "--trace", good, "--nodes", "0"}, "--nodes \"0\": want a whole number of 1 or more"},
		{"churn of nothing", []string{"replay", "--trace", good, "--scenarios", "churn"}, "--arrivals"},
		{"a horizon of weeks", []string{"predict", "--trace", good, "--horizon", "500h"}, "too short for a horizon"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			output, err := exec.CommandContext(t.Context(), binary(t, "headroom-lab"), append(test.arguments, "--out", out)...).CombinedOutput()
			if err == nil || !strings.Contains(string(output), test.want) {
				t.Errorf("%v: %q, want that it fails and says %q", err, output, test.want)
			}
			if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is there, or %v: want nothing written", out, err)
			}
		})
	}
}

// wantFiles fails if a folder has other files than those.
func wantFiles(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files of %s (-want +got):\n%s", folder, diff)
	}
}
