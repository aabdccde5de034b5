// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// jumping is a life that holds one amount, but another from one second until another, in MiB.
func jumping(id string, usual, meanwhile int64, from, to float64) *life {
	made := steady(id, 1, usual)
	made.times = []float64{0, from, from + 1, to, to + 1}
	made.bytes = []int64{usual * mebibyte, usual * mebibyte, meanwhile * mebibyte, meanwhile * mebibyte, usual * mebibyte}
	return made
}

// Two nodes of 10,000 MiB have 19,400 for pods, since the kubelet keeps 300 on each.
func TestTheBoundTakesOutTheLargestUntilTheRestFits(t *testing.T) {
	a, b := steady("a", 1, 8000), steady("b", 1, 7000)
	late := steady("late", 1, 9000)
	late.start = 300
	const step = 60.0 / 3600 // hours
	for _, test := range []struct {
		name  string
		lives []*life
		want  Result
	}{
		{"all fit", []*life{a, b, steady("c", 1, 4400)}, Result{PodHours: 30 * step, NodeUseP50: 0.97, NodeUseP99: 0.97}},
		{
			// From second 120 on 21,000 are wanted: a has to go, and stays out. 13,000 are held then.
			"one grows", []*life{a, b, jumping("c", 4000, 6000, 90, 900)},
			Result{Evictions: 1, PodHours: 22 * step, PendingHours: 8 * step, NodeUseP50: 0.65, NodeUseP99: 0.95},
		},
		{
			// Out in the steps 120, 180 and 240, and back; the others are as before.
			"one grows for a while", []*life{a, b, jumping("c", 4000, 6000, 90, 270)},
			Result{Evictions: 1, PodHours: 27 * step, PendingHours: 3 * step, NodeUseP50: 0.95, NodeUseP99: 0.95},
		},
		{
			"twice counts twice", []*life{a, jumping("b", 7000, 9000, 90, 150), jumping("c", 4000, 6000, 330, 390)},
			// b goes in step 120, for then it is the largest, and a in step 360.
			Result{Evictions: 2, PodHours: 28 * step, PendingHours: 2 * step, NodeUseP50: 0.95, NodeUseP99: 0.95},
		},
		{
			// The largest of all comes at 300, and is the one that has no room.
			"one comes later", []*life{a, b, late},
			Result{Evictions: 1, PodHours: 20 * step, PendingHours: 5 * step, NodeUseP50: 0.75, NodeUseP99: 0.75},
		},
		{
			"one has ended by then", []*life{until(steady("a", 1, 8000), 300), b, late},
			Result{PodHours: 20 * step, NodeUseP50: 0.8, NodeUseP99: 0.8},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			wanted := Run{Trace: "worked", Scenario: Base(), Policy: Policy{Name: "bound", bound: true}, Nodes: 2, NodeBytes: 10_000 * mebibyte, Seed: 3}
			got, err := Play(t.Context(), wanted, &Plan{lives: test.lives, to: 600, step: 60})
			if err != nil {
				t.Fatal(err)
			}
			want := test.want
			want.Trace, want.Scenario, want.Policy, want.Nodes, want.Seed, want.Pods = "worked", "base", "bound", 2, 3, len(test.lives)
			if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheBoundEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := bound(ctx, Run{Scenario: Base(), Nodes: 1, NodeBytes: 1 << 30}, &Plan{to: 600, step: 60}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that it was canceled", err)
	}
}
