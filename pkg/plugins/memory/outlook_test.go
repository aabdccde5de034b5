// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
)

// expectation draws a node of some size for pods, and what its pods are expected to hold.
func expectation(t *rapid.T) *ledger.Node {
	node := &ledger.Node{}
	node.Thresholds.Pods = rapid.Int64Range(1<<20, 1<<42).Draw(t, "size")
	for hour := range node.Expected {
		node.Expected[hour] = rapid.Int64Range(0, 2*node.Thresholds.Pods).Draw(t, "expected")
	}
	return node
}

func TestAPodThatHoldsTheSameAllDayIsAddedToAllHoursAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		node, outlook := expectation(t), &outlook{}
		outlook.fill(node)
		share := rapid.Float64Range(0, 2).Draw(t, "share")
		var pod [forecast.Hours]float64
		for hour := range pod {
			pod[hour] = share
		}
		wantCubes, wantMost := outlook.fullness(&pod, 1), outlook.fullest(&pod, 1)
		var sums sums
		sums.store(outlook)
		cubes, most := sums.fullness(share), sums.fullest(share)
		if math.Abs(cubes-wantCubes) > 1e-6*(1+wantCubes) || math.Abs(most-wantMost) > 1e-6 {
			t.Fatalf("at once: %v and %v at most, hour by hour: %v and %v", cubes, most, wantCubes, wantMost)
		}
	})
}

func TestAPodThatLeavesTakesAllOfItsExpectationWithIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		node, before := expectation(t), &outlook{}
		before.fill(node)
		course := forecast.Flat(rapid.Int64Range(0, 1<<40).Draw(t, "pod"))
		with := before.with(node, course, +1)
		for hour := range before.hours {
			if with.hours[hour] < before.hours[hour] {
				t.Fatalf("a pod more makes the node emptier: %v after %v", with, before)
			}
		}
		if diff := cmp.Diff(before, with.with(node, course, -1), cmp.AllowUnexported(outlook{}), cmpopts.EquateApprox(0, 0)); diff != "" {
			t.Fatalf("outlook after the pod came and went (-before +after):\n%s", diff)
		}
	})
}

// What left may have held more than it was expected to.
func TestNoHourIsExpectedToHoldLessThanNothing(t *testing.T) {
	node := &ledger.Node{}
	node.Thresholds.Pods, node.Expected[7] = 1000, 100
	outlook := (&outlook{}).with(node, forecast.Flat(300), -1)
	if outlook.hours != [forecast.Hours]float64{} {
		t.Errorf("hours = %v, want 0 in each", outlook.hours)
	}
	want := [forecast.Hours]float64{7: 0.1}
	if got := outlook.with(node, forecast.Flat(300), +1).hours; got != want {
		t.Errorf("hours with the pod again = %v, want %v", got, want)
	}
}
