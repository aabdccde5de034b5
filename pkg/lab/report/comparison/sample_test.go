// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// small has one of everything.
func small() *Comparison {
	return &Comparison{
		Title: "Small comparison", Command: "headroom-lab replay --trace t", Commit: "abc1234",
		Parameters: []Fact{{"Lag", "60 s"}},
		Traces:     []Fact{{"t", "2 series"}},
		Results: []Row{{
			Trace: "t", Scenario: "base", Policy: "headroom", Nodes: 3, Seed: 7, PodHours: 12.5, Evictions: 2, OOMKills: 1, PendingHours: 0.25,
			Unplaced: 4, NodeUseP50: 0.5, NodeUseP99: 0.75,
		}},
		Curves: []Curve{
			{"t", "base", "headroom", []CurvePoint{{3, 0.5, 0.25, 0.75, false, false}, {4, 0, 0, 0, false, false}}},
			{"t", "base", "least-allocated", []CurvePoint{{3, 4, 3, 5, false, false}, {5, 0.25, 0.1, 0.4, false, true}}},
			{"t", "churn", "headroom", []CurvePoint{{3, 0.5, 0.25, 0.75, false, false}}},
		},
		Paired: []Difference{
			{"t", "base", "least-allocated", "", 3, 3.5, 2.5, 4.5, false, false},
			{"t", "base", "low-risk", "headroom", 3, -0.25, -0.5, -0.125, false, false},
			{"t", "churn", "low-risk", "headroom", 3, 0.25, -0.5, 1, false, false},
			{"t", "churn", "bound", "headroom", 3, -1, -2, -0.5, false, false},
		},
		Stories: []Story{{
			Trace: "t", Scenario: "base", Policy: "headroom", Seed: 7, Span: 48 * time.Hour,
			Nodes: []NodeHeat{{"node-1", []float64{0.4, 1.02, -1}}, {"node-2", []float64{0.6, 0.75, 0.95}}},
			Worst: []WorstNode{{"node-1", 2, 1, "fs0001-0 rose from 2 to 9 GiB within the lag."}},
		}},
		Predictors: []PredictorRow{{"t", "headroom", 24, 0.0099, 0.05, 0.664}, {"t", "constant", 24, 0.01, 0.1, 0.552}},
	}
}

// usual makes figures of the shape and size of the published comparison.
func usual() *Comparison {
	random := rand.New(rand.NewPCG(1, 2))
	c := &Comparison{
		Title:   "Replay of three traces",
		Command: "headroom-lab replay --trace traces/one --nodes 22-38 --node-memory 64Gi --seeds 5 --out out/replay",
		Commit:  "0123abc",
		Parameters: []Fact{
			{"Metric lag", "60 s"}, {"Window", "5 min"}, {"Eviction threshold", "memory.available below 100Mi"}, {"Back-off", "10 s to 5 min"},
		},
		Traces: []Fact{{"one", "1,159 series, 2,292,880 samples, 7 d, 300 s apart"}, {"two", "167 series, 235,584 samples, 10 d"}},
	}
	level := map[string]float64{
		"headroom": 0.31, "headroom-pack": 0.6, "least-allocated": 4, "most-allocated": 20, "load-variation": 1.07, "low-risk": 1.6,
		"target-load-memory": 0.97, "koordinator-like": 0.59, "crane-like": 0.8, "clairvoyant": 0.2, "bound": 0,
	}
	for _, trace := range []string{"one", "two", "three"} {
		for s, scenario := range []string{"base", "provisioned", "underset", "256 GiB nodes", "churn", "sticky", "lag 300 s"} {
			for _, policy := range palette() {
				curve := Curve{Trace: trace, Scenario: scenario, Policy: policy}
				step := 2
				if s > 0 { // away from the base case fewer nodes are tried
					step = 8
				}
				for nodes := 22; nodes <= 38; nodes += step {
					mean := level[policy] * math.Exp(float64(30-nodes)*0.16) * (1 + 0.2*float64(s)) * (0.9 + 0.2*random.Float64())
					curve.Points = append(curve.Points, CurvePoint{
						Nodes: nodes, Mean: mean, Low: mean * 0.85, High: mean * 1.2, Waits: policy == "target-load-memory" && nodes < 26,
					})
					c.Results = append(c.Results, Row{Trace: trace, Scenario: scenario, Policy: policy, Nodes: nodes, Seed: 1, PodHours: 150000, Evictions: int(mean * 150)})
				}
				c.Curves = append(c.Curves, curve)
				if policy != reference {
					mean := level[policy] - level[reference]
					c.Paired = append(c.Paired, Difference{Trace: trace, Scenario: scenario, Policy: policy, Nodes: 30, Mean: mean, Low: mean - 0.15, High: mean + 0.2})
				}
			}
		}
		for _, predictor := range []string{"constant", "resource-central", "borg-0.9", "headroom", "oracle"} {
			c.Predictors = append(c.Predictors, PredictorRow{trace, predictor, 24, 0.01 * random.Float64() * 2, 0.05, 0.2 + 0.6*random.Float64()})
		}
	}
	for _, policy := range []string{"least-allocated", "headroom"} {
		story := Story{Trace: "one", Scenario: "base", Policy: policy, Seed: 1, Span: 6 * 24 * time.Hour}
		for n := range 30 {
			node := NodeHeat{Node: fmt.Sprintf("node-%d", n+1)}
			for i := range 144 {
				node.Shares = append(node.Shares, 0.55+0.2*math.Sin(float64(i)/23+float64(n))+0.3*random.Float64())
			}
			story.Nodes = append(story.Nodes, node)
		}
		story.Worst = []WorstNode{
			{"node-7", 9, 2, "three replicas of one workload rose together at 03:00 of day 2, from 31 to 66 GiB in 10 min; each time it was filled again within the lag."},
			{"node-12", 4, 0, "fs0417-0 doubled to 22 GiB on day 4; its history had never shown more than 12 GiB."},
		}
		c.Stories = append(c.Stories, story)
	}
	return c
}

// Set HEADROOM_REPORT_SAMPLE to a folder to look at the page.
func TestAPageOfUsualSizeStaysSmall(t *testing.T) {
	dir := os.Getenv("HEADROOM_REPORT_SAMPLE")
	if dir == "" {
		dir = t.TempDir()
	}
	if err := WriteFiles(dir, usual()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, PageFile))
	if err != nil {
		t.Fatal(err)
	}
	if limit := int64(2_000_000); info.Size() > limit {
		t.Errorf("%s has %d bytes, want at most %d", PageFile, info.Size(), limit)
	}
}
