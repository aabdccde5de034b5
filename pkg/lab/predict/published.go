// SPDX-License-Identifier: Apache-2.0

package predict

import (
	"math"
	"time"
)

// The settings of the published predictors: github.com/googleinterns/cluster-resource-forecast.
const (
	// borgShare of the requests is what borg-default foretells.
	borgShare = 0.9
	// deviations is N of N-sigma, quantile that of the RC-like predictor.
	deviations, quantile = 5, 0.99
	// warmUp is for how long a pod counts at its request.
	warmUp = 2 * time.Hour
)

// nSigma is the requests of the warm members times the mean and five standard deviations of what share of their requests the
// warm members held together, over a window, and at most the requests; members that are not warm count at their requests.
func nSigma(n *node, steps, window, warm int) []float64 {
	warmRequests, warmHeld := make([]float64, steps), make([]float64, steps)
	for i := range n.members {
		m := &n.members[i]
		for j := warm; j < len(m.bytes); j++ {
			warmRequests[m.first+j] += m.request
			warmHeld[m.first+j] += m.bytes[j]
		}
	}
	predictions := n.requests(steps)
	var count, sum, squares float64
	share := func(t int) (float64, bool) {
		if t < 0 || warmRequests[t] == 0 {
			return 0, false
		}
		return warmHeld[t] / warmRequests[t], true
	}
	for t := range predictions {
		if r, known := share(t); known {
			count, sum, squares = count+1, sum+r, squares+r*r
		}
		if r, known := share(t - window); known {
			count, sum, squares = count-1, sum-r, squares-r*r
		}
		if count == 0 {
			continue
		}
		mean := sum / count
		deviation := math.Sqrt(max(squares/count-mean*mean, 0))
		predictions[t] -= warmRequests[t] * (1 - min(1, mean+deviations*deviation))
	}
	return predictions
}

// rcLike is the sum of the 99th percentiles of what each member held over a window; members that are not warm count at
// their requests.
func rcLike(n *node, steps, window, warm int) []float64 {
	return n.sum(steps, func(m *member) []float64 {
		quantiles := slidingQuantile(m.bytes, window, quantile)
		for i := range min(warm, len(quantiles)) {
			quantiles[i] = m.request
		}
		return quantiles
	})
}

// scaled is values times a factor.
func scaled(values []float64, factor float64) []float64 {
	result := make([]float64, len(values))
	for i, value := range values {
		result[i] = factor * value
	}
	return result
}

// largest is the larger of two values, one by one.
func largest(a, b []float64) []float64 {
	result := make([]float64, len(a))
	for i := range a {
		result[i] = max(a[i], b[i])
	}
	return result
}

// combined is a figure of two values, one by one.
func combined(a, b []float64, of func(a, b float64) float64) []float64 {
	result := make([]float64, len(a))
	for i := range a {
		result[i] = of(a[i], b[i])
	}
	return result
}
