// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"errors"
	"fmt"
	"math/rand/v2"
)

// churn gives the plan pods that come and go: the arrival process is repeated from day to day and thinned, so that about as
// many pods run as there are profiled ones. Each has the memory of a random one of those, at the time of the trace: a pairing
// that is synthetic.
func (p *Plan) churn(profiled []*life, arrivals Arrivals, random *rand.Rand) error {
	if len(arrivals) == 0 {
		return errors.New("the scenario churn needs an arrival process: name its file with --arrivals")
	}
	var seconds float64 // of life, a period
	for _, arrival := range arrivals {
		seconds += min(arrival.Shortest, p.to-p.from)
	}
	period := max(arrivals[len(arrivals)-1].At, daySeconds)
	share := float64(len(profiled)) * period / seconds
	for day := 0.0; p.from+day < p.to; day += period {
		for i, arrival := range arrivals {
			if random.Float64() >= share {
				continue
			}
			base := profiled[random.IntN(len(profiled))]
			made := *base
			made.id = fmt.Sprintf("%s-%d-%d", base.id, int(day/daySeconds), i)
			made.start = p.from + day + arrival.At
			made.end = min(made.end, made.start+arrival.Shortest+random.Float64()*(max(arrival.Longest, arrival.Shortest)-arrival.Shortest))
			if made.start < p.to && made.end > made.start {
				p.lives = append(p.lives, &made)
			}
		}
	}
	return nil
}
