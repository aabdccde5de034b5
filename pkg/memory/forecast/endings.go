// SPDX-License-Identifier: Apache-2.0

package forecast

import "time"

const (
	// halfLife is the time in which half of a workload's level is forgotten while no pod of it runs. It doubles with each end for
	// want of memory that follows another one within repeated, maxDoublings times at most: up to more than ten hours.
	halfLife     = 10 * time.Minute
	repeated     = 24 * time.Hour
	maxDoublings = 6
)

// endings are the times in a row that a pod of a workload was ended for want of memory.
type endings struct {
	last  time.Time
	count int
}

// note takes in one that happened then, and reports whether it counts: those of several pods at one time, and one that is told again,
// count once.
func (e *endings) note(at time.Time) bool {
	if !at.After(e.last) {
		return false
	}
	if at.Sub(e.last) >= repeated {
		e.count = 0
	}
	e.last, e.count = at, min(e.count+1, maxDoublings+1)
	return true
}

// merge takes in what another one was told of until now.
func (e *endings) merge(other endings, now time.Time) {
	if other.last.After(now) {
		other.last = now
	}
	if other.last.After(e.last) {
		*e = other
	}
}

// halfLife is the time in which half of the workload's level is forgotten. The kubelet as well waits longer each time before it
// starts a container that ends again and again.
func (e *endings) halfLife() time.Duration { return halfLife << max(e.count-1, 0) }
