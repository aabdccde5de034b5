// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// allMarks is what windows are by definition, of every mark that there is.
func allMarks(latest int64, marks []mark, taken float64) usage {
	u := usage{latest: latest, hour: latest, day: latest}
	five, quarter := span{from: taken - fiveMinutes}, span{from: taken - quarterHour}
	later := point{taken, float64(latest)}
	for _, mark := range slices.Backward(marks) {
		age := taken - mark.second
		if age < 0 {
			continue
		}
		earlier := point{mark.second, float64(mark.bytes)}
		five.add(earlier, later)
		quarter.add(earlier, later)
		later = earlier
		if age <= hour {
			u.hour = max(u.hour, mark.bytes)
		}
		if age <= daySeconds {
			u.day = max(u.day, mark.bytes)
		}
	}
	u.fiveMinutes, _ = five.mean(latest)
	u.quarter, u.deviation = quarter.mean(latest)
	return u
}

func TestWindowsAreThoseOfAllMarks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		step := float64(rapid.SampledFrom([]int{300, 900, 1800, 3600, 7200}).Draw(t, "step"))
		lag := float64(rapid.IntRange(0, 20).Draw(t, "lag") * 15)
		n := &node{}
		for i, bytes := range rapid.SliceOfN(rapid.Int64Range(0, 9), 1, 150).Draw(t, "bytes") {
			second := float64(i) * step
			n.marks = append(n.marks, mark{second, bytes})
			if rapid.IntRange(0, 3).Draw(t, "measured") == 0 || second < lag {
				continue
			}
			taken, latest := second-lag, rapid.Int64Range(0, 9).Draw(t, "latest")
			got := usage{latest: latest}
			got.windows(n, taken)
			if diff := cmp.Diff(allMarks(latest, n.marks, taken), got, cmp.AllowUnexported(usage{})); diff != "" {
				t.Fatalf("at %g (-want +got):\n%s", taken, diff)
			}
		}
	})
}

// A measurement costs as much on the seventh day as in the second hour: no more marks are looked at than an hour has.
func TestWindowsEndAfterAnHour(t *testing.T) {
	const step = 10.0
	n := &node{}
	for second := 0.0; second < daySeconds; second += step {
		n.marks = append(n.marks, mark{second, int64(daySeconds - second)})
	}
	last := n.marks[len(n.marks)-1].second
	(&usage{}).windows(n, last)
	n.marks[0].bytes, n.marks[len(n.marks)-1-2*int(hour/step)].bytes = 0, 1<<60 // Who looks there again sees another figure.
	u := &usage{}
	if u.windows(n, last); u.day != daySeconds || u.hour > 2*daySeconds {
		t.Errorf("the most of a day is %d, and of an hour %d: marks of long ago were looked at again", u.day, u.hour)
	}
}
