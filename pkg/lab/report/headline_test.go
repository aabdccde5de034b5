// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func pool(name string, summary Summary) Pool {
	return Pool{Name: name, Summary: summary, Nodes: []NodeSeries{{Name: name + "-0", CapacityBytes: gib, ThresholdBytes: gib - 100*mib}}}
}

func TestHeadlineSaysWhatTheFiguresShow(t *testing.T) {
	bigger := pool("headroom", Summary{Evictions: 1})
	bigger.Nodes[0].CapacityBytes = 2 * gib
	for _, tc := range []struct {
		name  string
		pools []Pool
		want  string
	}{
		{"better", []Pool{pool("default", Summary{Evictions: 9, OOMKills: 4}), pool("headroom", Summary{Evictions: 1})},
			"Same workload, equal nodes: default had 9 evictions and 4 OOM kills, Headroom 1 and 0."},
		{"better down to nothing", []Pool{pool("default", Summary{Evictions: 9}), pool("headroom", Summary{})},
			"Same workload, equal nodes: default had 9 evictions and no OOM kills, Headroom none."},
		{"worse", []Pool{pool("default", Summary{}), pool("headroom", Summary{Evictions: 1200, OOMKills: 1})},
			"Same workload, equal nodes: default had no evictions and no OOM kills, Headroom 1,200 and 1."},
		{"one of each", []Pool{pool("default", Summary{Evictions: 1, OOMKills: 1}), pool("headroom", Summary{OOMKills: 2})},
			"Same workload, equal nodes: default had 1 eviction and 1 OOM kill, Headroom 0 and 2."},
		{"equal", []Pool{pool("default", Summary{Evictions: 3, OOMKills: 1}), pool("headroom", Summary{Evictions: 3, OOMKills: 1})},
			"Same workload, equal nodes: default and Headroom both had 3 evictions and 1 OOM kill."},
		{"equal and none", []Pool{pool("default", Summary{}), pool("headroom", Summary{})},
			"Same workload, equal nodes: no evictions and no OOM kills in either pool."},
		{"nodes that differ are not called equal", []Pool{pool("default", Summary{Evictions: 9}), bigger},
			"Same workload: default had 9 evictions and no OOM kills, Headroom 1 and 0."},
		{"one pool", []Pool{pool("headroom", Summary{OOMKills: 2})}, "Headroom had no evictions and 2 OOM kills."},
		{"three pools", []Pool{pool("default", Summary{Evictions: 9}), pool("trimaran", Summary{Evictions: 5}), pool("headroom", Summary{})},
			"Same workload, equal nodes: default had 9 evictions and no OOM kills, trimaran 5 and 0, Headroom none."},
		{"three equal pools", []Pool{pool("default", Summary{Evictions: 2}), pool("trimaran", Summary{Evictions: 2}), pool("headroom", Summary{Evictions: 2})},
			"Same workload, equal nodes: default, trimaran and Headroom each had 2 evictions and no OOM kills."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, plainSpaces(headline(tc.pools))); diff != "" {
				t.Errorf("headline (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOutcomeNamesWhatFewerFailuresCost(t *testing.T) {
	for _, tc := range []struct {
		name               string
		standard, headroom Summary
		want               []string
	}{
		{"better in all", Summary{Evictions: 9, PodsRunning: 59, PendingSeconds: 52}, Summary{PodsRunning: 61, PendingSeconds: 41},
			[]string{"Pods running at the end: default 59, Headroom 61.", "Time pods waited for a node, in sum: default 52 s, Headroom 41 s."}},
		{"paid for", Summary{Evictions: 9, PodsRunning: 61, PendingSeconds: 52}, Summary{PodsRunning: 40, PendingSeconds: 1000},
			[]string{"Pods running at the end: default 61, Headroom 40.", "Time pods waited for a node, in sum: default 52 s, Headroom 16 min 40 s.",
				"Headroom had the fewest evictions and OOM kills, but with fewer pods running and longer waiting."}},
		{"the other way round", Summary{Evictions: 1, PodsRunning: 40}, Summary{Evictions: 2, PodsRunning: 61},
			[]string{"Pods running at the end: default 40, Headroom 61.", "Time pods waited for a node, in sum: 0 s in both.",
				"default had the fewest evictions and OOM kills, but with fewer pods running."}},
		{"a difference that no printed figure shows", Summary{Evictions: 9, PodsRunning: 61, PendingSeconds: 52.1}, Summary{PodsRunning: 61, PendingSeconds: 52.2},
			[]string{"Pods running at the end: 61 in both.", "Time pods waited for a node, in sum: 52 s in both."}},
		{"equal failures cost nothing", Summary{Evictions: 9, PodsRunning: 61}, Summary{Evictions: 9, PodsRunning: 40},
			[]string{"Pods running at the end: default 61, Headroom 40.", "Time pods waited for a node, in sum: 0 s in both."}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := outcome([]Pool{pool("default", tc.standard), pool("headroom", tc.headroom)})
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

func plainSpaces(text string) string { return strings.ReplaceAll(text, "\u00a0", " ") }
