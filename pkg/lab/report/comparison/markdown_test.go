// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func curve(scenario, policy string, points ...CurvePoint) Curve {
	return Curve{Trace: "t", Scenario: scenario, Policy: policy, Points: points}
}

func point(nodes int, mean float64) CurvePoint {
	return CurvePoint{Nodes: nodes, Mean: mean, Low: mean / 2, High: mean * 2}
}

// single is the point of one run.
func single(nodes int, mean float64) CurvePoint {
	return CurvePoint{Nodes: nodes, Mean: mean, Low: mean, High: mean, Unknown: true}
}

func waiting(p CurvePoint) CurvePoint {
	p.Waits = true
	return p
}

func row(policy string, nodes, evictions, kills int) Row {
	return Row{Trace: "t", Scenario: "base", Policy: policy, Nodes: nodes, Evictions: evictions, OOMKills: kills, PodHours: 1000}
}

func TestMarkdownTables(t *testing.T) {
	for _, test := range []struct {
		name string
		of   Comparison
		want string
	}{
		{
			name: "a column for each number of nodes, the best first, what nobody can know last; the best is bold, what waits is not compared",
			of: Comparison{Curves: []Curve{
				curve("base", "bound", point(8, 0), point(9, 0.5)),
				curve("base", "least-allocated", point(8, 4), point(9, 2)),
				curve("base", "headroom", waiting(point(8, 2)), point(9, 0.5)),
				curve("base", "low-risk", point(9, 1)),
			}},
			want: "| policy | 8 nodes | 9 nodes |\n" +
				"|---|--:|--:|\n" +
				"| `headroom` | *2.00 (1.00–4.00)* | **0.50 (0.25–1.00)** |\n" +
				"| `low-risk` | | 1.00 (0.50–2.00) |\n" +
				"| `least-allocated` | **4.00 (2.00–8.00)** | 2.00 (1.00–4.00) |\n" +
				"| `bound` | 0 (0–0) | 0.50 (0.25–1.00) |\n",
		},
		{
			name: "scenarios with one number of nodes share a table",
			of: Comparison{Curves: []Curve{
				curve("base", "headroom", point(30, 1)), curve("base", "low-risk", point(30, 2)),
				curve("nodes-large", "headroom", point(7, 3)), curve("nodes-large", "low-risk", point(7, 1)),
			}},
			want: "| scenario | nodes | `headroom` | `low-risk` |\n" +
				"|---|--:|--:|--:|\n" +
				"| `base` | 30 | **1.00 (0.50–2.00)** | 2.00 (1.00–4.00) |\n" +
				"| `nodes-large` | 7 | 3.00 (1.50–6.00) | **1.00 (0.50–2.00)** |\n",
		},
		{
			name: "scenarios with several numbers of nodes have a table each, which says whose it is",
			of: Comparison{Curves: []Curve{
				curve("churn", "headroom", point(8, 4), point(9, 2)),
				curve("memory-sticky", "headroom", point(8, 3), point(9, 1)),
			}},
			want: "`churn`:\n\n| policy | 8 nodes | 9 nodes |\n|---|--:|--:|\n| `headroom` | **4.00 (2.00–8.00)** | **2.00 (1.00–4.00)** |\n\n" +
				"`memory-sticky`:\n\n| policy | 8 nodes | 9 nodes |\n|---|--:|--:|\n| `headroom` | **3.00 (1.50–6.00)** | **1.00 (0.50–2.00)** |\n",
		},
		{
			name: "policies are compared seed by seed in another table; of what waits, and of what nobody can know, nothing is told there",
			of: Comparison{
				Curves: []Curve{
					curve("base", "headroom", point(8, 4), waiting(point(9, 2))), curve("base", "low-risk", point(8, 5), point(9, 1)),
					curve("base", "most-allocated", point(8, 9), point(9, 3)), curve("base", "bound", point(8, 0), point(9, 0)),
				},
				Paired: []Difference{
					{Trace: "t", Scenario: "base", Policy: "low-risk", Nodes: 9, Mean: -1, Low: -1.5, High: -0.5, Waits: true},
					{Trace: "t", Scenario: "base", Policy: "low-risk", Nodes: 8, Mean: 1, Low: -0.25, High: 2.25},
					{Trace: "t", Scenario: "base", Policy: "most-allocated", Nodes: 8, Mean: 5, Low: 3.5, High: 6.5},
					{Trace: "t", Scenario: "base", Policy: "bound", Nodes: 8, Mean: -4, Low: -5, High: -3},
					{Trace: "t", Scenario: "churn", Policy: "low-risk", Nodes: 8, Mean: 7},
					{Trace: "t", Scenario: "base", Policy: "low-risk", Against: "most-allocated", Nodes: 8, Mean: -4, Low: -4, High: -4},
				},
			},
			want: "| policy | 8 nodes | 9 nodes |\n|---|--:|--:|\n| `low-risk` | 5.00 (2.50–10.0) | **1.00 (0.50–2.00)** |\n" +
				"| `headroom` | **4.00 (2.00–8.00)** | *2.00 (1.00–4.00)* |\n" +
				"| `most-allocated` | 9.00 (4.50–18.0) | 3.00 (1.50–6.00) |\n" +
				"| `bound` | 0 (0–0) | 0 (0–0) |\n\n" +
				pairedTitle + "| policy | 8 nodes | 9 nodes |\n|---|--:|--:|\n| `low-risk` | +1.00 (-0.25 to +2.25) | not compared |\n" +
				"| `most-allocated` | **+5.00 (+3.50 to +6.50)** | |\n",
		},
		{
			name: "one run or pair has no interval",
			of: Comparison{
				Curves: []Curve{curve("base", "headroom", single(8, 4), point(9, 2)), curve("base", "low-risk", single(8, 5), point(9, 1))},
				Paired: []Difference{
					{Trace: "t", Scenario: "base", Policy: "low-risk", Nodes: 8, Mean: 1, Low: 1, High: 1, Unknown: true},
					{Trace: "t", Scenario: "base", Policy: "low-risk", Nodes: 9, Mean: -1, Low: -1.5, High: -0.5},
				},
			},
			want: "| policy | 8 nodes | 9 nodes |\n|---|--:|--:|\n| `low-risk` | 5.00 | **1.00 (0.50–2.00)** |\n" +
				"| `headroom` | **4.00** | 2.00 (1.00–4.00) |\n\n" +
				pairedTitle + "| policy | 8 nodes | 9 nodes |\n|---|--:|--:|\n| `low-risk` | +1.00 | **-1.00 (-1.50 to -0.50)** |\n",
		},
		{
			name: "so are those of scenarios that share a table",
			of: Comparison{
				Curves: []Curve{
					curve("base", "headroom", point(30, 1)), curve("base", "low-risk", point(30, 2)),
					curve("nodes-large", "headroom", point(7, 3)), curve("nodes-large", "low-risk", waiting(point(7, 1))),
				},
				Paired: []Difference{
					{Trace: "t", Scenario: "base", Policy: "low-risk", Nodes: 30, Mean: 1, Low: 0.5, High: 1.5},
					{Trace: "t", Scenario: "nodes-large", Policy: "low-risk", Nodes: 7, Mean: -2, Low: -3, High: -1, Waits: true},
				},
			},
			want: "| scenario | nodes | `headroom` | `low-risk` |\n|---|--:|--:|--:|\n| `base` | 30 | **1.00 (0.50–2.00)** | 2.00 (1.00–4.00) |\n" +
				"| `nodes-large` | 7 | **3.00 (1.50–6.00)** | *1.00 (0.50–2.00)* |\n\n" +
				pairedTitle + "| scenario | nodes | `low-risk` |\n|---|--:|--:|\n| `base` | 30 | **+1.00 (+0.50 to +1.50)** |\n" +
				"| `nodes-large` | 7 | not compared |\n",
		},
		{
			name: "where kubelets evict more than kernels kill, both are told together",
			of: Comparison{
				Results: []Row{row("headroom", 8, 3, 2), row("headroom", 9, 1, 1)},
				Curves:  []Curve{curve("base", "headroom", point(8, 4), point(9, 2))},
			},
			want: "| policy | 8 nodes | 9 nodes |\n|---|--:|--:|\n| `headroom` | **4.00 (2.00–8.00)** | **2.00 (1.00–4.00)** |\n",
		},
		{
			name: "where kernels kill more than kubelets evict, kills are told alone",
			of: Comparison{
				Results: []Row{row("headroom", 8, 1, 2), row("headroom", 8, 0, 3), row("headroom", 9, 1, 1)},
				Curves:  []Curve{curve("base", "headroom", point(8, 4), point(9, 2))},
			},
			want: "| policy | 8 nodes | 9 nodes |\n|---|--:|--:|\n| `headroom` | **4.00 (2.00–8.00)** | **2.00 (1.00–4.00)** |\n\n" +
				"OOM kills in a run:\n\n| policy | 8 nodes | 9 nodes |\n|---|--:|--:|\n| `headroom` | 2.5 | 1.0 |\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Markdown(&test.of)); diff != "" {
				t.Errorf("tables (-want +got):\n%s", diff)
			}
		})
	}
}

func TestThePlotIsAnImageThatNamesEachCurve(t *testing.T) {
	c := usual()
	plot := Plot(c)
	decoder := xml.NewDecoder(strings.NewReader(plot))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not XML: %v", err)
		}
	}
	for _, policy := range palette() {
		if !strings.Contains(plot, ">"+policy+"</text>") {
			t.Errorf("no curve is named %s", policy)
		}
	}
	if none := Plot(&Comparison{Curves: []Curve{curve("base", "headroom", point(30, 1))}}); none != "" {
		t.Errorf("one number of nodes is no curve, but is drawn: %s", none)
	}
}

// A trace has the name of its folder, and a policy that of its file.
func TestNamesAreEscapedInThePlotAndInTables(t *testing.T) {
	named := func(policy string) Curve {
		return Curve{Trace: "R&D <web>", Scenario: "base", Policy: policy, Points: []CurvePoint{point(8, 4), point(9, 2), point(10, 1)}}
	}
	c := &Comparison{Curves: []Curve{named("headroom"), named("a|b & c")}}
	if text := Markdown(c); !strings.Contains(text, "\n| `a\\|b & c` |") {
		t.Errorf("the line of the name does not end in one cell:\n%s", text)
	}
	var texts []string
	decoder := xml.NewDecoder(strings.NewReader(Plot(c)))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not XML: %v", err)
		}
		if text, ok := token.(xml.CharData); ok {
			texts = append(texts, string(text))
		}
	}
	for _, want := range []string{plotTitle + ": R&D <web>, base", "a|b & c"} {
		if !slices.Contains(texts, want) {
			t.Errorf("no text is %q: %q", want, texts)
		}
	}
}

func TestThePlotMarksWhatIsNotComparedAndKeepsNamesApart(t *testing.T) {
	plot := Plot(&Comparison{Curves: []Curve{
		curve("base", "headroom", waiting(point(8, 4)), point(9, 2), point(10, 1)),
		curve("base", "low-risk", point(8, 4), point(9, 2), point(10, 1)),
	}})
	if got := strings.Count(plot, `r="4" fill="#fff"`); got != 1 {
		t.Errorf("%d hollow points, want the one whose pods wait", got)
	}
	places := map[string]bool{}
	for _, found := range regexp.MustCompile(`y="([0-9.]+)" fill="#[0-9a-f]+">`).FindAllStringSubmatch(plot, -1) {
		places[found[1]] = true
	}
	if len(places) != 2 {
		t.Errorf("names of two curves that end in one point are at %v, want two places", places)
	}
}

func TestTheTablesGoIntoTheirPartOfThePageAndThePlotBesideIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte("before\n<!-- replay try: begin -->\nstale\n<!-- replay try: end -->\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := usual()
	c.Traces = append(c.Traces, Fact{LeftOut, "5 of 9 series are left out: 5 too large for a node"})
	if err := WriteMarkdown(path, "try", c); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(text); strings.Contains(got, "stale") || !strings.Contains(got, "(images/replay-try.svg)\n\n"+strings.TrimSpace(Markdown(c))+"\n\n891\u00a0runs of commit 0123abc. 5 of 9 series are left out: 5 too large for a node.\n\n<!-- replay try: end -->\nafter\n") {
		t.Errorf("the page is\n%s", got)
	}
	if plot, err := os.ReadFile(filepath.Join(filepath.Dir(path), "images", "replay-try.svg")); err != nil || string(plot) != Plot(c) {
		t.Errorf("the plot: %v", err)
	}
	if err := WriteMarkdown(path, "other", c); err == nil {
		t.Error("a page without the part was taken")
	}
	if err := CheckMarkdown(path, "other"); err == nil {
		t.Error("a page without the part was not found out")
	}
}
