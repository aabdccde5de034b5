// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/lab/replay"
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
