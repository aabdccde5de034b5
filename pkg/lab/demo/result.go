// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"slices"
	"time"

	"github.com/headroom-dev/headroom/pkg/lab/kubelet"
	"github.com/headroom-dev/headroom/pkg/lab/report"
	"github.com/headroom-dev/headroom/pkg/lab/stage"
)

// result turns what happened into what the report shows.
func (r *run) result(duration time.Duration) report.Run {
	result := report.Run{
		Title:    "Headroom demo",
		Started:  r.began,
		Duration: duration,
		Seed:     r.options.Seed,
		Facts:    r.facts(),
	}
	for i := range r.spec.Workloads {
		workload := &r.spec.Workloads[i]
		profile, err := kubelet.ParseProfile(workload.Profile)
		if err != nil { // The spec was checked when it was read.
			continue
		}
		result.Workload = append(result.Workload, report.Workload{
			Name: workload.Name, Kind: workload.Kind, Replicas: int(workload.Replicas),
			RequestBytes: workload.Request.Value(), LimitBytes: workload.Limit.Value(), PeakBytes: profile.Peak(),
			Behaviour: workload.Behaviour, Constraint: workload.Constraint,
		})
	}
	offset := r.began.Sub(r.stage.History.Began())
	events := r.stage.History.Events()
	for _, pool := range r.pools {
		shown := report.Pool{Name: pool.Name, Scheduler: pool.Scheduler}
		var shares []float64
		for i := range r.spec.Nodes.Count {
			name := pool.NodeName(i + 1)
			node, _ := r.stage.History.Node(name)
			series := report.NodeSeries{Name: name, ThresholdBytes: node.Threshold, CapacityBytes: node.Capacity}
			for _, point := range node.Points {
				if point.At < offset || node.Threshold <= 0 {
					continue
				}
				series.Points = append(series.Points, report.Point{Offset: point.At - offset, WorkingSetBytes: point.Bytes})
				shares = append(shares, float64(point.Bytes)/float64(node.Threshold))
			}
			shown.Nodes = append(shown.Nodes, series)
		}
		for _, event := range events {
			if event.Namespace == pool.Name {
				shown.Events = append(shown.Events, report.Event{
					Offset: event.At - offset, Kind: string(event.Kind), Node: event.Node, Pod: event.Pod,
					Bytes: event.Bytes, Reason: event.Reason,
				})
			}
		}
		shown.Summary = r.summary(pool)
		slices.Sort(shares)
		shown.Summary.NodeUseP50, shown.Summary.NodeUseP99 = quantile(shares, 0.50), quantile(shares, 0.99)
		result.Pools = append(result.Pools, shown)
	}
	return result
}

// summary counts what happened in a pool so far.
func (r *run) summary(pool stage.Pool) report.Summary {
	tally := r.stage.Tracker.Tally(pool.Name)
	evictions, oomKills := r.stage.Deaths(pool, 0)
	return report.Summary{
		PodsPlaced: tally.Placed, PodsRunning: tally.Running, PendingSeconds: tally.PendingTime.Seconds(),
		Evictions: evictions, OOMKills: oomKills,
	}
}

// quantile returns the value below which the share q of the sorted values lies, by the nearest rank. 0 for no values.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
