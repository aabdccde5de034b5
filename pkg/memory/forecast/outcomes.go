// SPDX-License-Identifier: Apache-2.0

package forecast

import "time"

// enough is the trust in what was learned from which on it is judged: that after ten minutes of warm running.
const enough = 0.63

// Outcomes are told how what was expected came true, in the goroutine that the learner belongs to. Either may be nil.
type Outcomes struct {
	// HourEnded is told, for each workload that was seen in the same hour of an earlier day as well, the most that one of its
	// pods held in the hour that has ended as a ratio of what was expected of that hour, without margin.
	HourEnded func(ratio float64)
	// Exceeded is told of each warm pod that is measured to hold more than what was expected of its workload at most, margin
	// included. Its pods are expected to hold as much from then on, so that it is told again only if one grows further.
	Exceeded func()
}

// ongoing is the hour in which a workload was seen last.
type ongoing struct {
	number         int64   // of the hour since 1970
	expected, most float32 // bytes; of an expectation of 0 nothing is told
	elsewhere      bool    // the hour began under another one, which tells its outcome
}

func hourNumber(at time.Time) int64 { return at.Unix() / int64(time.Hour/time.Second) }

// Report makes the learner tell outcomes from now on.
func (l *Learner) Report(outcomes Outcomes) { l.outcomes = outcomes }

// judge compares what a pod of a workload holds now with what was expected of it at most.
func (l *Learner) judge(workload Workload, bytes int64) {
	if estimates := l.published.Load(); estimates != nil && l.outcomes.Exceeded != nil {
		if before := estimates.of(workload); before != nil && before.trust >= enough && bytes > before.peakBytes {
			l.outcomes.Exceeded()
		}
	}
}

// follow notes what is expected of this hour, before what is seen in it changes that, and the most that is seen.
func (l *Learner) follow(known *learned, bytes int64) {
	if number := hourNumber(l.now); known.hour.number != number {
		l.settle(known)
		known.hour = ongoing{number: number, expected: known.hourly.before(l.now)}
	}
	known.hour.most = max(known.hour.most, float32(bytes))
}

// settle tells the outcome of the hour in which the workload was seen last, once.
func (l *Learner) settle(known *learned) {
	if known.hour.expected > 0 && !known.hour.elsewhere && l.outcomes.HourEnded != nil {
		l.outcomes.HourEnded(float64(known.hour.most / known.hour.expected))
	}
	if known.hour.expected > 0 {
		known.hour.expected, known.news = 0, true
	}
}

// before returns what was seen in this hour of the day on the last earlier day, or 0 if that is not known.
func (h *hourly) before(now time.Time) float32 {
	hour := HourOf(now)
	if day := h.day[hour]; day == 0 || day >= dayOf(now) {
		return 0
	}
	return h.most[hour]
}
