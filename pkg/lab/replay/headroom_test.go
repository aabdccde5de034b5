// SPDX-License-Identifier: Apache-2.0

package replay

import "testing"

// A pod that has ended is told of as its kubelet does: what was measured of it is given back in the next book, and not only when a sample
// was taken without it.
func TestWhatAPodHeldIsGivenBackWhenItEnds(t *testing.T) {
	const ends, seconds = 605, 900
	r := prepared(t, "headroom", 1, &Plan{lives: []*life{until(steady("a", 4000, 4000), ends), steady("b", 1000, 1000)}, to: seconds, step: 60})
	left := map[float64]int64{}
	for _, second := range []float64{ends - 1, ends + 1} {
		r.at(second, func() {
			r.headroom.refresh(r)
			left[second] = r.headroom.book.Snapshot().Nodes[0].Left
		})
	}
	if err := r.play(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := (left[ends+1] - left[ends-1]) / mebibyte; got < 4000 {
		t.Errorf("%d MiB are given back, want 4000 at least: %d bytes were left before the pod ended and %d after it", got, left[ends-1], left[ends+1])
	}
}
