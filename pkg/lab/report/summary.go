// SPDX-License-Identifier: Apache-2.0

package report

import (
	"github.com/headroom-dev/headroom/pkg/lab/report/document"
	"github.com/headroom-dev/headroom/pkg/lab/report/figure"
)

// summaryRow compares the pools by one figure.
type summaryRow struct {
	Name string
	// Key is true for the figures that the run is about.
	Key    bool
	Values []summaryValue
}

// summaryValue is the figure of one pool. Bar is its length in percent of the longest of the row.
type summaryValue struct {
	Pool int
	Name string
	Text string
	Bar  float64
}

func summaryRows(pools []Pool) []summaryRow {
	count := func(value float64) string { return figure.Count(int(value)) }
	rows := []struct {
		name  string
		key   bool
		value func(Summary) float64
		text  func(float64) string
		// full is the value of a bar of full length; 0 stands for the highest of the row.
		full float64
	}{
		{"Evictions", true, func(s Summary) float64 { return float64(s.Evictions) }, count, 0},
		{"OOM kills", true, func(s Summary) float64 { return float64(s.OOMKills) }, count, 0},
		{"Pods placed", false, func(s Summary) float64 { return float64(s.PodsPlaced) }, count, 0},
		{"Pods running at the end", false, func(s Summary) float64 { return float64(s.PodsRunning) }, count, 0},
		{"Pending time", false, func(s Summary) float64 { return s.PendingSeconds }, figure.Seconds, 0},
		{"Node memory use, median", false, func(s Summary) float64 { return s.NodeUseP50 }, figure.Share, 1},
		{"Node memory use, p99", false, func(s Summary) float64 { return s.NodeUseP99 }, figure.Share, 1},
	}
	var out []summaryRow
	for _, row := range rows {
		full := row.full
		for _, pool := range pools {
			full = max(full, row.value(pool.Summary))
		}
		r := summaryRow{Name: row.name, Key: row.key}
		for i, pool := range pools {
			value := row.value(pool.Summary)
			bar := 0.0
			if full > 0 {
				bar = document.Round(value/full*100, 1)
			}
			r.Values = append(r.Values, summaryValue{Pool: i, Name: displayName(pool), Text: row.text(value), Bar: bar})
		}
		out = append(out, r)
	}
	return out
}
