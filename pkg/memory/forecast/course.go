// SPDX-License-Identifier: Apache-2.0

package forecast

// Course is what a pod is expected to hold over the day: by what was learned, or else the same all day.
type Course struct {
	learned *Learned
	// flat is what is held all day where nothing was learned, and least what is held at least, in bytes.
	flat, least int64
}

// Flat returns the course of a pod that holds so many bytes all day.
func Flat(bytes int64) Course { return Course{flat: bytes} }

// Course returns the course of a pod of such a demand that holds at least so many bytes.
func (d *Demand) Course(least int64) Course {
	if d.Learned == nil {
		return Flat(max(d.PeakBytes, least))
	}
	return Course{learned: d.Learned, flat: d.PriorBytes, least: least}
}

// Even reports whether it is known to be the same in every hour.
func (c *Course) Even() bool { return c.learned == nil }

// AddTo adds the course to sums in bytes, one for each hour of the day, so many times.
func (c *Course) AddTo(sums *[Hours]float64, times float64) {
	if c.learned == nil {
		flat := times * float64(c.flat)
		for hour := range sums {
			sums[hour] += flat
		}
		return
	}
	doubt, prior, least := 1-c.learned.trust, float64(c.flat), float64(c.least)
	for hour := range sums {
		seen := float64(c.learned.hours[hour])
		sums[hour] += times * max(seen+doubt*max(prior-seen, 0), least)
	}
}
