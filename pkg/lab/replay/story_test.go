// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// toldOf is the story of lives on one node of 10,000 MiB, of which the kubelet keeps 300.
func toldOf(t *testing.T, step float64, lives ...*life) Story {
	t.Helper()
	policy, err := PolicyNamed("least-allocated")
	if err != nil {
		t.Fatal(err)
	}
	story, err := Tell(t.Context(), Run{Scenario: Base(), Policy: policy, Nodes: 1, NodeBytes: 10_000 * mebibyte}, &Plan{lives: lives, to: 1200, step: step})
	if err != nil {
		t.Fatal(err)
	}
	return story
}

func TestSharesOfANodeShowAnOverload(t *testing.T) {
	for _, test := range []struct {
		name  string
		lives []*life
		want  float64 // MiB of the 9,700 that the kubelet leaves to pods
	}{
		{"just full", []*life{steady("large", 9300, 9000), rising("a", 100, 100, 700, 540, 600)}, 9700},
		{"evicted", []*life{steady("large", 9300, 9000), until(rising("a", 100, 100, 800, 540, 600), 610)}, 9800},
		{"killed, at all that the node has", []*life{steady("large", 9300, 9000), until(rising("a", 100, 100, 9000, 540, 600), 610)}, 10_000},
	} {
		t.Run(test.name, func(t *testing.T) {
			most := slices.Max(toldOf(t, 60, test.lives...).Nodes[0].Shares) * 9700
			if math.Abs(most-test.want) > 1 {
				t.Errorf("at most %.0f MiB, want %.0f", most, test.want)
			}
		})
	}
}

func TestAStoryTellsWhatWasHeldByThePodsThatWereEnded(t *testing.T) {
	for _, test := range []struct {
		name  string
		lives []*life
		want  []string
	}{
		{
			"evicted", []*life{steady("large", 9300, 9216), until(rising("a", 256, 256, 512, 540, 600), 610)},
			[]string{"day 0 00:10: a evicted, which held 0.5 GiB and requests 0.2 GiB"},
		},
		{
			"killed at once", []*life{steady("large", 9300, 9216), until(rising("a", 256, 256, 8192, 540, 600), 610)},
			[]string{"day 0 00:10: a OOM-killed, which held 8.0 GiB and requests 0.2 GiB"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, toldOf(t, 60, test.lives...).Nodes[0].Ends); diff != "" {
				t.Errorf("ends (-want +got):\n%s", diff)
			}
		})
	}
}
