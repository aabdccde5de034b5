// SPDX-License-Identifier: Apache-2.0

package burst

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headroom-dev/headroom/pkg/lab/stage"
)

// Result is what summary.json holds.
type Result struct {
	// Scenario is "burst", and Seed what it was drawn with.
	Scenario string `json:"scenario"`
	Seed     int64  `json:"seed"`
	// NodesPerPool and BurstPods are how many nodes each scheduler has and how many pods it gets at once.
	NodesPerPool int `json:"nodesPerPool"`
	BurstPods    int `json:"burstPods"`
	// SampleAgeSeconds is how old the newest sample of metrics.k8s.io was when the burst came, and WatchedSeconds how long
	// the nodes were watched from then on.
	SampleAgeSeconds float64 `json:"sampleAgeSeconds"`
	WatchedSeconds   float64 `json:"watchedSeconds"`
	// LoadVariationWeight is the weight of LoadVariationRiskBalancing; the default scores have 1 to 3.
	LoadVariationWeight int32 `json:"loadVariationWeight"`
	// Schedulers has the outcome by pool: default, loadvariation and headroom.
	Schedulers map[string]Outcome `json:"schedulers"`
}

// Outcome is what happened in one pool from the burst on.
type Outcome struct {
	// NodesOverThreshold is how many different nodes ever held more than their kubelet's eviction threshold.
	NodesOverThreshold int `json:"nodesOverThreshold"`
	// Evictions and OOMKills are of pods of the pool, those that ran before among them.
	Evictions int `json:"evictions"`
	OOMKills  int `json:"oomKills"`
	// PodsRunning is how many run at the end with all their containers, of PodsWanted, and PodsPending how many wait for a node.
	PodsRunning int `json:"podsRunning"`
	PodsWanted  int `json:"podsWanted"`
	PodsPending int `json:"podsPending"`
	// PlacedSeconds is the time from the burst until every pod of it was placed, to the second; 0: that never was so.
	PlacedSeconds float64 `json:"placedSeconds"`
	// Nodes has the peak of each node, by number.
	Nodes []NodePeak `json:"nodes"`
}

// NodePeak is the most that a node held from the burst on.
type NodePeak struct {
	Node string `json:"node"`
	// PeakBytes is a working set, and ThresholdBytes the one above which the kubelet evicts.
	PeakBytes      int64 `json:"peakBytes"`
	ThresholdBytes int64 `json:"thresholdBytes"`
}

// outcome is what happened in a pool so far, from a moment of the history on.
func (r *run) outcome(pool stage.Pool, since time.Duration) Outcome {
	tally := r.stage.Tracker.Tally(pool.Name)
	outcome := Outcome{
		PodsRunning: tally.Running, PodsPending: tally.Pending, PodsWanted: podsAfter(r.plan),
		PlacedSeconds: r.placed[pool.Name].Seconds(),
	}
	outcome.Evictions, outcome.OOMKills = r.stage.Deaths(pool, since)
	for number := range r.spec.Nodes.Count {
		name := pool.NodeName(number + 1)
		bytes, threshold := r.stage.History.Peak(name, since)
		outcome.Nodes = append(outcome.Nodes, NodePeak{Node: name, PeakBytes: bytes, ThresholdBytes: threshold})
	}
	outcome.NodesOverThreshold = over(outcome.Nodes)
	return outcome
}

func over(nodes []NodePeak) int {
	count := 0
	for _, node := range nodes {
		if node.PeakBytes > node.ThresholdBytes {
			count++
		}
	}
	return count
}

// shares are the nodes' peaks as shares of their thresholds, sorted.
func shares(nodes []NodePeak) []float64 {
	var all []float64
	for _, node := range nodes {
		if node.ThresholdBytes > 0 {
			all = append(all, float64(node.PeakBytes)/float64(node.ThresholdBytes))
		}
	}
	slices.Sort(all)
	return all
}

// table compares pools in a few lines.
func table(pools []stage.Pool, outcomes []Outcome) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%-32s", "")
	for _, pool := range pools {
		fmt.Fprintf(&text, "%15s", pool.Name)
	}
	text.WriteString("\n")
	for _, row := range []struct {
		name  string
		value func(Outcome) string
	}{
		{"nodes over their threshold", func(o Outcome) string { return fmt.Sprintf("%d of %d", o.NodesOverThreshold, len(o.Nodes)) }},
		{"fullest node, of threshold", func(o Outcome) string { return percent(o.Nodes, 1) }},
		{"median node, of threshold", func(o Outcome) string { return percent(o.Nodes, 0.5) }},
		{"evictions", func(o Outcome) string { return strconv.Itoa(o.Evictions) }},
		{"OOM kills", func(o Outcome) string { return strconv.Itoa(o.OOMKills) }},
		{"pods running", func(o Outcome) string { return fmt.Sprintf("%d of %d", o.PodsRunning, o.PodsWanted) }},
		{"pods without a node", func(o Outcome) string { return strconv.Itoa(o.PodsPending) }},
	} {
		fmt.Fprintf(&text, "%-32s", row.name)
		for _, outcome := range outcomes {
			fmt.Fprintf(&text, "%15s", row.value(outcome))
		}
		text.WriteString("\n")
	}
	return text.String()
}

// percent is the node at a place of the order by fullness: 0.5 is the median, 1 the fullest.
func percent(nodes []NodePeak, place float64) string {
	all := shares(nodes)
	if len(all) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f %%", 100*all[min(int(place*float64(len(all))), len(all)-1)])
}
