// SPDX-License-Identifier: Apache-2.0

package predict

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/lab/screen"
	"github.com/headroom-dev/headroom/pkg/lab/trace"
)

// written is the folder of a generated trace of two days.
func written(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "generated")
	if err := trace.Write(folder, trace.Generate(3, trace.Workloads(6), trace.Step(1800))); err != nil {
		t.Fatal(err)
	}
	return folder
}

func optionsFor(t *testing.T, traces ...string) Options {
	t.Helper()
	return Options{
		Traces: traces, Out: filepath.Join(t.TempDir(), "out", "predict"), Horizon: 6 * time.Hour, NodeBytes: 64 << 30, Seed: 1,
		Screen: screen.New(&bytes.Buffer{}, false),
	}
}

// read returns what the file of all results says.
func read(t *testing.T, folder string) []Result {
	t.Helper()
	return list[Result](t, folder, CalibrationsFile)
}

// list returns the rows of a file.
func list[Of any](t *testing.T, folder, file string) []Of {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		t.Fatal(err)
	}
	var results []Of
	if err := json.Unmarshal(content, &results); err != nil {
		t.Fatal(err)
	}
	return results
}

// judge fails if figures cannot be. missed is the share that the oracle misses.
func judge(t *testing.T, result Result, missed float64) {
	t.Helper()
	if result.Trace != "generated" || result.HorizonHours != 6 || result.NodeSteps == 0 {
		t.Errorf("%+v: want figures of the trace, for 6 hours ahead", result)
	}
	for _, share := range []float64{result.Violation, result.Severity, result.Savings} {
		if share < 0 || share > 1 {
			t.Errorf("%+v: want shares", result)
		}
	}
	if result.Calibration == Uncalibrated && result.Violation < missed {
		t.Errorf("%+v: better than the oracle, which misses %g", result, missed)
	}
	if result.Calibration == SameData && result.Violation > max(result.TargetViolation, missed) {
		t.Errorf("%+v: misses more than what its factor was found for on the same data", result)
	}
}

func TestRunWritesWhatItReturns(t *testing.T) {
	options := optionsFor(t, written(t))
	got, err := Run(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, read(t, options.Out)); diff != "" {
		t.Errorf("file (-returned +written):\n%s", diff)
	}
	want := make([]map[string]any, 0, len(predictors()))
	for _, result := range got {
		if result.Calibration == FirstHalf && result.TargetViolation == 0.01 {
			want = append(want, map[string]any{
				"trace": result.Trace, "predictor": result.Predictor, "horizonHours": result.HorizonHours,
				"violation": result.Violation, "severity": result.Severity, "savings": result.Savings,
			})
		}
	}
	if diff := cmp.Diff(want, list[map[string]any](t, options.Out, ResultsFile)); diff != "" || len(want) != len(predictors()) {
		t.Errorf("%d rows, want one for each of %d predictors (-want +written):\n%s", len(want), len(predictors()), diff)
	}
	// Peaks above what is requested are missed at any factor: what the oracle misses, all do.
	missed := 0.0
	for _, result := range got {
		if result.Predictor == oracleName && result.Calibration == Uncalibrated {
			missed = result.Violation
		}
	}
	count := map[string]int{}
	for _, result := range got {
		count[result.Predictor]++
		judge(t, result, missed)
	}
	times := map[string]int{}
	for _, p := range predictors() {
		times[p.name] = 1 + 3*len(targets())
	}
	if diff := cmp.Diff(times, count); diff != "" {
		t.Errorf("rows by predictor (-want +got):\n%s", diff)
	}
}

// interrupting cancels when it is told that something is done.
type interrupting struct{ cancel context.CancelFunc }

func (i interrupting) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "predictions, ") {
		i.cancel()
	}
	return len(p), nil
}

func TestAnInterruptedRunLeavesWhatIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	folder := written(t)
	options := optionsFor(t, folder, "a trace that is not read any more")
	options.Screen = screen.New(interrupting{cancel}, false)
	got, err := Run(ctx, options)
	if err == nil || !strings.Contains(err.Error(), "interrupted") || !strings.Contains(err.Error(), " has 1 of ") {
		t.Errorf("error %v, want that it was interrupted after one prediction", err)
	}
	if want := 1 + 3*len(targets()); len(got) != want {
		t.Errorf("%d rows, want the %d of the first predictor", len(got), want)
	}
	if diff := cmp.Diff(got, read(t, options.Out)); diff != "" {
		t.Errorf("file (-returned +written):\n%s", diff)
	}
}

func TestARunThatIsInterruptedBeforeItsFirstPredictionLeavesEarlierResults(t *testing.T) {
	options := optionsFor(t, written(t))
	earlier, err := Run(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := Run(ctx, options); err == nil || !strings.Contains(err.Error(), "nothing was written") || len(got) > 0 {
		t.Errorf("%d results, error %v, want none, and that nothing was written", len(got), err)
	}
	if diff := cmp.Diff(earlier, read(t, options.Out)); diff != "" {
		t.Errorf("file (-earlier +now):\n%s", diff)
	}
}

func TestWhatCannotBeReadLeavesNothing(t *testing.T) {
	good := written(t)
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.Mkdir(broken, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		trace.SeriesFile: "series_id,requested_bytes,request_source,start_s,end_s\na,1,provisioned,0,\n",
		trace.UsageFile:  "series_id,t_seconds,memory_bytes\na,0,5\na,60,much\n",
	} {
		if err := os.WriteFile(filepath.Join(broken, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"a word for a number", func(o *Options) { o.Traces = []string{broken} }, "usage.csv:3:3: "},
		{"in the second trace", func(o *Options) { o.Traces = []string{good, broken} }, "usage.csv:3:3: "},
		{"no folder", func(o *Options) { o.Traces = []string{broken + "-not"} }, "broken-not"},
		{"none", func(o *Options) { o.Traces = nil }, "no trace"},
		{"no horizon", func(o *Options) { o.Horizon = 0 }, "horizon 0s"},
		{"a horizon as long as the trace", func(o *Options) { o.Horizon = 47 * time.Hour }, "too short for a horizon"},
		{"no memory", func(o *Options) { o.NodeBytes = 0 }, "node memory 0"},
		{"nodes that are too small", func(o *Options) { o.NodeBytes = 1 }, "want larger nodes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			options := optionsFor(t, good)
			test.change(&options)
			if _, err := Run(t.Context(), options); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if _, err := os.Stat(filepath.Dir(options.Out)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is there, or %v: want no folder", options.Out, err)
			}
		})
	}
}

func TestAFolderThatCannotBeWrittenIsKnownBeforeTheTracesAreRead(t *testing.T) {
	options := optionsFor(t, "no such trace")
	options.Out = filepath.Join(written(t), trace.SeriesFile, "out")
	if _, err := Run(t.Context(), options); err == nil || !strings.Contains(err.Error(), "folder for the results: "+options.Out) {
		t.Errorf("error %v, want one about the folder", err)
	}
}
