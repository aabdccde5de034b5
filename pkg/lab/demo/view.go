// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/headroom-dev/headroom/pkg/lab/report"
	"github.com/headroom-dev/headroom/pkg/lab/screen"
	"github.com/headroom-dev/headroom/pkg/lab/stage"
)

// show shows the state of the run.
func (r *run) show(now time.Time, elapsed, total time.Duration) {
	r.screen.Show(now, func() string { return r.table(elapsed, total) }, func() string {
		parts := make([]string, 0, len(r.pools))
		for _, pool := range r.pools {
			summary := r.summary(pool)
			parts = append(parts, fmt.Sprintf("%s: %d running, least left %s, %d evictions, %d OOM kills",
				pool.Name, summary.PodsRunning, mebibytes(r.leastLeft(pool)), summary.Evictions, summary.OOMKills))
		}
		return fmt.Sprintf("%s of %s | %s", screen.Clock(elapsed), screen.Clock(total), strings.Join(parts, " | "))
	})
}

// table is the live table: a row a node number, the pools side by side.
func (r *run) table(elapsed, total time.Duration) string {
	var table strings.Builder
	fmt.Fprintf(&table, "%s of %s, %s left\n", screen.Clock(elapsed), screen.Clock(total), screen.Clock(total-elapsed))
	for _, pool := range r.pools {
		fmt.Fprintf(&table, "%-14s %4s %22s    ", pool.Name, "pods", "left until eviction")
	}
	table.WriteString("\n")
	for i := range r.spec.Nodes.Count {
		for _, pool := range r.pools {
			name := pool.NodeName(i + 1)
			bytes, threshold, _ := r.stage.History.Now(name)
			fmt.Fprintf(&table, "%-14s %4d %10s %s    ", name, r.stage.Tracker.OnNode(name), mebibytes(threshold-bytes), bar(bytes, threshold))
		}
		table.WriteString("\n")
	}
	for _, pool := range r.pools {
		fmt.Fprintf(&table, "%-42s    ", countsLine(r.summary(pool)))
	}
	table.WriteString("\n")
	return table.String()
}

func countsLine(summary report.Summary) string {
	return fmt.Sprintf("%d running, %d evicted, %d OOM-killed", summary.PodsRunning, summary.Evictions, summary.OOMKills)
}

// bar is ten characters of how full a node is, measured against its threshold.
func bar(bytes, threshold int64) string {
	const width = 11
	filled := 0
	if threshold > 0 {
		filled = int(min(max(bytes*width/threshold, 0), width))
	}
	return strings.Repeat("#", filled) + strings.Repeat(".", width-filled)
}

// leastLeft is what the fullest node of a pool has left until eviction, in bytes.
func (r *run) leastLeft(pool stage.Pool) int64 {
	least, first := int64(0), true
	for i := range r.spec.Nodes.Count {
		bytes, threshold, ok := r.stage.History.Now(pool.NodeName(i + 1))
		if ok && (first || threshold-bytes < least) {
			least, first = threshold-bytes, false
		}
	}
	return least
}

func mebibytes(bytes int64) string { return fmt.Sprintf("%dMi", bytes>>20) }

// summaryTable is the end of the run in a table.
func summaryTable(run report.Run) string {
	var table strings.Builder
	fmt.Fprintf(&table, "%-32s", "")
	for _, pool := range run.Pools {
		fmt.Fprintf(&table, "%12s", pool.Name)
	}
	table.WriteString("\n")
	for _, row := range []struct {
		name  string
		value func(report.Summary) string
	}{
		{"pods placed", func(s report.Summary) string { return strconv.Itoa(s.PodsPlaced) }},
		{"pods running at the end", func(s report.Summary) string { return strconv.Itoa(s.PodsRunning) }},
		{"evictions", func(s report.Summary) string { return strconv.Itoa(s.Evictions) }},
		{"OOM kills", func(s report.Summary) string { return strconv.Itoa(s.OOMKills) }},
		{"pending time, all pods", func(s report.Summary) string { return fmt.Sprintf("%.1f s", s.PendingSeconds) }},
		{"node use, median of threshold", func(s report.Summary) string { return fmt.Sprintf("%.0f %%", 100*s.NodeUseP50) }},
		{"node use, p99 of threshold", func(s report.Summary) string { return fmt.Sprintf("%.0f %%", 100*s.NodeUseP99) }},
	} {
		fmt.Fprintf(&table, "%-32s", row.name)
		for _, pool := range run.Pools {
			fmt.Fprintf(&table, "%12s", row.value(pool.Summary))
		}
		table.WriteString("\n")
	}
	return table.String()
}
