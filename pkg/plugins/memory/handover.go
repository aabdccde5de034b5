// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"sync"
	"time"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// handover passes what was learned between the keeper, whose goroutine the learner belongs to, and those that read and write it
// elsewhere.
type handover struct {
	learner *forecast.Learner
	changed func() // makes the keeper come by

	mutex   sync.Mutex
	arrived []forecast.Record
	asked   []chan<- []forecast.Record
}

// give makes the learner take in records before the next book.
func (h *handover) give(records []forecast.Record) {
	h.mutex.Lock()
	h.arrived = append(h.arrived, records...)
	h.mutex.Unlock()
	h.changed()
}

// ask returns where all that was learned arrives with the next book.
func (h *handover) ask() <-chan []forecast.Record {
	answer := make(chan []forecast.Record, 1)
	h.mutex.Lock()
	h.asked = append(h.asked, answer)
	h.mutex.Unlock()
	h.changed()
	return answer
}

// settle is for the keeper. Nobody hands over to a nil one.
func (h *handover) settle(now time.Time) {
	if h == nil {
		return
	}
	h.mutex.Lock()
	arrived, asked := h.arrived, h.asked
	h.arrived, h.asked = nil, nil
	h.mutex.Unlock()
	if len(arrived) > 0 {
		h.learner.Merge(arrived, now)
	}
	for _, answer := range asked {
		answer <- h.learner.Records()
	}
}
