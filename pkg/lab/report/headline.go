// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/headroom-dev/headroom/pkg/lab/report/figure"
)

// displayName is the name of a pool in prose: the project's own is a proper name.
func displayName(pool Pool) string {
	if pool.Name == "headroom" {
		return "Headroom"
	}
	return pool.Name
}

// headline says in one sentence how many evictions and OOM kills each pool had, and nothing that the figures do not show.
func headline(pools []Pool) string {
	first := pools[0].Summary
	if len(pools) == 1 {
		return fmt.Sprintf("%s had %s.", displayName(pools[0]), failures(first))
	}
	subject := "Same workload: "
	if equalNodes(pools) {
		subject = "Same workload, equal nodes: "
	}
	same := !slices.ContainsFunc(pools[1:], func(pool Pool) bool {
		return pool.Summary.Evictions != first.Evictions || pool.Summary.OOMKills != first.OOMKills
	})
	if same {
		if first.Evictions == 0 && first.OOMKills == 0 {
			return subject + "no evictions and no OOM kills in " + choose(len(pools), "either pool", "any pool") + "."
		}
		return fmt.Sprintf("%s%s %s had %s.", subject, list(names(pools)), choose(len(pools), "both", "each"), failures(first))
	}
	clauses := []string{displayName(pools[0]) + " had " + failures(first)}
	for _, pool := range pools[1:] {
		if pool.Summary.Evictions == 0 && pool.Summary.OOMKills == 0 {
			clauses = append(clauses, displayName(pool)+" none")
			continue
		}
		clauses = append(clauses, fmt.Sprintf("%s %s and %s", displayName(pool), figure.Count(pool.Summary.Evictions), figure.Count(pool.Summary.OOMKills)))
	}
	return subject + strings.Join(clauses, ", ") + "."
}

// outcome says what else decides whether fewer failures are worth having: pods left running and time spent waiting.
func outcome(pools []Pool) []string {
	running := figures(pools, func(s Summary) string { return figure.Count(s.PodsRunning) })
	waiting := figures(pools, func(s Summary) string { return figure.Seconds(s.PendingSeconds) })
	sentences := []string{
		"Pods running at the end: " + running + ".",
		"Time pods waited for a node, in sum: " + waiting + ".",
	}
	if warning := caution(pools); warning != "" {
		sentences = append(sentences, warning)
	}
	return sentences
}

// caution names the pool with fewest failures if it paid for them with pods not running or with longer waiting, as
// far as the printed figures show it.
func caution(pools []Pool) string {
	best := slices.MinFunc(pools, func(a, b Pool) int { return cmp.Compare(failureCount(a), failureCount(b)) })
	var fewer, longer bool
	for _, pool := range pools {
		if failureCount(pool) == failureCount(best) {
			continue
		}
		fewer = fewer || best.Summary.PodsRunning < pool.Summary.PodsRunning
		longer = longer || best.Summary.PendingSeconds > pool.Summary.PendingSeconds &&
			figure.Seconds(best.Summary.PendingSeconds) != figure.Seconds(pool.Summary.PendingSeconds)
	}
	var costs []string
	if fewer {
		costs = append(costs, "fewer pods running")
	}
	if longer {
		costs = append(costs, "longer waiting")
	}
	if len(costs) == 0 {
		return ""
	}
	return fmt.Sprintf("%s had the fewest evictions and OOM kills, but with %s.", displayName(best), list(costs))
}

// figures prints one figure for each pool, once where they are all equal.
func figures(pools []Pool, figure func(Summary) string) string {
	var parts []string
	same := true
	for _, pool := range pools {
		value := figure(pool.Summary)
		same = same && value == figure(pools[0].Summary)
		parts = append(parts, displayName(pool)+" "+value)
	}
	if same && len(pools) > 1 {
		return figure(pools[0].Summary) + " in " + choose(len(pools), "both", "each")
	}
	return strings.Join(parts, ", ")
}

// equalNodes is true if every pool has the same number of nodes with the same capacities and thresholds.
func equalNodes(pools []Pool) bool {
	sizes := func(pool Pool) []string {
		var sizes []string
		for _, node := range pool.Nodes {
			sizes = append(sizes, fmt.Sprintf("%d/%d", node.CapacityBytes, node.ThresholdBytes))
		}
		slices.Sort(sizes)
		return sizes
	}
	first := sizes(pools[0])
	return !slices.ContainsFunc(pools[1:], func(pool Pool) bool { return !slices.Equal(sizes(pool), first) })
}

func failures(summary Summary) string {
	return figure.Quantity(summary.Evictions, "eviction", "evictions") + " and " + figure.Quantity(summary.OOMKills, "OOM\u00a0kill", "OOM\u00a0kills")
}

func failureCount(pool Pool) int { return pool.Summary.Evictions + pool.Summary.OOMKills }

func names(pools []Pool) []string {
	var names []string
	for _, pool := range pools {
		names = append(names, displayName(pool))
	}
	return names
}

func choose(pools int, two, more string) string {
	if pools == 2 {
		return two
	}
	return more
}

// list joins words as prose does: a, b and c.
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
