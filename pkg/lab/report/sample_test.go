// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

const (
	mib = int64(1) << 20
	gib = int64(1) << 30
)

// sampleRun makes figures of the shape and size of a real run: memory that grows by node, is evicted at the threshold
// in the first pool, and stays below it in the second.
func sampleRun(nodes int) Run {
	random := rand.New(rand.NewPCG(1, 2))
	run := Run{
		Title:    "Headroom demo",
		Started:  time.Date(2026, 3, 4, 9, 30, 0, 0, time.UTC),
		Duration: 3*time.Minute + 40*time.Second,
		Seed:     1,
		Facts: []Fact{
			{"Kubernetes", "v1.37.2"},
			{"Headroom", "v0.1.0"},
			{"Nodes per pool", strconv.Itoa(nodes)},
			{"Node memory", "8.00 GiB"},
			{"Eviction threshold", "memory.available below 100Mi (the kubelet's default)"},
			{"Age of a sample when it is read", "15 s at most"},
		},
		Workload: []Workload{
			{"checkout", "Deployment", 12, 256 * mib, gib, 820 * mib, "grows past its request over two minutes, as a cache does", ""},
			{"reports", "Deployment", 8, 512 * mib, 2 * gib, 1700 * mib, "bursts to three times its request for 20 s", ""},
			{"search", "StatefulSet", 4, gib, 0, gib + 200*mib, "steady", "nodeSelector disk=ssd"},
			{"ledger", "Deployment", 6, 300 * mib, 700 * mib, 650 * mib, "grows, then levels off", "required: zone in (a, b); preferred: zone a"},
			{"license-server", "Pod", 1, 0, 0, 180 * mib, "steady", "matchFields metadata.name of one node"},
		},
	}
	for p, name := range []string{"default", "headroom"} {
		pool := Pool{Name: name, Scheduler: []string{"default-scheduler", "headroom-scheduler"}[p]}
		for n := range nodes {
			series := NodeSeries{Name: fmt.Sprintf("%s-%d", name, n), CapacityBytes: 8 * gib, ThresholdBytes: 8*gib - 100*mib}
			final := float64(8*gib) * (0.62 + 0.08*random.Float64())
			if p == 0 {
				final = float64(8*gib) * (0.3 + 1.05*random.Float64())
			}
			freed := 0.0
			for at := time.Duration(0); at <= run.Duration; at += 500 * time.Millisecond {
				progress := at.Seconds() / run.Duration.Seconds()
				held := final/(1+math.Exp(-9*(progress-0.4))) + 2e8*math.Sin(float64(n)+14*progress) + 6e7*random.Float64() + 4e8 - freed
				if int64(held) > series.ThresholdBytes {
					kind := KindEviction
					if random.IntN(3) == 0 {
						kind = KindOOMKill
					}
					size := 5e8 + 1.2e9*random.Float64()
					freed += size
					pool.Events = append(pool.Events, Event{
						Offset: at, Kind: kind, Node: series.Name, Bytes: int64(size),
						Pod: fmt.Sprintf("%s-%08x-%05x", run.Workload[random.IntN(2)].Name, random.Uint32(), random.IntN(1<<20)),
						Reason: map[string]string{
							KindEviction: "The node was low on resource: memory. Threshold quantity: 100Mi, available: 61Mi",
							KindOOMKill:  "The container reached its memory limit",
						}[kind],
					})
				}
				series.Points = append(series.Points, Point{Offset: at, WorkingSetBytes: max(int64(held), 0)})
			}
			pool.Nodes = append(pool.Nodes, series)
		}
		evictions, kills := tally(pool.Events)
		pool.Summary = Summary{
			PodsPlaced: 61, PodsRunning: 61 - 2*(1-p), Evictions: evictions, OOMKills: kills,
			PendingSeconds: 52.4 - 11*float64(p), NodeUseP50: 0.71 - 0.03*float64(p), NodeUseP99: 0.9934 - 0.12*float64(p),
		}
		run.Pools = append(run.Pools, pool)
	}
	return run
}

// Set HEADROOM_REPORT_SAMPLE to a folder to look at the page.
func TestPageOfARunOfUsualSizeStaysSmall(t *testing.T) {
	dir := os.Getenv("HEADROOM_REPORT_SAMPLE")
	if dir == "" {
		dir = t.TempDir()
	}
	if err := WriteFiles(dir, sampleRun(8)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	if limit := int64(600_000); info.Size() > limit {
		t.Errorf("report.html has %d bytes, want at most %d", info.Size(), limit)
	}
}
