// SPDX-License-Identifier: Apache-2.0

package forecast

// Part is a part of what a learner does, which it can be made to do without: what a part is worth is seen where it is missing. Schedulers
// leave out none; replays do.
type Part int

const (
	// NoPart: it learns as it always does.
	NoPart Part = iota
	// PartHours: that a workload holds more in some hours of the day than in others. It is known by one figure, that of its largest hour.
	PartHours
	// PartAll: everything. The prior stays, whatever is observed.
	PartAll
)

// LeaveOut makes the learner do without a part from the next time on that it publishes. It is for before anything is published.
func (l *Learner) LeaveOut(part Part) { l.without = part }

// flatten gives every hour what the largest one has.
func (p *Profile) flatten() {
	most := p.Most()
	for hour := range p {
		p[hour] = most
	}
}
