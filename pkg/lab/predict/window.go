// SPDX-License-Identifier: Apache-2.0

package predict

import "slices"

// slidingMax returns, for each value, the largest of itself and those before it, window in all. Each value enters a queue of
// falling values once and leaves it once.
func slidingMax(values []float64, window int) []float64 {
	largest := make([]float64, len(values))
	queue := make([]int, 0, len(values))
	head := 0
	for i, value := range values {
		for len(queue) > head && values[queue[len(queue)-1]] <= value {
			queue = queue[:len(queue)-1]
		}
		queue = append(queue, i)
		if queue[head] <= i-window {
			head++
		}
		largest[i] = values[queue[head]]
	}
	return largest
}

// slidingQuantile returns, for each value, the quantile q of itself and those before it, window in all: the smallest one that
// a share q of them does not exceed.
func slidingQuantile(values []float64, window int, q float64) []float64 {
	quantiles := make([]float64, len(values))
	sorted := make([]float64, 0, min(window, len(values))+1)
	for i, value := range values {
		at, _ := slices.BinarySearch(sorted, value)
		sorted = slices.Insert(sorted, at, value)
		if i >= window {
			at, _ = slices.BinarySearch(sorted, values[i-window])
			sorted = slices.Delete(sorted, at, at+1)
		}
		quantiles[i] = sorted[rank(len(sorted), q)]
	}
	return quantiles
}

// rank is the index of the quantile q among n sorted values, n at least 1.
func rank(n int, q float64) int {
	index := int(q * float64(n))
	if float64(index) == q*float64(n) && index > 0 {
		index--
	}
	return min(index, n-1)
}
