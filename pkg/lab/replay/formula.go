// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"math"

	"sigs.k8s.io/scheduler-plugins/pkg/trimaran/lowriskovercommitment"
)

// These are the peers' formulas for memory, as functions of bytes. CPU has no part: the traces have none.

// defaultMargin is LoadVariationRiskBalancing's: how much a node's deviation weighs.
const defaultMargin = 1.0

// loadVariation is LoadVariationRiskBalancing's score, 0 to 100, with its default of sensitivity, 1
// (scheduler-plugins pkg/trimaran/loadvariationriskbalancing/analysis.go:computeScore). mean and deviation are of the node's
// use, request is the pod's.
func loadVariation(mean, deviation, request, allocatable, margin float64) int64 {
	if allocatable <= 0 {
		return 0
	}
	mu := min((min(max(mean, 0), allocatable)+max(request, 0))/allocatable, 1)
	sigma := min(min(max(deviation, 0)/allocatable, 1)*margin, 1)
	return int64(math.Round((1 - (mu+sigma)/2) * 100))
}

// nodeSums are what a node's pods ask for together, without and with the pod to be placed, in bytes. A pod's limit counts as
// at least its request; requests count up to what is allocatable.
type nodeSums struct{ request, limit, requestWithPod, limitWithPod float64 }

// smoothing and defaultLimitWeight are LowRiskOverCommitment's: the second is how much the risk of limits weighs.
const smoothing, defaultLimitWeight = 5.0, 0.5

// lowRisk is LowRiskOverCommitment's score, 0 to 100 (scheduler-plugins
// pkg/trimaran/lowriskovercommitment/lowriskovercommitment.go:computeRisk).
func lowRisk(mean, deviation float64, sums nodeSums, allocatable, limitWeight float64) int64 {
	sums.request, sums.requestWithPod = min(sums.request, allocatable), min(sums.requestWithPod, allocatable)
	var riskLimit float64
	if sums.limitWithPod > allocatable {
		riskLimit = (sums.limitWithPod - allocatable) / (sums.limitWithPod - sums.requestWithPod)
	}
	mu, sigma := min(max(mean/allocatable, 0), 1), min(max(deviation/allocatable, 0), 1)
	sigma *= math.Sqrt(smoothing)
	sigma = min(sigma, math.Sqrt(lowriskovercommitment.GetMaxVariance(mu)*lowriskovercommitment.MaxVarianceAllowance))
	below, distribution := lowriskovercommitment.ComputeProbability(mu, sigma, min(max(sums.request/allocatable, 0), 1))
	if sums.limit < allocatable && sums.request <= sums.limit {
		if sums.limit == 0 {
			below = 1
		} else if distribution != nil {
			if possible := distribution.DistributionFunction(sums.limit / allocatable); possible > 0 {
				below = min(max(below/possible, 0), 1)
			}
		}
	}
	risk := limitWeight*riskLimit + (1-limitWeight)*(1-below)
	return int64(math.Round((1 - min(max(risk, 0), 1)) * 100))
}

// defaultTarget and requestFactor are TargetLoadPacking's: percent of the node, and what a pod without a limit is
// expected to use of its request.
const defaultTarget, requestFactor = 40.0, 1.5

// targetLoad is TargetLoadPacking's score of a node that is expected to be used to a percentage, 0 to 100 (scheduler-plugins
// pkg/trimaran/targetloadpacking/targetloadpacking.go:Score). The plugin knows CPU only; this applies it to memory.
func targetLoad(percent, target float64) int64 {
	switch {
	case percent > 100:
		return 0
	case percent > target:
		return int64(math.Round(target * (100 - percent) / (100 - target)))
	default:
		return int64(math.Round((100-target)*percent/target + target))
	}
}

// expectedUse is what TargetLoadPacking expects a pod to use: its limit, or else a factor times its request.
func expectedUse(request, limit int64) float64 {
	if limit > 0 {
		return float64(limit)
	}
	return math.Round(requestFactor * float64(request))
}

// koordinatorDefault is Koordinator's LoadAwareScheduling: the most of a node that may be used, and the share of request or limit
// that a pod which no metric shows is taken to use (koordinator pkg/scheduler/apis/config/v1/defaults.go: memory).
func koordinatorDefault() koordinatorJudge { return koordinatorJudge{most: 0.95, estimate: 0.70} }

// koordinatorReport is the time between two reports of a node, in seconds: what came less than that before one is not taken to be
// in it (koordinator pkg/scheduler/plugins/loadaware/pod_assign_cache.go).
const koordinatorReport = 60.0

// use is what Koordinator takes such a pod to use, in whole bytes.
func (j koordinatorJudge) use(request, limit int64) float64 {
	return math.Round(j.estimate * float64(max(request, limit)))
}

// craneDefault is Crane's Dynamic: the most of a node that may be used, by its mean of five minutes and its most of an hour
// (crane-scheduler's shipped policy, for memory).
func craneDefault() craneJudge { return craneJudge{fiveMinutes: 0.65, hour: 0.75} }

// The weights of Crane's score, and the pods that make a node hot.
const (
	craneWeightFiveMinutes, craneWeightHour, craneWeightDay      = 0.2, 0.3, 0.5
	craneHotSpan, craneHotCount, craneHotShort, craneHotShortMax = 300.0, 5, 60.0, 2
)

// crane is Crane's score, 0 to 100: the weighted room by its three measures, less ten for every few pods that came to the node
// lately.
func crane(fiveMinutes, hour, day float64, hot int) int64 {
	room := craneWeightFiveMinutes*(1-fiveMinutes) + craneWeightHour*(1-hour) + craneWeightDay*(1-day)
	return int64(min(max(room*100-10*float64(hot), 0), 100))
}
