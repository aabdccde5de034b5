// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"time"

	"github.com/headroom-dev/headroom/pkg/lab/report/figure"
)

// markerSpacing is the least distance between two markers of a chart, in percent of its width. Events nearer than
// that share one marker, or they would hide each other.
const markerSpacing = 5

// marker stands for one or several events of one node.
type marker struct {
	// X is in percent from the left. Evictions and OOM kills of one marker stand side by side.
	X                   float64
	Eviction, OOMKill   bool
	Count               int
	Title               string
	EvictionX, OOMKillX int
	// CountX and CountAnchor place the number of events beside the signs, on the side that has room.
	CountX      int
	CountAnchor string
}

// markers groups events, which are in time order.
func markers(events []Event, node NodeSeries, a axes) []marker {
	var out []marker
	for _, event := range events {
		x := a.x(event.Offset)
		if len(out) == 0 || x-out[len(out)-1].X >= markerSpacing {
			out = append(out, marker{X: x})
		}
		m := &out[len(out)-1]
		m.Count++
		if event.Kind == KindEviction {
			m.Eviction = true
		} else {
			m.OOMKill = true
		}
		if m.Count <= 8 {
			if m.Title != "" {
				m.Title += "\n"
			}
			m.Title += eventTitle(event, node)
		}
	}
	for i := range out {
		m := &out[i]
		if m.Count > 8 {
			m.Title += fmt.Sprintf("\nand %s more", figure.Count(m.Count-8))
		}
		if m.Eviction && m.OOMKill {
			m.EvictionX, m.OOMKillX = -6, 6
		}
		m.CountX, m.CountAnchor = m.OOMKillX+8, "start"
		if m.X > 94 {
			m.CountX, m.CountAnchor = m.EvictionX-8, "end"
		}
	}
	return out
}

func eventTitle(event Event, node NodeSeries) string {
	title := fmt.Sprintf("%s %s: %s", figure.Clock(event.Offset), kindName(event.Kind), event.Pod)
	if event.Bytes > 0 {
		title += ", " + figure.Bytes(event.Bytes)
	}
	if bytes, known := workingSetAt(node.Points, event.Offset); known {
		title += "; node at " + describe(bytes, node)
	}
	return title
}

// workingSetAt is the last sample at or before an offset.
func workingSetAt(points []Point, offset time.Duration) (bytes int64, known bool) {
	for _, point := range points {
		if point.Offset > offset {
			break
		}
		bytes, known = point.WorkingSetBytes, true
	}
	return bytes, known
}

func kindName(kind string) string {
	if kind == KindEviction {
		return "eviction"
	}
	return "OOM kill"
}

// countEvents says how many evictions and OOM kills there were.
func countEvents(events []Event) string {
	evictions, kills := tally(events)
	return failures(Summary{Evictions: evictions, OOMKills: kills})
}

// eventCounts is countEvents for a caption: without what there was none of.
func eventCounts(events []Event) string {
	evictions, kills := tally(events)
	switch {
	case evictions == 0 && kills == 0:
		return ""
	case kills == 0:
		return figure.Quantity(evictions, "eviction", "evictions")
	case evictions == 0:
		return figure.Quantity(kills, "OOM kill", "OOM kills")
	}
	return countEvents(events)
}

func tally(events []Event) (evictions, kills int) {
	for _, event := range events {
		if event.Kind == KindEviction {
			evictions++
		} else {
			kills++
		}
	}
	return evictions, kills
}
