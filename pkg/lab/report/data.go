// SPDX-License-Identifier: Apache-2.0

package report

import (
	"time"

	"github.com/headroom-dev/headroom/pkg/lab/report/document"
)

// pageData is the run as JSON inside the page, for whoever wants to compute with it. Times are in seconds since the
// start, memory is in bytes.
type pageData struct {
	Title     string         `json:"title"`
	StartedAt string         `json:"startedAt,omitempty"`
	Seconds   float64        `json:"durationSeconds"`
	Seed      int64          `json:"seed"`
	Facts     []factData     `json:"facts"`
	Workload  []workloadData `json:"workload"`
	Pools     []poolData     `json:"pools"`
}

type factData struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type workloadData struct {
	Name         string `json:"name"`
	Kind         string `json:"kind"`
	Replicas     int    `json:"replicas"`
	RequestBytes int64  `json:"requestBytes"`
	LimitBytes   int64  `json:"limitBytes"`
	PeakBytes    int64  `json:"peakBytes"`
	Behaviour    string `json:"behaviour"`
	Constraint   string `json:"constraint"`
}

type poolData struct {
	Name      string      `json:"name"`
	Scheduler string      `json:"scheduler"`
	Summary   Summary     `json:"summary"`
	Nodes     []nodeData  `json:"nodes"`
	Events    []eventData `json:"events"`
}

type nodeData struct {
	Name           string `json:"name"`
	ThresholdBytes int64  `json:"thresholdBytes"`
	CapacityBytes  int64  `json:"capacityBytes"`
	// Points are pairs of seconds and bytes of working set.
	Points [][2]float64 `json:"points"`
}

type eventData struct {
	Seconds float64 `json:"seconds"`
	Kind    string  `json:"kind"`
	Node    string  `json:"node"`
	Pod     string  `json:"pod"`
	Bytes   int64   `json:"bytes"`
	Reason  string  `json:"reason"`
}

func newPageData(run Run, pools []shownPool) pageData {
	data := pageData{
		Title:    run.Title,
		Seconds:  seconds(run.Duration),
		Seed:     run.Seed,
		Facts:    []factData{},
		Workload: []workloadData{},
	}
	if !run.Started.IsZero() {
		data.StartedAt = run.Started.UTC().Format(time.RFC3339)
	}
	for _, fact := range run.Facts {
		data.Facts = append(data.Facts, factData(fact))
	}
	for _, w := range run.Workload {
		data.Workload = append(data.Workload, workloadData(w))
	}
	for _, pool := range pools {
		p := poolData{Name: pool.Name, Scheduler: pool.Scheduler, Summary: pool.Summary, Events: []eventData{}}
		for _, node := range pool.nodes {
			n := nodeData{Name: node.Name, ThresholdBytes: node.ThresholdBytes, CapacityBytes: node.CapacityBytes, Points: [][2]float64{}}
			for _, point := range node.Points {
				n.Points = append(n.Points, [2]float64{seconds(point.Offset), float64(point.WorkingSetBytes)})
			}
			p.Nodes = append(p.Nodes, n)
		}
		for _, event := range pool.Events[:min(len(pool.Events), maxEvents)] {
			p.Events = append(p.Events, eventData{
				Seconds: seconds(event.Offset), Kind: event.Kind, Node: event.Node, Pod: event.Pod, Bytes: event.Bytes, Reason: event.Reason,
			})
		}
		data.Pools = append(data.Pools, p)
	}
	return data
}

// seconds keeps milliseconds: finer ones would only fill the page.
func seconds(d time.Duration) float64 { return document.Round(d.Seconds(), 3) }
