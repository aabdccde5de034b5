// SPDX-License-Identifier: Apache-2.0

package ledger

import "time"

// phantomFor is how long at most a pod that vanished without having ended counts for what it held: its containers may be
// running still, as those of a pod that was deleted by force do until its kubelet has stopped them. A sample that was taken
// after it vanished tells.
const phantomFor = 30 * time.Second

// earliest returns the earlier of two times, of which the second may be unknown.
func earliest(one, other time.Time) time.Time {
	if other.IsZero() || one.Before(other) {
		return one
	}
	return other
}

// leave looks after the pods that are gone while their node's sample still shows them: until there is one that was taken
// after they left, which arrives later than that. Those that ended have given back their memory: without it, a pod that made
// room would seem to have made none, and the next would have to go. Those that vanished may hold it still. Once a sample of
// before can only be stale, nothing depends on them.
//
// That a pod is gone is known seconds after its containers stopped, and a sample may have been taken in between: what it lacks must
// not be taken off it. So where its kubelet told when they stopped, that counts.
func (b *build) leave() {
	for uid, known := range b.pods {
		if known.build == b.builds {
			continue
		}
		if known.gone.IsZero() {
			known.gone = b.Now
		}
		i, ok := b.snapshot.index[known.node]
		if !ok || known.measured == 0 || known.earlier || b.Now.Sub(known.gone) > b.options.FreshFor {
			delete(b.pods, uid)
			continue
		}
		left, ended := known.gone, known.gone.Before(known.stopsBy)
		if b.Ended != nil {
			if stopped, ok := b.Ended(uid); ok {
				left, ended = earliest(left, stopped), true
			}
		}
		shown := !b.snapshot.Nodes[i].SampleTime.After(left)
		switch {
		case !ended && shown && b.Now.Sub(known.gone) < phantomFor:
			b.tallies[i].phantom += known.measured
		case shown:
			b.tallies[i].gone += known.measured
		default:
			delete(b.pods, uid)
		}
	}
}
