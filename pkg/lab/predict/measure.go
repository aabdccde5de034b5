// SPDX-License-Identifier: Apache-2.0

package predict

import (
	"math"
	"slices"
)

// judged is what is foretold and what came, of some node-steps, as shares of the requests.
type judged struct{ predicted, peak []float64 }

// add takes in one node-step, in bytes. Nothing can be said of one without requests.
func (j *judged) add(predicted, peak, requests float64) {
	if requests > 0 {
		j.predicted, j.peak = append(j.predicted, predicted/requests), append(j.peak, peak/requests)
	}
}

// measures are how well peaks were foretold.
type measures struct{ violation, severity, savings float64 }

// measure judges the predictions times a factor, each at most the requests: nobody sets aside more.
func (j *judged) measure(factor float64) measures {
	var result measures
	if len(j.peak) == 0 {
		return result
	}
	for i, peak := range j.peak {
		predicted := min(factor*j.predicted[i], 1)
		if predicted < peak {
			result.violation++
			result.severity += (peak - predicted) / peak
		}
		result.savings += 1 - predicted
	}
	if result.violation > 0 {
		result.severity /= result.violation
	}
	result.violation /= float64(len(j.peak))
	result.savings /= float64(len(j.peak))
	return result
}

// calibrate returns the smallest factor at which at most a share rate of the node-steps is violated. Steps whose peak is above
// the requests are violated at any factor; if there are too many, the factor is the largest that makes a difference.
func (j *judged) calibrate(rate float64) float64 {
	var needed []float64
	lost := 0
	for i, peak := range j.peak {
		switch {
		case peak > 1:
			lost++
		case peak == 0:
			needed = append(needed, 0)
		case j.predicted[i] > 0:
			needed = append(needed, factorFor(j.predicted[i], peak))
		default:
			lost++ // no factor lifts a prediction of nothing
		}
	}
	if len(needed) == 0 {
		return 1
	}
	slices.Sort(needed)
	allowed := int(rate*float64(len(j.peak))) - lost
	return needed[min(max(len(needed)-1-allowed, 0), len(needed)-1)]
}

// factorFor is the smallest factor that lifts a prediction to a peak, in floating point as in measure.
func factorFor(predicted, peak float64) float64 {
	factor := peak / predicted
	for factor*predicted < peak {
		factor = math.Nextafter(factor, math.Inf(1))
	}
	return factor
}
