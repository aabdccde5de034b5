// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Interval is a mean with its 95 % interval.
type Interval struct {
	Mean, Low, High float64
	// Unknown: there is one value or none, which tells no spread. Low and High are the mean then.
	Unknown bool
}

// IntervalOf returns the mean of the values, one of each seed, and its 95 % interval by Student's t. With a few seeds it is wide:
// with three, 4.3 standard errors to each side.
func IntervalOf(values []float64) Interval {
	mean := meanOf(values)
	if len(values) < 2 {
		return Interval{mean, mean, mean, true}
	}
	degrees := float64(len(values) - 1)
	half := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: degrees}.Quantile(0.975) * stat.StdErr(stat.StdDev(values, nil), degrees+1)
	return Interval{Mean: mean, Low: mean - half, High: mean + half}
}

// text is the interval as it is printed.
func (i Interval) text() string {
	if i.Unknown {
		return "-"
	}
	return fmt.Sprintf("%.2f-%.2f", i.Low, i.High)
}

func meanOf(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	var sum float64
	for _, value := range values {
		sum += value
	}
	return sum / float64(len(values))
}

// Group is the runs of one policy in one setting, by seed.
type Group struct {
	Trace, Scenario, Policy string
	Nodes                   int
	Results                 []Result
}

// Groups puts results together, in the order of the first of each, and by seed within.
func Groups(results []Result) []Group {
	var groups []Group
	at := map[[3]string]map[int]int{}
	for _, result := range results {
		key := [3]string{result.Trace, result.Scenario, result.Policy}
		if at[key] == nil {
			at[key] = map[int]int{}
		}
		i, known := at[key][result.Nodes]
		if !known {
			i = len(groups)
			at[key][result.Nodes] = i
			groups = append(groups, Group{Trace: result.Trace, Scenario: result.Scenario, Policy: result.Policy, Nodes: result.Nodes})
		}
		groups[i].Results = append(groups[i].Results, result)
	}
	for i := range groups {
		slices.SortFunc(groups[i].Results, func(a, b Result) int { return int(a.Seed) - int(b.Seed) })
	}
	return groups
}

// Rate is the mean rate of the group's runs.
func (g *Group) Rate() Interval {
	rates := make([]float64, len(g.Results))
	for i := range g.Results {
		rates[i] = g.Results[i].Rate()
	}
	interval := IntervalOf(rates)
	interval.Low = max(interval.Low, 0) // nothing ends less often than never
	return interval
}

// PendingPerPod is the mean time that a pod waited, in hours.
func (g *Group) PendingPerPod() float64 {
	var hours, pods float64
	for _, result := range g.Results {
		hours += result.PendingHours
		pods += float64(result.Pods)
	}
	if pods == 0 {
		return 0
	}
	return hours / pods
}

// Against is the mean difference of the rates to those of another group of equal nodes, seed by seed; ok is false where they
// share no seeds.
func (g *Group) Against(other *Group) (difference Interval, ok bool) {
	var differences []float64
	for i := range g.Results {
		for j := range other.Results {
			if g.Results[i].Seed == other.Results[j].Seed {
				differences = append(differences, g.Results[i].Rate()-other.Results[j].Rate())
			}
		}
	}
	return IntervalOf(differences), len(differences) > 0
}
