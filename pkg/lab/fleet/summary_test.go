// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSummaryFileHasTheDocumentedKeysAndReplacesAnOlderOne(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, summaryFile), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	nodes := []Node{{Name: "n", CPUMilli: 4000, MemoryBytes: 1 << 30}, {Name: "m", CPUMilli: 1000, MemoryBytes: 1 << 30}}
	summary := newSummary(nodes, threePods())
	summary.Placed, summary.Unplaced, summary.PodsPerSecond, summary.PeakMemoryBytes = 2, 1, 1.5, 7
	summary.Reasons = map[string]int{"Insufficient cpu": 1}
	if err := summary.write(dir); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, summaryFile))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	if err := json.Unmarshal(content, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"interrupted": false, "nodes": 2.0, "pods": 3.0, "placed": 2.0, "unplaced": 1.0, "podsPerSecond": 1.5, "peakMemoryBytes": 7.0,
		"reasons": map[string]any{"Insufficient cpu": 1.0}, "allocatableCPUMilli": 5000.0, "allocatableBytes": float64(2 * (1<<30 - evictionHard)),
		"requests": map[string]any{"pods": 3.0, "cpuMilli": 6.0, "memoryBytes": 60.0},
	}
	for key, value := range want {
		if diff := cmp.Diff(value, got[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("the folder holds %v, want the summary alone", entries)
	}
}

func TestSummaryTellsPodsThatNoEmptyNodeHolds(t *testing.T) {
	nodes := []Node{{CPUMilli: 9, MemoryBytes: evictionHard + 10}, {CPUMilli: 1, MemoryBytes: evictionHard + 90}}
	var got Summary
	got.listUnplaced(nodes, []Pod{
		{Name: "fits the first", CPUMilli: 9, RequestedBytes: 10}, {Name: "fits the second", CPUMilli: 1, RequestedBytes: 90},
		{Name: "fits neither", CPUMilli: 2, RequestedBytes: 11},
	})
	want := Summary{UnplacedPods: []string{"fits the first", "fits the second", "fits neither"}, TooBigForAnyNode: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

func TestSummaryNamesTheFolderThatIsNotThere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "absent")
	if err := (Summary{}).write(dir); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, summaryFile)) {
		t.Errorf("error %v, want it to name %s", err, dir)
	}
}

func TestSummaryTextNamesTheMostFrequentReasonFirst(t *testing.T) {
	text := Summary{
		Nodes: 2, Pods: 9, Placed: 4, Unplaced: 5, TooBigForAnyNode: 2, Seconds: 2, PodsPerSecond: 2, PeakMemoryBytes: 3 << 29,
		AllocatableCPUMilli: 100, AllocatableBytes: 200, PlacedRequests: Amount{CPUMilli: 50, MemoryBytes: 150},
		Reasons:  map[string]int{"Insufficient cpu": 1, "Insufficient memory": 3, "A": 1},
		Examples: map[string]Example{"Insufficient cpu": {Pod: "x"}, "Insufficient memory": {Pod: "y"}, "A": {Pod: "z"}},
	}.text()
	want := `4 of 9 pods placed on 2 nodes in 2.0 s: 2.0 pods/s
requests placed: CPU 50.0 %, memory 75.0 % of what the nodes have
peak memory of the control plane: 1.50 GiB
5 not placed, 2 of them larger than any node:
      3  Insufficient memory (for example y)
      1  A (for example z)
      1  Insufficient cpu (for example x)
`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}

func TestPeakMemoryIsTheHighestSampleAndSurvivesFailedOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		samples := []int64{5, 0, 9, 7} // 0 stands for an error
		taken := 0
		ctx, cancel := context.WithTimeout(t.Context(), 4*sampleInterval-time.Second)
		defer cancel()
		got := peakMemory(ctx, func() (int64, error) {
			sample := samples[taken]
			taken++
			if sample == 0 {
				return 0, errors.New("a process has just ended")
			}
			return sample, nil
		})
		if got != 9 || taken != len(samples) {
			t.Errorf("peak %d after %d samples, want 9 after %d", got, taken, len(samples))
		}
	})
}
