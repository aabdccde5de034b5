// SPDX-License-Identifier: Apache-2.0

package loadwatch

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func reading(node string, after time.Duration, cpu, memory float64) Reading {
	return Reading{Node: node, Time: began.Add(after), CPU: cpu, Memory: memory}
}

func TestTheReportHasMeanAndDeviationOfTheWindow(t *testing.T) {
	w := window{length: Window}
	for _, step := range []struct {
		at       time.Duration
		readings []Reading
	}{
		{0, []Reading{reading("n1", 0, 90, 90), reading("gone", 0, 50, 50)}}, // both leave the window
		{10 * time.Minute, []Reading{reading("n1", 9*time.Minute, 10, 20)}},
		{11 * time.Minute, []Reading{reading("n1", 9*time.Minute, 10, 20)}}, // the same again
		{16 * time.Minute, []Reading{reading("n1", 15*time.Minute, 20, 60), reading("n2", 15*time.Minute, 5, 7)}},
	} {
		w.add(began.Add(step.at), step.readings)
	}
	now := began.Add(16 * time.Minute)
	metrics := func(cpu, cpuDeviation, memory, memoryDeviation float64) reportNode {
		return reportNode{Metrics: []reportMetric{
			{"cpu", "CPU", "AVG", "15m", cpu}, {"cpu", "CPU", "STD", "15m", cpuDeviation},
			{"memory", "Memory", "AVG", "15m", memory}, {"memory", "Memory", "STD", "15m", memoryDeviation},
		}}
	}
	want := report{
		Timestamp: now.Unix(), Source: "headroom-lab",
		Window: reportWindow{Duration: "15m", Start: now.Unix() - 900, End: now.Unix()},
		Data:   reportData{NodeMetricsMap: map[string]reportNode{"n1": metrics(15, 5, 40, 20), "n2": metrics(5, 0, 7, 0)}},
	}
	if diff := cmp.Diff(want, w.report(now), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}
