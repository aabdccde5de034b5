// SPDX-License-Identifier: Apache-2.0

package loadwatch

import (
	"math"
	"time"
)

// Reading is one measurement of one node.
type Reading struct {
	Node string
	// Time is when the node was measured.
	Time time.Time
	// CPU and Memory are used shares of the node's capacity in percent, 0 to 100 and, where a node is overdrawn, above.
	CPU, Memory float64
}

// window keeps what was read of each node for a time.
type window struct {
	length   time.Duration
	readings map[string][]Reading // by node, the latest last
}

// add takes readings in. One that was there already, or is older than the node's latest, adds nothing.
func (w *window) add(now time.Time, readings []Reading) {
	if w.readings == nil {
		w.readings = map[string][]Reading{}
	}
	for _, reading := range readings {
		known := w.readings[reading.Node]
		if len(known) == 0 || reading.Time.After(known[len(known)-1].Time) {
			w.readings[reading.Node] = append(known, reading)
		}
	}
	for node, known := range w.readings {
		first := 0
		for first < len(known) && now.Sub(known[first].Time) > w.length {
			first++
		}
		if w.readings[node] = known[first:]; first == len(known) {
			delete(w.readings, node)
		}
	}
}

// load is the mean and the standard deviation of the values, as Prometheus' avg_over_time and stddev_over_time have them.
func load(readings []Reading, value func(Reading) float64) (mean, deviation float64) {
	for _, reading := range readings {
		mean += value(reading)
	}
	mean /= float64(len(readings))
	for _, reading := range readings {
		deviation += (value(reading) - mean) * (value(reading) - mean)
	}
	return mean, math.Sqrt(deviation / float64(len(readings)))
}

// The report of load-watcher (github.com/paypal/load-watcher pkg/watcher/watcher.go:65-110).
type (
	report struct {
		Timestamp int64        `json:"timestamp"` // seconds since 1970, as the other times
		Window    reportWindow `json:"window"`
		Source    string       `json:"source"`
		Data      reportData   `json:"data"`
	}
	reportWindow struct {
		Duration string `json:"duration"`
		Start    int64  `json:"start"`
		End      int64  `json:"end"`
	}
	reportData struct {
		NodeMetricsMap map[string]reportNode
	}
	reportNode struct {
		Metrics []reportMetric `json:"metrics"`
	}
	reportMetric struct {
		Name     string  `json:"name"`
		Type     string  `json:"type"`
		Operator string  `json:"operator"`
		Rollup   string  `json:"rollup"`
		Value    float64 `json:"value"` // percent
	}
)

// report is what the window holds, in load-watcher's form.
func (w *window) report(now time.Time) report {
	// Written as load-watcher writes its own: 15m.
	rollup := w.length.Round(time.Minute).String()
	rollup = rollup[:len(rollup)-len("0s")]
	made := report{
		Timestamp: now.Unix(), Source: "headroom-lab",
		Window: reportWindow{Duration: rollup, Start: now.Add(-w.length).Unix(), End: now.Unix()},
		Data:   reportData{NodeMetricsMap: map[string]reportNode{}},
	}
	for node, readings := range w.readings {
		var metrics []reportMetric
		for _, resource := range []struct {
			name, kind string
			value      func(Reading) float64
		}{
			{"cpu", "CPU", func(r Reading) float64 { return r.CPU }},
			{"memory", "Memory", func(r Reading) float64 { return r.Memory }},
		} {
			mean, deviation := load(readings, resource.value)
			metrics = append(metrics,
				reportMetric{resource.name, resource.kind, "AVG", rollup, mean},
				reportMetric{resource.name, resource.kind, "STD", rollup, deviation})
		}
		made.Data.NodeMetricsMap[node] = reportNode{Metrics: metrics}
	}
	return made
}
