// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"math"
	"time"
)

// Hours is the number of figures in a profile: one for each hour of the day.
const Hours = 24

// Profile is what is held at most in each hour of the day, in UTC, in bytes: memory has daily peaks, and pods that peak at
// different hours can share a node. Four bytes a figure are exact to 2^-24, 4 KiB in 64 GiB.
type Profile [Hours]float32

// HourOf returns the index of a time's figure.
func HourOf(t time.Time) int { return t.UTC().Hour() }

// Most returns the largest figure.
func (p *Profile) Most() float32 {
	most := p[0]
	for _, bytes := range p[1:] {
		most = max(most, bytes)
	}
	return most
}

// hourly is what was seen of a workload in each hour of the day.
type hourly struct {
	most Profile
	// day is the day of the last observation in an hour, counted from 1970 and plus 1; 0: there was none.
	day [Hours]int32
}

// dailyDecay is what is left of an hour's peak a day later: last night tells more of the next one than the night before, and a
// peak that does not come back is forgotten within days. VerticalPodAutoscaler's histograms halve in 24 hours as well
// (recommender/model/aggregations_config.go: DefaultMemoryHistogramDecayHalfLife).
const dailyDecay = 0.5

// dayOf returns a time's day, counted as in hourly.
func dayOf(at time.Time) int32 { return int32(at.Unix()/int64(24*time.Hour/time.Second)) + 1 }

// add takes in that so many bytes were held, today or earlier.
func (h *hourly) add(at time.Time, bytes int64) { h.put(HourOf(at), dayOf(at), float32(bytes)) }

// put takes in that so many bytes were held in an hour of a day.
func (h *hourly) put(hour int, day int32, held float32) {
	if before := h.day[hour]; before == 0 || before < day {
		h.most[hour] *= decayed(day - before)
		h.day[hour] = day
	} else {
		held *= decayed(before - day)
	}
	h.most[hour] = max(h.most[hour], held)
}

// pause takes the days out of the count on which the workload was not seen, between a time at which it was and the next: a weekly job holds
// next week what it held in this. The hour in which it is seen again has its peak by then as put leaves it.
func (h *hourly) pause(seen, again time.Time) {
	days := dayOf(again) - dayOf(seen) - 1
	if seen.IsZero() || days <= 0 {
		return
	}
	for hour := range h.day {
		if h.day[hour] != 0 && hour != HourOf(again) {
			h.day[hour] += days
		}
	}
}

// decayed is what is left of a peak after so many days.
func decayed(days int32) float32 { return float32(math.Pow(dailyDecay, float64(days))) }

// profile returns what is expected in each hour by the time at which the workload was seen last. An hour's peak fades with each day on
// which the workload was seen and that hour of the day passed without it. In an hour that was never seen the workload may hold what it
// holds at most in the others.
func (h *hourly) profile(seen time.Time) Profile {
	profile, today, now := h.most, dayOf(seen), HourOf(seen)
	for hour, day := range h.day {
		if hour >= now { // today it has not passed
			day++
		}
		if h.day[hour] != 0 && day < today {
			profile[hour] *= decayed(today - day)
		}
	}
	most := profile.Most()
	for hour, day := range h.day {
		if day == 0 {
			profile[hour] = most
		}
	}
	return profile
}
