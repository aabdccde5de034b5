// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"cmp"
	"time"
)

// maxWarm bounds the time of warm running that is remembered: far more than it takes to be trusted, and no sum of it overflows.
const maxWarm = 365 * 24 * time.Hour

// Record is what was learned of one workload, as it is handed on to another learner. It never changes.
type Record struct {
	workload Workload
	hourly   hourly
	request  int64 // bytes; 0: not known
	level    float64
	warm     time.Duration
	seen     time.Time
	endings  endings
	hour     ongoing // of which what was expected counts until it is over
}

// Workload returns whose record it is.
func (r *Record) Workload() Workload { return r.workload }

// Records returns all that was learned, in no order. Like Observe it is for the goroutine that the learner belongs to.
func (l *Learner) Records() []Record {
	records := make([]Record, 0, len(l.workloads))
	for workload, known := range l.workloads {
		records = append(records, Record{
			workload: workload, hourly: known.hourly, request: known.request, level: known.level, warm: known.warm, seen: known.seen, endings: known.endings,
			hour: known.hour,
		})
	}
	return records
}

// Merge takes in what another learner had learned until now: the larger peak of each hour counts, after what days have taken
// off it, and the level of the one that saw the workload last. It counts when it is published. What was seen so long ago that
// it would be forgotten is left out, and a time that has not come yet, by another machine's clock, is taken for now.
func (l *Learner) Merge(records []Record, now time.Time) {
	for i := range records {
		record := &records[i]
		seen := record.seen
		if seen.After(now) {
			seen = now
		}
		if now.Sub(seen) >= remembered {
			continue
		}
		known := l.workloads[record.workload]
		if known == nil {
			known = &learned{}
			l.workloads[record.workload], l.unindexed = known, true
			l.follows(record.workload, seen)
		}
		known.mergeHours(record.hourly, seen, now)
		known.inherit(record.hour, now)
		known.level = known.mergeLevel(record.level, seen)
		if seen.After(known.seen) {
			known.seen = seen
			known.request = cmp.Or(record.request, known.request)
		} else {
			known.request = cmp.Or(known.request, record.request)
		}
		known.warm = min(known.warm+record.warm, maxWarm)
		known.endings.merge(record.endings, now)
		known.news = true
	}
}

// mergeLevel is the level of the one that saw the workload last. One that knows none, such as a history, which tells of hours,
// takes nothing off the other's but time.
func (k *learned) mergeLevel(level float64, seen time.Time) float64 {
	switch newer := seen.After(k.seen); {
	case newer && level > 0:
		return level
	case newer:
		return k.level * k.lasting(seen)
	case k.level == 0:
		return level * lasting(k.seen.Sub(seen), k.endings.halfLife())
	default:
		return k.level
	}
}

// mergeHours takes in the hours of another one that saw the workload last at the time given: as if the one of the two that saw it earlier
// had seen it again when the other one did. What either expected of an hour that is not over may still come.
func (k *learned) mergeHours(other hourly, seen, now time.Time) {
	if seen.After(k.seen) {
		k.inherit(ongoing{number: hourNumber(seen), expected: k.hourly.before(now)}, now)
		k.hourly.pause(k.seen, seen)
	} else {
		k.inherit(ongoing{number: hourNumber(k.seen), expected: other.before(now)}, now)
		other.pause(seen, k.seen)
	}
	k.hourly.merge(&other, dayOf(now))
}

// inherit takes over what was expected elsewhere of the hour, if that is not over. Who did not see it begin does not tell what came of it.
func (k *learned) inherit(hour ongoing, now time.Time) {
	if hour.number != hourNumber(now) || hour.expected == 0 {
		return
	}
	if k.hour.number != hour.number {
		k.hour = ongoing{number: hour.number, elsewhere: true}
	}
	k.hour.expected = max(k.hour.expected, hour.expected)
}

// merge takes in what was seen elsewhere, none of it later than today.
func (h *hourly) merge(other *hourly, today int32) {
	for hour := range other.day {
		if day := min(other.day[hour], today); day > 0 {
			h.put(hour, day, other.most[hour])
		}
	}
}
