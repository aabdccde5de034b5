// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Samples may be five minutes apart, and Prometheus scrapes every few seconds what runs between them.
func TestMeansAreOfTheLineBetweenSamples(t *testing.T) {
	type want struct{ FiveMinutes, Quarter, Deviation float64 }
	for _, test := range []struct {
		name   string
		marks  []mark
		taken  float64
		latest int64
		want   want
	}{
		{"nothing was seen before", nil, 0, 500, want{500, 500, 0}},
		{"it never changed", []mark{{0, 500}, {300, 500}, {600, 500}}, 615, 500, want{500, 500, 0}},
		// Of the five minutes before 315 s, 285 rise from 2120 to 4400 and 15 stay there.
		{"it rose, and stays a moment", []mark{{0, 2000}, {300, 4400}}, 315, 4400, want{(285*3260 + 15*4400) / 300.0, (300*3200 + 15*4400) / 315.0, 722.8063223242}},
		{"it rises", []mark{{0, 0}, {300, 3000}, {600, 6000}, {900, 9000}}, 900, 9000, want{7500, 4500, 9000 / math.Sqrt(12)}},
		{"measured at a step, which counts once", []mark{{0, 0}, {300, 3000}}, 300, 3000, want{1500, 1500, 3000 / math.Sqrt(12)}},
		{"what comes later is not known", []mark{{0, 1000}, {300, 1000}, {600, 9000}}, 300, 1000, want{1000, 1000, 0}},
		{"what was long ago is over", []mark{{0, 9000}, {300, 9000}, {301, 1000}, {1500, 1000}}, 1500, 1000, want{1000, 1000, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := &usage{latest: test.latest}
			u.windows(&node{marks: test.marks}, test.taken)
			got := want{u.fiveMinutes, u.quarter, u.deviation}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateApprox(1e-9, 1e-9)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A scrape that is missing leaves the one before, at its own time, until that is too old for anybody.
func TestANodeThatMissesAScrapeIsKnownByTheOneBefore(t *testing.T) {
	scenario := Base()
	scenario.MissingPercent = 50
	rising := &pod{life: &life{times: []float64{0, 10_000}, bytes: []int64{0, 10_000}}}
	r := &run{scenario: scenario, plan: &Plan{}, cluster: newCluster(1, 1_000_000, 0)}
	rising.node, rising.object = r.cluster.nodes[0], newPod(rising.life, 0, 0)
	r.cluster.pods = []*pod{rising}
	missed := 0
	for second := 600.0; second < 3600; second += 15 {
		m := r.measure(second)
		newest := second - scenario.Lag.Seconds()
		n := &m.nodes[0]
		if r.missing(0, newest) {
			missed++
		}
		if r.missing(0, n.taken) || n.taken > newest || !n.known || math.Abs(float64(n.latest)-n.taken) > 1 {
			t.Fatalf("at %g the node is known %t, by %d bytes of second %g; want a scrape that was made, and what was held then", second, n.known, n.latest, n.taken)
		}
		for later := n.taken + scrapeSeconds; later <= newest; later += scrapeSeconds {
			if !r.missing(0, later) {
				t.Fatalf("at %g the node is known by second %g, and was measured at %g", second, n.taken, later)
			}
		}
		for _, measured := range r.samples(m).Nodes {
			if !measured.Time.Equal(timeAt(n.taken)) {
				t.Fatalf("the sample is of %s, want %s", measured.Time, timeAt(n.taken))
			}
		}
	}
	if missed < 50 || missed > 150 {
		t.Errorf("%d of 200 scrapes are missing, want about half", missed)
	}
	r.scenario.MissingPercent = 100
	if m := r.measure(4000); m.nodes[0].known || len(r.samples(m).Nodes) > 0 {
		t.Error("a node that was never measured is known")
	}
}
