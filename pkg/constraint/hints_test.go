// SPDX-License-Identifier: Apache-2.0

package constraint

import (
	"testing"

	"pgregory.net/rapid"
)

// Whoever asks for words that are near need not wait for how far apart the others are.
func TestADistanceThatIsTooLargeIsNotComputedToTheEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[abc]{0,8}`)
		a, b, most := word.Draw(t, "a"), word.Draw(t, "b"), rapid.IntRange(0, 4).Draw(t, "most")
		var d editDistance
		whole := d.between(a, b, len(a)+len(b))
		if got := d.between(a, b, most); got != whole && (got <= most || whole <= most) {
			t.Errorf("%q and %q are %d apart, up to %d: got %d", a, b, whole, most, got)
		}
	})
}

func TestDistances(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"zone", "zone", 0}, {"zone", "zoen", 1}, {"zone", "zones", 1}, {"disktype", "diskype", 1}, {"ssd", "hdd", 2}, {"", "abc", 3}} {
		var d editDistance
		if got := d.between(test.a, test.b, 10); got != test.want {
			t.Errorf("%q and %q are %d apart, want %d", test.a, test.b, got, test.want)
		}
	}
}
