// SPDX-License-Identifier: Apache-2.0

package predict

import (
	"math"
	"time"
)

const (
	day = 24 * time.Hour
	// publishedHistory is the history that the published predictors were shown with.
	publishedHistory = 10 * time.Hour
	// oracleName is the predictor that knows.
	oracleName = "oracle"
)

// predictor foretells, for each node and step, what the members present will hold at most, in bytes.
type predictor struct {
	name    string
	predict func(f *fleet, horizon int) [][]float64
}

// single is a predictor of one node after the other.
func single(name string, predict func(f *fleet, n *node) []float64) predictor {
	return predictor{name, func(f *fleet, _ int) [][]float64 {
		return f.perNode(func(n *node) []float64 { return predict(f, n) })
	}}
}

// predictors are all that are compared, in the order of the report.
func predictors() []predictor {
	list := []predictor{
		single("borg-default", func(f *fleet, n *node) []float64 { return scaled(n.requests(f.steps), borgShare) }),
	}
	for _, history := range []struct {
		suffix string
		length time.Duration
	}{{"-24h", day}, {"-10h", publishedHistory}} {
		list = append(
			list,
			single("n-sigma-5"+history.suffix, func(f *fleet, n *node) []float64 {
				return nSigma(n, f.steps, f.in(history.length), f.in(warmUp))
			}),
			single("rc-p99"+history.suffix, func(f *fleet, n *node) []float64 {
				return rcLike(n, f.steps, f.in(history.length), f.in(warmUp))
			}),
			single("max-n-sigma-rc"+history.suffix, func(f *fleet, n *node) []float64 {
				window, warm := f.in(history.length), f.in(warmUp)
				return largest(nSigma(n, f.steps, window, warm), rcLike(n, f.steps, window, warm))
			}),
		)
	}
	return append(
		list,
		single("current", func(f *fleet, n *node) []float64 { return n.held(f.steps) }),
		single("pod-peaks-24h", func(f *fleet, n *node) []float64 {
			return n.sum(f.steps, func(m *member) []float64 { return slidingMax(m.bytes, f.in(day)) })
		}),
		single("constant", func(f *fleet, n *node) []float64 { return n.requests(f.steps) }),
		single("node-peak-24h", func(f *fleet, n *node) []float64 { return n.alignedPeak(f.steps, f.in(day)) }),
		single("node-peak", func(f *fleet, n *node) []float64 { return n.alignedPeak(f.steps, f.steps) }),
		single("node-peak+0.2-requests", func(f *fleet, n *node) []float64 {
			return combined(n.alignedPeak(f.steps, f.steps), n.requests(f.steps), func(peak, requests float64) float64 {
				return peak + limitShare*requests
			})
		}),
		predictor{"headroom", expected},
		single("geometric-24h", func(f *fleet, n *node) []float64 { return geometric(f, n, 0) }),
		single("geometric-all", func(f *fleet, n *node) []float64 { return geometric(f, n, 1) }),
		single("geometric", func(f *fleet, n *node) []float64 { return geometric(f, n, oldShare) }),
		predictor{oracleName, func(f *fleet, horizon int) [][]float64 {
			return f.perNode(func(n *node) []float64 { return n.oracle(f.steps, horizon) })
		}},
	)
}

const (
	// limitShare is what the blend adds to a node's peak, as a share of the requests.
	limitShare = 0.2
	// oldShare is the weight of the peak over all history against that of the last day, in the exponents.
	oldShare = 0.6
)

// geometric is halfway, in orders of magnitude, between what the members request and what they held together at most: over all
// history and over the last day, the geometric mean with the weights old and 1-old. A node that held a small part of its
// requests may hold several times as much, one that held most of them little more.
func geometric(f *fleet, n *node, old float64) []float64 {
	ever, lately := n.alignedPeak(f.steps, f.steps), n.alignedPeak(f.steps, f.in(day))
	peak := combined(ever, lately, func(a, b float64) float64 { return math.Pow(a, old) * math.Pow(b, 1-old) })
	return combined(peak, n.requests(f.steps), func(peak, requests float64) float64 { return math.Sqrt(peak * requests) })
}
