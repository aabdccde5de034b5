// SPDX-License-Identifier: Apache-2.0

package report

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/lab/report/document"
)

func TestBytesTicksKeepClearOfTheThresholdLabel(t *testing.T) {
	a := axes{end: time.Minute, top: float64(8*gib) * 1.04}
	threshold := a.y(8*gib - 100*mib)
	want := []document.Tick{{At: 100, Label: "0 B"}, {At: 51.92, Label: "4.00 GiB"}}
	if diff := cmp.Diff(want, a.bytesTicks(threshold)); diff != "" {
		t.Errorf("ticks (-want +got):\n%s", diff)
	}
	want = append(want, document.Tick{At: 3.85, Label: "8.00 GiB"})
	if diff := cmp.Diff(want, a.bytesTicks(-1)); diff != "" {
		t.Errorf("ticks without a threshold (-want +got):\n%s", diff)
	}
}

func TestAxesCoverSamplesAndEventsAfterTheEnd(t *testing.T) {
	run := smallRun()
	run.Pools[1].Nodes[0].Points = append(run.Pools[1].Nodes[0].Points, Point{3 * time.Minute, 5 * gib})
	got := newAxes(run)
	if diff := cmp.Diff(3*time.Minute, got.end); diff != "" {
		t.Errorf("end (-want +got):\n%s", diff)
	}
	if got.y(5*gib) <= 0 || got.y(5*gib) >= 10 {
		t.Errorf("the highest sample lies at %v%% from the top, want it just below", got.y(5*gib))
	}
	run.Pools[0].Events[1].Offset = 4 * time.Minute
	if diff := cmp.Diff(4*time.Minute, newAxes(run).end); diff != "" {
		t.Errorf("end with a late event (-want +got):\n%s", diff)
	}
}

func TestEventsNearEachOtherShareAMarker(t *testing.T) {
	a := axes{end: 100 * time.Second, top: float64(4 * gib)}
	node := NodeSeries{Name: "n", CapacityBytes: 4 * gib, ThresholdBytes: 3 * gib, Points: []Point{{0, 3 * gib}, {30 * time.Second, gib}}}
	at := func(seconds int, kind, pod string) Event {
		return Event{Offset: time.Duration(seconds) * time.Second, Kind: kind, Node: "n", Pod: pod, Bytes: gib}
	}
	got := markers([]Event{
		at(10, KindEviction, "a"), at(12, KindOOMKill, "b"), at(20, KindOOMKill, "c"), at(97, KindEviction, "d"), at(98, KindEviction, "e"),
	}, node, a)
	want := []marker{
		{X: 10, Eviction: true, OOMKill: true, Count: 2, EvictionX: -6, OOMKillX: 6, CountX: 14, CountAnchor: "start",
			Title: "00:10 eviction: a, 1.00 GiB; node at 3.00 GiB, 100% of threshold\n00:12 OOM kill: b, 1.00 GiB; node at 3.00 GiB, 100% of threshold"},
		{X: 20, OOMKill: true, Count: 1, CountX: 8, CountAnchor: "start", Title: "00:20 OOM kill: c, 1.00 GiB; node at 3.00 GiB, 100% of threshold"},
		{X: 97, Eviction: true, Count: 2, CountX: -8, CountAnchor: "end",
			Title: "01:37 eviction: d, 1.00 GiB; node at 1.00 GiB, 33% of threshold\n01:38 eviction: e, 1.00 GiB; node at 1.00 GiB, 33% of threshold"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("markers (-want +got):\n%s", diff)
	}
}

func TestHeatMapCellsTellTheShareOfTheThreshold(t *testing.T) {
	node := NodeSeries{Name: "n", CapacityBytes: 200, ThresholdBytes: 100}
	for i, bytes := range []int64{0, 49, 50, 69, 70, 80, 90, 99, 100, 150} {
		node.Points = append(node.Points, Point{time.Duration(i) * time.Second, bytes})
	}
	row := newHeatRow(node, axes{end: 60 * time.Second, top: 200, columns: 60})
	var got []int
	for _, cell := range row.Cells[:12] {
		got = append(got, cell.Level)
	}
	if diff := cmp.Diff([]int{0, 0, 1, 1, 2, 3, 4, 4, 5, 5, -1, -1}, got); diff != "" {
		t.Errorf("levels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("M8 10L9 0M9 10L10 0", row.Struck); diff != "" {
		t.Errorf("cells struck through (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("00:09–00:10: 150 B, 150% of threshold", row.Cells[9].Title); diff != "" {
		t.Errorf("title (-want +got):\n%s", diff)
	}
	node.ThresholdBytes = 0
	if diff := cmp.Diff("00:09–00:10: 150 B, 75% of capacity (no eviction threshold)", newHeatRow(node, axes{end: 60 * time.Second, top: 200, columns: 60}).Cells[9].Title); diff != "" {
		t.Errorf("title without a threshold (-want +got):\n%s", diff)
	}
}

func TestChartsOfARowShareALabelOnlyIfTheyShareTheThreshold(t *testing.T) {
	run := smallRun()
	page := newPage(run)
	if got := page.ChartRows[0]; got.ThresholdAt < 0 || got.ThresholdLabel != "3.90 GiB" {
		t.Errorf("first row: label %q at %v, want 3.90 GiB within the chart", got.ThresholdLabel, got.ThresholdAt)
	}
	if got := page.ChartRows[1]; got.ThresholdAt >= 0 || !got.Charts[1].Empty || got.Charts[0].HasSamples {
		t.Errorf("second row: want no label, a node without samples and a place without a node, got %+v", got)
	}
	run.Pools[1].Nodes[0].ThresholdBytes = gib
	got := newPage(run).ChartRows[0]
	if got.ThresholdAt >= 0 {
		t.Errorf("label %q at %v for thresholds that differ", got.ThresholdLabel, got.ThresholdAt)
	}
	labels := []string{got.Charts[0].ThresholdLabel, got.Charts[1].ThresholdLabel}
	if diff := cmp.Diff([]string{"evicts at 3.90 GiB", "evicts at 1.00 GiB"}, labels); diff != "" {
		t.Errorf("labels of the charts (-want +got):\n%s", diff)
	}
}

func TestHeatMapHasNoMoreColumnsThanSamples(t *testing.T) {
	run := smallRun()
	if diff := cmp.Diff(2, newAxes(run).columns); diff != "" {
		t.Errorf("columns for three samples (-want +got):\n%s", diff)
	}
	run.Pools[0].Nodes[0].Points = run.Pools[0].Nodes[0].Points[:1]
	if diff := cmp.Diff(1, newAxes(run).columns); diff != "" {
		t.Errorf("columns for one sample (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(maxColumns, newAxes(sampleRun(1)).columns); diff != "" {
		t.Errorf("columns for many samples (-want +got):\n%s", diff)
	}
}
