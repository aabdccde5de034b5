// SPDX-License-Identifier: Apache-2.0

package replay

// dayMost is the most that a node held in the day before a measurement, kept from one to the next: a day has many more marks than there
// are between two.
type dayMost struct {
	// falling are marks of that day, each of which holds more than all that come after it, in the order of time.
	falling []mark
	// until is the second of the last mark that was taken in, if any was.
	until float64
	any   bool
}

// at returns the largest of the marks of the day before a second, that second and the one a day before it included, 0 if there are none.
// The second must not be before the last one that was asked for.
func (d *dayMost) at(marks []mark, second float64) int64 {
	first := len(marks)
	for first > 0 && (!d.any || marks[first-1].second > d.until) {
		first--
	}
	for _, next := range marks[first:] {
		if next.second > second {
			break // Metrics lag: it is not known yet.
		}
		kept := len(d.falling)
		for kept > 0 && d.falling[kept-1].bytes <= next.bytes {
			kept--
		}
		d.falling = append(d.falling[:kept], next)
		d.until, d.any = next.second, true
	}
	for len(d.falling) > 0 && second-d.falling[0].second > daySeconds { // Marks are kept for longer.
		d.falling = d.falling[1:]
	}
	if len(d.falling) == 0 {
		return 0
	}
	return d.falling[0].bytes
}
