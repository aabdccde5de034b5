// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestIntervals(t *testing.T) {
	for _, test := range []struct {
		name   string
		values []float64
		want   Interval
	}{
		{"nothing", nil, Interval{Unknown: true}},
		{"one value tells no spread", []float64{3}, Interval{3, 3, 3, true}},
		{"all the same", []float64{2, 2, 2}, Interval{2, 2, 2, false}},
		{"two values: 12.7 times the standard error of 5", []float64{0, 10}, Interval{5, -58.53, 68.53, false}},
		{"three values: 4.30 times that of 1/sqrt(3)", []float64{1, 2, 3}, Interval{2, -0.484, 4.484, false}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, IntervalOf(test.values), cmpopts.EquateApprox(0, 0.01)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheIntervalHoldsTheMeanAsOftenAsItSays(t *testing.T) {
	for _, seeds := range []int{3, 10, 20} {
		t.Run(fmt.Sprint(seeds, " seeds"), func(t *testing.T) {
			random := rand.New(rand.NewPCG(5, 6))
			const trials = 1000
			held := 0
			for range trials {
				values := make([]float64, seeds)
				for i := range values {
					values[i] = 7 + random.NormFloat64()
				}
				if interval := IntervalOf(values); interval.Low <= 7 && 7 <= interval.High {
					held++
				}
			}
			if held < trials*93/100 || held > trials*97/100 {
				t.Errorf("%d of %d intervals hold the mean, want about 95 %%", held, trials)
			}
		})
	}
}

func TestARateIsNeverBelowNothing(t *testing.T) {
	groups := Groups([]Result{rated("a", 30, 1, 0), rated("a", 30, 2, 0), rated("a", 30, 3, 3)})
	if rate := groups[0].Rate(); rate.Low != 0 || rate.Mean != 1 {
		t.Errorf("%+v, want 1 from 0 on", rate)
	}
}

// rated is a result of a policy with so many evictions in 1,000 pod-hours.
func rated(policy string, nodes int, seed uint64, evictions int) Result {
	return Result{Trace: "t", Scenario: "base", Policy: policy, Nodes: nodes, Seed: seed, PodHours: 1000, Evictions: evictions, Pods: 10, PendingHours: float64(seed)}
}

func TestGroupsArePolicyByPolicyAndBySeed(t *testing.T) {
	groups := Groups([]Result{rated("a", 30, 2, 4), rated("b", 30, 1, 9), rated("a", 30, 1, 2), rated("a", 40, 1, 1)})
	type group struct {
		Policy string
		Nodes  int
		Seeds  []uint64
	}
	var got []group
	for _, g := range groups {
		one := group{Policy: g.Policy, Nodes: g.Nodes}
		for _, result := range g.Results {
			one.Seeds = append(one.Seeds, result.Seed)
		}
		got = append(got, one)
	}
	want := []group{{"a", 30, []uint64{1, 2}}, {"b", 30, []uint64{1}}, {"a", 40, []uint64{1}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if rate := groups[0].Rate(); rate.Mean != 3 {
		t.Errorf("a rate of %g, want the mean of 2 and 4", rate.Mean)
	}
	if waits := groups[0].PendingPerPod(); math.Abs(waits-3.0/20) > 1e-12 {
		t.Errorf("%g hours of waiting a pod, want the 3 of 20 pods", waits)
	}
	if waits := (&Group{}).PendingPerPod(); waits != 0 {
		t.Errorf("%g hours of waiting without pods, want 0", waits)
	}
}

// Seeds differ far more than policies do on one seed: that is what pairs are for.
func TestPoliciesAreComparedSeedBySeed(t *testing.T) {
	var results []Result
	for seed, evictions := range map[uint64]int{1: 10, 2: 200, 3: 3000} {
		results = append(results, rated("a", 30, seed, evictions), rated("b", 30, seed, evictions+5), rated("c", 30, seed+7, evictions))
	}
	byPolicy := map[string]*Group{}
	groups := Groups(results)
	for i := range groups {
		byPolicy[groups[i].Policy] = &groups[i]
	}
	if got, ok := byPolicy["b"].Against(byPolicy["a"]); !ok || got != (Interval{5, 5, 5, false}) {
		t.Errorf("b is %+v worse than a (%t), want 5 without doubt", got, ok)
	}
	if _, ok := byPolicy["c"].Against(byPolicy["a"]); ok {
		t.Error("c and a are compared, which share no seed")
	}
}

func TestTheRateCountsBothEnds(t *testing.T) {
	if got := (&Result{PodHours: 500, Evictions: 2, OOMKills: 1}).Rate(); got != 6 {
		t.Errorf("%g in 1,000 pod-hours, want 6", got)
	}
	if got := (&Result{Evictions: 2}).Rate(); got != 0 {
		t.Errorf("%g without pod-hours, want 0", got)
	}
}
