// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/lab/replay"
	"github.com/headroom-dev/headroom/pkg/lab/screen"
	"github.com/headroom-dev/headroom/pkg/lab/trace"
)

// A replay that is interrupted has no page of its own, and must not leave that of another one.
func TestNoPageOfEarlierResultsIsLeft(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "report.html"), []byte("of earlier results"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is none
		if err := writeResults(folder, []replay.Result{{Trace: "t", Scenario: "base", Policy: "headroom"}}); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if diff := cmp.Diff([]string{"results.json"}, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// From less than a day there is no profile: the page must not say that there is.
func TestAReportSaysWhatPodsRequest(t *testing.T) {
	options := &replayOptions{starts: 50}
	for window, want := range map[int64]string{
		2 * 86_400: "requests 1.15 x the 90th percentile of the first day", 7_200: "requests of the trace, 50 pods started within four hours",
	} {
		if got := options.requests(&trace.Trace{Window: window}); got != want {
			t.Errorf("of a trace of %d s: %q, want %q", window, got, want)
		}
	}
}

// A number that cannot be is named, with its flag.
func TestAReplayNamesTheNumberThatIsWrong(t *testing.T) {
	for _, test := range []struct{ name, flag, want string }{
		{"a word for nodes", "--nodes=26,x", `--nodes "x": want a whole number of 1 or more, or several such as 26,30`},
		{"no nodes", "--nodes=0", `--nodes "0": want a whole number of 1 or more, or several such as 26,30`},
		{"an empty list", "--nodes=", "--nodes: want a whole number of 1 or more, or several such as 26,30"},
		{"no seeds", "--seeds=0", "--seeds 0: want 1 or more"},
		{"no starts", "--starts=-1", "--starts -1: want 1 or more"},
		{"nothing at a time", "--parallel=0", "--parallel 0: want 1 or more"},
	} {
		t.Run(test.name, func(t *testing.T) {
			command := newReplayCommand()
			command.SetArgs([]string{"--trace", "none", test.flag})
			command.SilenceErrors, command.SilenceUsage = true, true
			if err := command.ExecuteContext(t.Context()); err == nil || err.Error() != test.want {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

// tabled cancels once the table of all results is printed: what is played then are the page's stories.
type tabled struct{ cancel context.CancelFunc }

func (w tabled) Write(text []byte) (int, error) {
	if bytes.Contains(text, []byte("SCENARIO")) {
		w.cancel()
	}
	return len(text), nil
}

func TestAReplayThatIsInterruptedInItsStoriesSaysThatItsResultsAreComplete(t *testing.T) {
	folder, out := filepath.Join(t.TempDir(), "generated"), filepath.Join(t.TempDir(), "out")
	if err := trace.Write(folder, trace.Generate(7, trace.Days(3), trace.Workloads(4), trace.Step(3600))); err != nil {
		t.Fatal(err)
	}
	options := &replayOptions{
		trace: folder, out: out, nodeMemory: "64Gi", nodes: []string{"2", "3"}, policies: []string{"least-allocated"}, scenarios: []string{"base"},
		seeds: 1, starts: 1, parallel: 1,
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	command := newReplayCommand()
	command.SetOut(tabled{cancel})
	err := options.run(ctx, screen.New(io.Discard, false), command)
	want := "all 2 runs are in " + filepath.Join(out, "results.json") + ", but their page was not written"
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want that %s", err, want)
	}
	content, err := os.ReadFile(filepath.Join(out, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	var results []replay.Result
	if err := json.Unmarshal(content, &results); err != nil || len(results) != 2 {
		t.Errorf("%d results, %v, want both", len(results), err)
	}
}
