// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// phantomFor is how long at most a pod that vanished without having ended counts for what it counted for before: its containers may be
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

// leave takes off what a pod held that is gone, of the figures that show it still: the machine's, and that of all pods together. They are
// measured at times of their own.
func (t *tally) leave(held int64, ofNode, together bool) {
	if ofNode {
		t.gone += held
	}
	if together {
		t.goneTogether += held
	}
}

// haunt counts a pod that vanished as before, as far as it may run still: what was measured of it, and what the figures do not show.
func (t *tally) haunt(known *record) {
	t.phantom += known.measured
	t.unshown = t.plus(known.unshown, 1)
}

// leftAt returns since when a pod that is gone holds nothing, and whether its end was heard of or due.
func (b *build) leftAt(uid types.UID, known *record) (left time.Time, ended bool) {
	if b.Ended != nil {
		if stopped, ok := b.Ended(uid); ok {
			return earliest(known.gone, stopped), true
		}
	}
	return known.gone, known.gone.Before(known.stopsBy)
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
		if !ok || !known.held() || b.Now.Sub(known.gone) > b.options.FreshFor {
			delete(b.pods, uid)
			continue
		}
		left, ended := b.leftAt(uid, known)
		together, measured := b.kubepods(i)
		shown, shownTogether := !b.snapshot.Nodes[i].SampleTime.After(left), measured && !together.Time.After(left)
		switch {
		case !ended && (shown || shownTogether) && b.Now.Sub(known.gone) < phantomFor:
			b.tallies[i].haunt(known)
		case shown || shownTogether:
			b.tallies[i].leave(known.measured, shown, shownTogether)
		default:
			delete(b.pods, uid)
		}
	}
}
