// SPDX-License-Identifier: Apache-2.0

package predict

import (
	"fmt"
	"time"
)

// division is which steps of a fleet are judged: those after the first day, or after a quarter of a trace of less than four
// days, whose whole horizon is within the trace. Of two halves of that time the first is for calibration; it ends a horizon
// before the second begins, so that no peak is in both.
type division struct {
	fleet                *fleet
	trace                string
	horizon              int
	begin, early, middle int
	end                  int
	requests, peaks      [][]float64
}

func newDivision(f *fleet, name string, horizon time.Duration) (*division, error) {
	d := &division{fleet: f, trace: name, horizon: f.in(horizon)}
	d.begin = min(f.in(day), f.steps/4)
	d.end = f.steps - d.horizon
	d.middle = (f.steps + d.begin) / 2
	d.early = d.middle - d.horizon
	if d.early <= d.begin || d.end <= d.middle {
		return nil, fmt.Errorf("trace %s: %s is too short for a horizon of %s: want a horizon of at most a third of it",
			name, time.Duration(f.steps)*f.step, horizon)
	}
	d.requests = f.perNode(func(n *node) []float64 { return n.requests(f.steps) })
	d.peaks = f.perNode(func(n *node) []float64 { return n.oracle(f.steps, d.horizon) })
	return d, nil
}

// split is what a predictor foretold in all judged steps, and in the first and the second half of them.
type split struct {
	trace, predictor   string
	hours              float64
	all, first, second judged
}

func (d *division) split(p predictor) *split {
	s := &split{trace: d.trace, predictor: p.name, hours: (time.Duration(d.horizon) * d.fleet.step).Hours()}
	for i, predictions := range p.predict(d.fleet, d.horizon) {
		for t := d.begin; t < d.end; t++ {
			predicted, peak, requests := predictions[t], d.peaks[i][t], d.requests[i][t]
			s.all.add(predicted, peak, requests)
			if t < d.early {
				s.first.add(predicted, peak, requests)
			}
			if t >= d.middle {
				s.second.add(predicted, peak, requests)
			}
		}
	}
	return s
}
