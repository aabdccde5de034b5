// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"maps"
	"math"
	"slices"
	"time"
)

const (
	// remembered is how long a workload is remembered that no pod is seen of: a weekly job comes back.
	remembered = 8 * 24 * time.Hour
	// maxWorkloads bounds what is kept; the workloads that were seen least lately go first.
	maxWorkloads = 20_000
)

// forget forgets workloads that were not seen for long. If too many are left, those that were seen least lately go, and no more of
// them than have to.
func (l *Learner) forget() {
	before := len(l.workloads)
	defer func() { l.unindexed = l.unindexed || len(l.workloads) < before }()
	maps.DeleteFunc(l.workloads, func(_ Workload, known *learned) bool { return l.now.Sub(known.seen) >= remembered })
	surplus := len(l.workloads) - maxWorkloads
	if surplus <= 0 {
		return
	}
	type sight struct {
		seen     time.Time
		workload Workload
	}
	oldest := make([]sight, 0, len(l.workloads))
	for workload, known := range l.workloads {
		oldest = append(oldest, sight{known.seen, workload})
	}
	slices.SortFunc(oldest, func(a, b sight) int {
		if order := a.seen.Compare(b.seen); order != 0 {
			return order
		}
		return compareWorkloads(a.workload, b.workload) // always the same ones among equals
	})
	for _, sight := range oldest[:surplus] {
		delete(l.workloads, sight.workload)
	}
}

// lasting is what is left at a time of the level that the workload had when it was seen last.
func (k *learned) lasting(at time.Time) float64 { return lasting(at.Sub(k.seen), k.endings.halfLife()) }

// lasting is what is left of a workload's level after a time in which no pod of it was seen. A pod that starts again may hold far
// less, and it must not wait for ever for room that it held once. But where pods are ended again and again they did not hold less,
// and the level lasts the longer the more often it happened.
func lasting(unseen, halfLife time.Duration) float64 {
	return math.Pow(0.5, max(unseen-recent, 0).Seconds()/halfLife.Seconds())
}

// bound brings what was noted at a time that is yet to come, by a clock that was ahead, to now.
func (k *learned) bound(now time.Time) {
	if k.seen.After(now) {
		k.seen = now
	}
	if k.endings.last.After(now) {
		k.endings.last = now
	}
	for hour, day := range k.hourly.day {
		k.hourly.day[hour] = min(day, dayOf(now))
	}
}
