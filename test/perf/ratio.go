// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Ratio compares an arm with the stock arm: the geometric mean over runs of the same number, which were measured side by
// side, with a 95 % confidence interval by Student's t on their logarithms.
type Ratio struct {
	Mean      float64
	Low, High float64 // NaN with one run: one says nothing about the spread
	Runs      int
}

// Group is a workload at a size.
type Group struct {
	Workload string
	Nodes    int
}

// Groups returns the workloads of the results, by name and size.
func Groups(results []Result) []Group {
	var groups []Group
	for _, result := range results {
		if group := (Group{result.Workload, result.Nodes}); !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
	}
	slices.SortFunc(groups, func(a, b Group) int {
		if a.Workload != b.Workload {
			return strings.Compare(a.Workload, b.Workload)
		}
		return a.Nodes - b.Nodes
	})
	return groups
}

// Revisions returns the revisions of the repository that the results are of.
func Revisions(results []Result) []string {
	var revisions []string
	for i := range results {
		revision := cmp.Or(results[i].Revision, "an unknown revision")
		if !slices.Contains(revisions, revision) {
			revisions = append(revisions, revision)
		}
	}
	return revisions
}

// Compare returns the ratio of a figure of the arm to that of the stock arm. ok is false where no run has both.
func Compare(results []Result, group Group, arm Arm, figure func(*Result) float64) (ratio Ratio, ok bool) {
	return compare(results, subject{group, arm}, subject{group, Stock}, figure)
}

// CompareSizes returns the ratio of a figure of an arm at a size to that of the same arm at another one.
func CompareSizes(results []Result, workload string, nodes, baseNodes int, arm Arm, figure func(*Result) float64) (ratio Ratio, ok bool) {
	return compare(results, subject{Group{workload, nodes}, arm}, subject{Group{workload, baseNodes}, arm}, figure)
}

// subject is what a result is of.
type subject struct {
	group Group
	arm   Arm
}

func (s subject) of(result *Result) bool {
	return result.Arm == s.arm && result.Workload == s.group.Workload && result.Nodes == s.group.Nodes
}

func compare(results []Result, what, with subject, figure func(*Result) float64) (ratio Ratio, ok bool) {
	base := map[int]float64{} // by run
	for i := range results {
		if with.of(&results[i]) {
			base[results[i].Run] = figure(&results[i])
		}
	}
	var logarithms []float64
	for i := range results {
		if !what.of(&results[i]) {
			continue
		}
		if of := base[results[i].Run]; of > 0 && figure(&results[i]) > 0 {
			logarithms = append(logarithms, math.Log(figure(&results[i])/of))
		}
	}
	if len(logarithms) == 0 {
		return Ratio{}, false
	}
	mean, deviation := meanAndDeviation(logarithms)
	half := math.NaN()
	if n := len(logarithms); n > 1 {
		half = student95(n-1) * deviation / math.Sqrt(float64(n))
	}
	return Ratio{Mean: math.Exp(mean), Low: math.Exp(mean - half), High: math.Exp(mean + half), Runs: len(logarithms)}, true
}

func meanAndDeviation(values []float64) (mean, deviation float64) {
	for _, value := range values {
		mean += value / float64(len(values))
	}
	if len(values) < 2 {
		return mean, math.NaN()
	}
	for _, value := range values {
		deviation += (value - mean) * (value - mean)
	}
	return mean, math.Sqrt(deviation / float64(len(values)-1))
}

// student95 is the two-sided 95 % quantile of Student's t distribution, from any table of it; past 30 degrees of freedom
// the normal distribution's serves.
func student95(degrees int) float64 {
	table := []float64{
		12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
		2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
	}
	if degrees <= len(table) {
		return table[degrees-1]
	}
	return 1.96
}
