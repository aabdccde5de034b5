// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"math"
	"sync/atomic"
)

// estimates are what is published, by workload and by what workloads are revisions of. It never changes; what is published of a
// workload does, so that it need not be made anew each time for all of them.
type estimates map[Workload]*atomic.Pointer[Learned]

// of returns what is published of a workload, or nil.
func (e estimates) of(workload Workload) *Learned {
	if published := e[workload]; published != nil {
		return published.Load()
	}
	return nil
}

// Publish makes what was observed count, and forgets workloads that were not seen for so long that nothing of them is
// remembered.
func (l *Learner) Publish() {
	l.forget()
	if l.without == PartAll {
		return
	}
	moved := l.unindexed // a ratio of a namespace may have
	for _, known := range l.workloads {
		if known.hour.number != hourNumber(l.now) {
			l.settle(known)
		}
		if published := known.published.Load(); known.news || published == nil || (l.now.Sub(known.seen) > recent && published.levelBytes > 0) {
			known.published.Store(l.estimate(known))
			share := known.ofRequest()
			moved = moved || share != known.share
			known.news, known.share = false, share
		}
	}
	if moved {
		ratios := l.ratios()
		l.publishedRatios.Store(&ratios)
	}
	if l.unindexed || l.published.Load() == nil {
		l.index()
	}
}

// index publishes which workloads there are.
func (l *Learner) index() {
	published := make(estimates, len(l.workloads)+len(l.latest))
	for workload, known := range l.workloads {
		published[workload] = &known.published
	}
	l.indexRevisions(published)
	l.published.Store(&published)
	l.unindexed = false
}

// estimate returns what is to be published of a workload.
func (l *Learner) estimate(known *learned) *Learned {
	hours := known.hourly.profile(known.seen)
	if known.hour.number == hourNumber(l.now) { // Until the hour is over, all that was expected of it may still come.
		hours[HourOf(l.now)] = max(hours[HourOf(l.now)], known.hour.expected)
	}
	most := hours.Most()
	if l.without == PartHours {
		hours.flatten()
	}
	return &Learned{
		hours:      hours,
		peakBytes:  int64((1 + margin) * float64(most)),
		levelBytes: int64(known.level * known.lasting(l.now)),
		trust:      1 - math.Exp(-known.warm.Seconds()/trusted.Seconds()),
	}
}
