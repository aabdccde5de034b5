// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/lab/trace"
)

// owned is a series of a pod of a workload that requests some and is limited to some, in bytes.
func owned(id string, request int64, limit string, mebibytes ...int64) trace.Series {
	series := sampled(id, mebibytes...)
	series.RequestBytes = request
	series.Extra = map[string]string{trace.WorkloadColumn: id, trace.LimitColumn: limit}
	return series
}

// A node of 10,000 MiB has 9,700 for pods.
func TestWhatNoNodeCanRunIsLeftOut(t *testing.T) {
	provisioned := func(bytes int64) trace.Series {
		series := sampled("machine", 1, 1, 1, 1, 1, 1, 1, 1)
		series.RequestBytes = bytes
		return series
	}
	for _, test := range []struct {
		name   string
		series trace.Series
		want   leftOut
	}{
		{"a machine that just fits", provisioned(9700 * mebibyte), leftOut{}},
		{"a larger machine", provisioned(9701 * mebibyte), leftOut{tooLarge: 1}},
		{"a pod with a limit above the node", owned("pod", 100*mebibyte, "17179869184", 1, 1, 1, 1, 1, 1, 1, 1), leftOut{}},
		{"a pod that requests more", owned("pod", 9701*mebibyte, "17179869184", 1, 1, 1, 1, 1, 1, 1, 1), leftOut{tooLarge: 1}},
		{"one that comes later", between(sampled("late", 1, 1, 1, 1, 1, 1, 1, 1), 64_801, -1), leftOut{notProfiled: 1}},
		{"one that was never sampled", sampled("silent"), leftOut{unsampled: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			scenario := Base()
			scenario.Requests = RequestsGiven
			plan, err := planOf(t, scenario, test.series, sampled("other", 1, 1, 1, 1, 1, 1, 1, 1))
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, l := range plan.lives {
				ids = append(ids, l.id)
			}
			if diff := cmp.Diff(test.want, plan.leftOut); diff != "" || slices.Contains(ids, test.series.ID) != (len(test.want) == 0) {
				t.Errorf("%v are played; left out (-want +got):\n%s", ids, diff)
			}
		})
	}
}

func TestAMatrixSaysWhatIsLeftOut(t *testing.T) {
	large, err := ScenarioNamed("nodes-large")
	if err != nil {
		t.Fatal(err)
	}
	machine, late := sampled("machine", 1, 1, 1, 1, 1, 1, 1, 1), between(sampled("late", 1, 1, 1, 1, 1, 1, 1, 1), 64_801, -1)
	machine.RequestBytes = 20_000 * mebibyte
	endless := between(sampled("endless", 1), 0, -1)
	for _, test := range []struct {
		name      string
		scenarios []Scenario
		series    []trace.Series
		want      []string
	}{
		{"nothing", []Scenario{Base()}, []trace.Series{sampled("a", 1, 1, 1, 1, 1, 1, 1, 1)}, nil},
		{
			"of one scenario", []Scenario{Base()}, []trace.Series{sampled("a", 1, 1, 1, 1, 1, 1, 1, 1), machine, late},
			[]string{"2 of 3 series are left out: 1 not there for all of the first day, 1 too large for a node"},
		},
		{
			"of scenarios that differ", []Scenario{Base(), large}, []trace.Series{sampled("a", 1, 1, 1, 1, 1, 1, 1, 1), machine, late},
			[]string{
				"base: 2 of 3 series are left out: 1 not there for all of the first day, 1 too large for a node",
				"nodes-large: 1 of 3 series are left out: 1 not there for all of the first day",
			},
		},
		{"of a short trace", []Scenario{Base()}, []trace.Series{between(sampled("a", 1), 0, 3600), endless}, []string{"1 of 2 series are left out: 1 without an end"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := &Matrix{Trace: &trace.Trace{Name: "worked", Series: test.series}, Scenarios: test.scenarios, NodeBytes: 10_000 * mebibyte, Starts: 5}
			m.Trace.Summarize()
			got, err := m.LeftOut()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
