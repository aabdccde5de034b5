// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/lab/report/document"
)

func TestTheHeadlineCountsWinsLossesAndWhatIsNotCertain(t *testing.T) {
	difference := func(policy string, low, high float64) Difference {
		return Difference{Trace: "t", Scenario: "base", Policy: policy, Mean: (low + high) / 2, Low: low, High: high}
	}
	waits := func(d Difference) Difference {
		d.Waits = true
		return d
	}
	for _, test := range []struct {
		name   string
		paired []Difference
		want   string
	}{
		{"nothing", nil, "Policies compared over replayed traces"},
		{"bounds and own variants are no rivals", []Difference{difference("bound", -2, -1), difference("headroom-pack", 1, 2)}, "Policies compared over replayed traces"},
		{"one win", []Difference{difference("a", 1, 2)},
			"Against 1\u00a0policy at equal nodes, Headroom had fewer evictions and OOM kills in 1 of 1\u00a0comparison, more in 0, and no certain difference in 0."},
		{"where pods wait nothing is won", []Difference{difference("a", 1, 2), waits(difference("a", 1, 2)), waits(difference("b", -2, -1))},
			"Against 1\u00a0policy at equal nodes, Headroom had fewer evictions and OOM kills in 1 of 1\u00a0comparison, more in 0, and no certain difference in 0."},
		{"some of each", []Difference{difference("a", 1, 2), difference("a", -2, -1), difference("b", -1, 1), difference("b", 0, 1)},
			"Against 2\u00a0policies at equal nodes, Headroom had fewer evictions and OOM kills in 1 of 4\u00a0comparisons, more in 1, and no certain difference in 2."},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, headline(test.paired)); diff != "" {
				t.Errorf("headline (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAChartHasThePointsOfItsCurves(t *testing.T) {
	c := small()
	got := newPage(c).Traces
	if len(got) != 1 || len(got[0].Large) != 1 || len(got[0].Charts) != 1 {
		t.Fatalf("charts %+v, want a large one and a small one of one trace", got)
	}
	large := got[0].Large[0]
	// Nodes 3 to 5, evictions 0 to 5; the reference is drawn last.
	want := []dot{
		{Class: 2, X: 4, Y: 7.39, Title: "least-allocated, 3 nodes: 4.00 evictions and OOM kills per 1000 pod-hours, 3.00 to 5.00"},
		{Class: 2, X: 96, Y: 63.32, Waits: true, Title: "least-allocated, 5 nodes: 0.25 evictions and OOM kills per 1000 pod-hours, 0.10 to 0.40; not compared: pods waited for too long"},
		{Class: 0, X: 4, Y: 49.71, Title: "headroom, 3 nodes: 0.50 evictions and OOM kills per 1000 pod-hours, 0.25 to 0.75"},
		{Class: 0, X: 50, Y: 97, Title: "headroom, 4 nodes: 0 evictions and OOM kills per 1000 pod-hours, 0 to 0"},
	}
	if diff := cmp.Diff(want, large.Dots); diff != "" {
		t.Errorf("dots (-want +got):\n%s", diff)
	}
	wantTable := table{Nodes: []int{3, 4, 5}, Waits: true, Rows: []tableRow{
		{policy{0, "headroom"}, []tableCell{{"0.50", "0.25–0.75", false, true}, {"0", "0–0", false, true}, {}}},
		{policy{2, "least-allocated"}, []tableCell{{"4.00", "3.00–5.00", false, false}, {}, {"0.25", "0.10–0.40", true, false}}},
	}}
	if diff := cmp.Diff(wantTable, large.Table, cmp.AllowUnexported(tableRow{})); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]document.Tick{{At: 97, Label: "0"}, {At: 78.98, Label: "0.1"}, {At: 35.69, Label: "1"}}, large.Rates); diff != "" {
		t.Errorf("ticks of rates (-want +got):\n%s", diff)
	}
}

func TestDifferencesLieAroundTheMiddle(t *testing.T) {
	rows := newPage(small()).Traces[0].Large[0].Against
	if len(rows) != 2 {
		t.Fatalf("%d differences, want those of the base scenario", len(rows))
	}
	if more := rows[0]; more.Verdict != "more" || more.Left <= 50 || more.At < more.Left || more.At > more.Left+more.Width || more.Text != "+3.50" || more.Reference != "headroom" {
		t.Errorf("%+v, want it right of the middle", more)
	}
	if fewer := rows[1]; fewer.Verdict != "fewer" || fewer.Left+fewer.Width >= 50 || fewer.Interval != "-0.50 to -0.12" {
		t.Errorf("%+v, want it left of the middle", fewer)
	}
}

func TestOnePairOfRunsTellsNoDifference(t *testing.T) {
	paired := []Difference{{Trace: "t", Scenario: "base", Policy: "low-risk", Nodes: 3, Mean: 2, Low: 2, High: 2, Unknown: true}}
	row := differences(paired, nil)[0]
	if row.Verdict != onePair || row.Interval != "–" || row.Text != "+2.00" {
		t.Errorf("%+v, want the difference without interval and verdict", row)
	}
	if got, want := headline(paired), headline(nil); got != want {
		t.Errorf("headline %q, want %q", got, want)
	}
	if got, want := single(3, 2).title("low-risk"), "low-risk, 3 nodes: 2.00 evictions and OOM kills per 1000 pod-hours"; got != want {
		t.Errorf("title %q, want %q", got, want)
	}
}

func TestRatesHaveTwoDigitsThatCount(t *testing.T) {
	for value, want := range map[float64]string{
		0: "0", 0.0001: "<0.001", 0.004: "0.004", 0.05: "0.05", 0.0994: "0.099", 0.0996: "0.10", 0.35: "0.35", 4: "4.00", 9.96: "10.0", 20.66: "20.7", 99.6: "100", 1234: "1234",
	} {
		if got := rate(value); got != want {
			t.Errorf("rate(%v) = %q, want %q", value, got, want)
		}
	}
	for value, want := range map[float64]string{0: "0", 0.35: "+0.35", -0.35: "-0.35", -0.0001: "-<0.001"} {
		if got := signed(value); got != want {
			t.Errorf("signed(%v) = %q, want %q", value, got, want)
		}
	}
}

func TestPoliciesLookTheSameWhateverTheOrder(t *testing.T) {
	c := &Comparison{Curves: []Curve{{Policy: "bound"}, {Policy: "mine"}, {Policy: "headroom"}, {Policy: "yours"}, {Policy: "third"}, {Policy: "fourth"}}}
	want := []policy{{0, "headroom"}, {10, "bound"}, {11, "mine"}, {11, "fourth"}, {12, "yours"}, {13, "third"}}
	if diff := cmp.Diff(want, policies(c)); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
}

func TestAHeatMapJoinsStretchesAndKeepsPeaks(t *testing.T) {
	shares := make([]float64, 1000)
	for i := range shares {
		shares[i] = -1
	}
	shares[500], shares[501] = 0.5, 1.01
	row := heatRow(NodeHeat{Node: "n", Shares: shares}, time.Duration(maxColumns)*time.Minute)
	if len(row.Cells) != maxColumns || row.Peak != "101%" {
		t.Fatalf("%d cells and peak %s, want %d and 101%%", len(row.Cells), row.Peak, maxColumns)
	}
	known := 0
	for _, cell := range row.Cells {
		if cell.Level >= 0 {
			known++
			if want := "1:00:00–1:01:00: 101% of the threshold"; cell.Title != want || cell.Level != len(document.HeatLevels())-1 {
				t.Errorf("cell %+v, want the highest level and %q", cell, want)
			}
		}
	}
	if known != 1 {
		t.Errorf("%d cells are known, want one", known)
	}
}

func TestOfManyNodesTheHottestAreDrawn(t *testing.T) {
	c := small()
	c.Stories[0].Nodes = nil
	for i := range 100 {
		c.Stories[0].Nodes = append(c.Stories[0].Nodes, NodeHeat{Node: fmt.Sprint("node-", i), Shares: []float64{float64(i) / 100}})
	}
	part := newPage(c).Stories[0]
	if len(part.Rows) != maxNodes || part.Rows[0].Node != "node-40" || part.Note == "" {
		t.Errorf("%d rows from %s on, note %q; want 60 from node-40 on, and a note", len(part.Rows), part.Rows[0].Node, part.Note)
	}
}
