// SPDX-License-Identifier: Apache-2.0

// Package comparison writes one self-contained HTML page that compares scheduling policies over replayed traces.
package comparison

import "time"

// Comparison is everything the page shows.
type Comparison struct {
	Title string `json:"title"`
	// Command repeats the comparison. Commit is that of the code; either may be empty: it is not known.
	Command string `json:"command,omitempty"`
	Commit  string `json:"commit,omitempty"`
	// Parameters are what all runs had in common, Traces what a reader must know of the data; shown in this order.
	Parameters []Fact `json:"parameters"`
	Traces     []Fact `json:"traces"`
	// Results has one row a run.
	Results []Row `json:"results"`
	// Curves are drawn in this order, one chart for each trace and scenario. The first scenario of a trace is drawn large.
	Curves []Curve `json:"curves"`
	// Paired are differences of policies at equal nodes.
	Paired []Difference `json:"paired"`
	// Stories show single runs node by node.
	Stories []Story `json:"stories"`
	// Predictors compare forecasts of peaks without scheduling.
	Predictors []PredictorRow `json:"predictors"`
}

// LeftOut is the name of a fact of a trace that says how many of its series are not played, and why.
const LeftOut = "Left out"

// Fact is a named value that a reader needs to judge or repeat the comparison.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Row is one run: a policy, on a trace in a scenario, with so many nodes and a seed.
type Row struct {
	Trace    string `json:"trace"`
	Scenario string `json:"scenario"`
	Policy   string `json:"policy"`
	Nodes    int    `json:"nodes"`
	Seed     uint64 `json:"seed"`
	// PodHours is the time that pods ran, in hours, summed over pods.
	PodHours  float64 `json:"podHours"`
	Evictions int     `json:"evictions"`
	OOMKills  int     `json:"oomKills"`
	// PendingHours is the time that pods waited for a node, in hours, summed over pods.
	PendingHours float64 `json:"pendingHours"`
	// Unplaced counts pods that had no node at the end.
	Unplaced int `json:"unplaced"`
	// NodeUseP50 and NodeUseP99 are quantiles, over nodes and time, of the memory in use as a share of the node's, after kubelets and
	// kernels acted.
	NodeUseP50 float64 `json:"nodeUseP50"`
	NodeUseP99 float64 `json:"nodeUseP99"`
}

// Curve is what a policy does with fewer and with more nodes.
type Curve struct {
	Trace    string `json:"trace"`
	Scenario string `json:"scenario"`
	Policy   string `json:"policy"`
	// Points are ascending by nodes.
	Points []CurvePoint `json:"points"`
}

// CurvePoint is the runs of a curve with so many nodes: evictions and OOM kills per 1000 pod-hours.
type CurvePoint struct {
	Nodes int     `json:"nodes"`
	Mean  float64 `json:"mean"`
	// Low and High bound the 95 % interval of the mean.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Unknown says that there is no interval: one run tells no spread.
	Unknown bool `json:"unknown,omitempty"`
	// Waits says that pods waited for longer than policies are compared at: a policy that leaves pods waiting evicts few.
	Waits bool `json:"waits"`
}

// Difference is how many evictions and OOM kills per 1000 pod-hours Policy has more than Against, in runs with equal nodes and seeds.
type Difference struct {
	Trace    string `json:"trace"`
	Scenario string `json:"scenario"`
	Policy   string `json:"policy"`
	// Against is the policy that is taken off; empty means "headroom".
	Against string  `json:"against"`
	Nodes   int     `json:"nodes"`
	Mean    float64 `json:"mean"`
	// Low and High bound the 95 % interval of the paired difference.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Unknown says that there is no interval: one pair tells no spread, and no difference.
	Unknown bool `json:"unknown,omitempty"`
	// Waits says that pods of either policy waited for longer than policies are compared at.
	Waits bool `json:"waits"`
}

// Story is one run, node by node.
type Story struct {
	Trace    string `json:"trace"`
	Scenario string `json:"scenario"`
	Policy   string `json:"policy"`
	Seed     uint64 `json:"seed"`
	// Span is the length of the run.
	Span time.Duration `json:"spanNanoseconds"`
	// Nodes are those of the run, in the order of their names or any other.
	Nodes []NodeHeat `json:"nodes"`
	// Worst are the nodes that a reader should look at, the worst first.
	Worst []WorstNode `json:"worst"`
}

// NodeHeat is the memory of a node in equal stretches of the run's time, as many for all nodes.
type NodeHeat struct {
	Node string `json:"node"`
	// Shares of the threshold at which the kubelet evicts, the highest in each stretch; below 0 it is not known.
	Shares []float64 `json:"shares"`
}

// WorstNode is what happened on a node, in words.
type WorstNode struct {
	Node      string `json:"node"`
	Evictions int    `json:"evictions"`
	OOMKills  int    `json:"oomKills"`
	Words     string `json:"words"`
}

// PredictorRow is how well a predictor foretold peaks.
type PredictorRow struct {
	Trace     string `json:"trace"`
	Predictor string `json:"predictor"`
	// HorizonHours is how far ahead it looked.
	HorizonHours float64 `json:"horizonHours"`
	// Violation is the share of the time in which more was held than foretold, Severity by how much, as a share of the
	// peak, and Savings what was foretold less than requested, as a share of the requests.
	Violation float64 `json:"violation"`
	Severity  float64 `json:"severity"`
	Savings   float64 `json:"savings"`
}

// reference is the policy that the others are compared with unless a difference says otherwise.
const reference = "headroom"
