// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/headroom-dev/headroom/pkg/lab/report/document"
	"github.com/headroom-dev/headroom/pkg/lab/report/figure"
)

const (
	// maxNodes bounds the nodes drawn and embedded for one pool.
	maxNodes = 60
	// maxEvents bounds the events listed and embedded for one pool.
	maxEvents = 300
)

// page is what the template reads.
type page struct {
	Title, Headline string
	Outcome         []string
	Meta            []string
	PoolNames       []poolHeading
	Summary         []summaryRow
	Notes           []string
	TimeTicks       []document.Tick
	ChartRows       []chartRow
	HeatMaps        []heatMap
	HeatLevels      []document.HeatLevel
	Events          []eventRow
	NoEvents        string
	Workload        []Workload
	Facts           []Fact
	pools           []shownPool
}

// poolHeading heads the column of a pool.
type poolHeading struct {
	Pool                    int
	Name, Scheduler, Totals string
}

// eventRow is one line of the list of events.
type eventRow struct {
	Pool int
	// PoolName is the name of the pool in prose.
	PoolName string
	// KindName is the kind of the event in prose.
	KindName string
	Event
}

// shownPool is a pool with the nodes that the page has room for, downsampled, and with its events in time order.
type shownPool struct {
	Pool
	nodes  []NodeSeries
	events map[string][]Event
}

func (p shownPool) eventsOn(node string) []Event { return p.events[node] }

// newPage expects a valid run.
func newPage(run Run) page {
	a := newAxes(run)
	var pools []shownPool
	var notes []string
	for _, pool := range run.Pools {
		shown, note := selectNodes(pool)
		pools = append(pools, shown)
		notes = append(notes, note...)
	}
	p := page{
		Title:      cmp.Or(run.Title, "Headroom run"),
		Headline:   headline(run.Pools),
		Outcome:    outcome(run.Pools),
		Meta:       meta(run),
		Summary:    summaryRows(run.Pools),
		TimeTicks:  document.TimeTicks(a.end),
		ChartRows:  chartRows(pools, a),
		HeatMaps:   heatMaps(pools, a),
		HeatLevels: document.HeatLevels(),
		NoEvents:   noEvents(run.Pools),
		Workload:   run.Workload,
		Facts:      run.Facts,
		pools:      pools,
	}
	for i, pool := range pools {
		p.PoolNames = append(p.PoolNames, poolHeading{
			Pool: i, Name: displayName(pool.Pool), Scheduler: pool.Scheduler, Totals: failures(pool.Summary),
		})
		listed, note := listEvents(i, pool)
		p.Events = append(p.Events, listed...)
		notes = append(notes, note...)
	}
	slices.SortStableFunc(p.Events, func(a, b eventRow) int { return cmp.Compare(a.Offset, b.Offset) })
	p.Notes = notes
	return p
}

// selectNodes keeps the order of the nodes. Where there are too many, those with most events stay, then those that
// came nearest to their threshold.
func selectNodes(pool Pool) (shownPool, []string) {
	shown := shownPool{Pool: pool, events: map[string][]Event{}}
	shown.Events = slices.SortedStableFunc(slices.Values(pool.Events), func(a, b Event) int { return cmp.Compare(a.Offset, b.Offset) })
	for _, event := range shown.Events {
		shown.events[event.Node] = append(shown.events[event.Node], event)
	}
	order := make([]int, len(pool.Nodes))
	for i := range order {
		order[i] = i
	}
	var notes []string
	if len(order) > maxNodes {
		slices.SortStableFunc(order, func(a, b int) int {
			left, right := pool.Nodes[a], pool.Nodes[b]
			return cmp.Or(
				cmp.Compare(len(shown.events[right.Name]), len(shown.events[left.Name])),
				cmp.Compare(share(peak(right.Points), right), share(peak(left.Points), left)),
			)
		})
		order = order[:maxNodes]
		slices.Sort(order)
		notes = append(notes, fmt.Sprintf("%s: %d of %s nodes are drawn, those with most evictions and OOM kills, then those with the highest peaks.",
			displayName(pool), maxNodes, figure.Count(len(pool.Nodes))))
	}
	for _, i := range order {
		node := pool.Nodes[i]
		node.Points = downsample(inTimeOrder(node.Points), maxPoints)
		shown.nodes = append(shown.nodes, node)
	}
	return shown, notes
}

// listEvents returns the rows of one pool, and what a reader must know about them.
func listEvents(index int, pool shownPool) ([]eventRow, []string) {
	var rows []eventRow
	for _, event := range pool.Events[:min(len(pool.Events), maxEvents)] {
		rows = append(rows, eventRow{Pool: index, PoolName: displayName(pool.Pool), KindName: kindName(event.Kind), Event: event})
	}
	var notes []string
	if len(pool.Events) > maxEvents {
		notes = append(notes, fmt.Sprintf("%s: the first %d of %s events are listed; charts and captions count all of them.",
			displayName(pool.Pool), maxEvents, figure.Count(len(pool.Events))))
	}
	evictions, kills := tally(pool.Events)
	if evictions != pool.Summary.Evictions || kills != pool.Summary.OOMKills {
		notes = append(notes, fmt.Sprintf("%s: the summary counts %s; the events seen are %s.",
			displayName(pool.Pool), failures(pool.Summary), failures(Summary{Evictions: evictions, OOMKills: kills})))
	}
	return rows, notes
}

// meta says when, how long and on what the run was.
func meta(run Run) []string {
	var parts []string
	if !run.Started.IsZero() {
		parts = append(parts, run.Started.UTC().Format("2 January 2006, 15:04 UTC"))
	}
	parts = append(parts, "ran "+figure.Clock(run.Duration.Round(time.Second)), fmt.Sprintf("seed %d", run.Seed))
	if equalNodes(run.Pools) {
		nodes := run.Pools[0].Nodes
		count := figure.Quantity(len(nodes), "node", "nodes")
		if !slices.ContainsFunc(nodes, func(n NodeSeries) bool { return n.CapacityBytes != nodes[0].CapacityBytes }) {
			count += " of " + figure.Bytes(nodes[0].CapacityBytes)
		}
		parts = append(parts, count+" per pool")
	}
	return parts
}

// noEvents is said in place of an empty list.
func noEvents(pools []Pool) string {
	if slices.ContainsFunc(pools, func(pool Pool) bool { return failureCount(pool) > 0 }) {
		return "The run recorded no single events."
	}
	return "No pod was evicted or OOM-killed in this run."
}
