// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"slices"
	"time"
)

// SourceNamespace: the pod has requests and no limits, nothing or little was learned of its workload, and workloads of its
// namespace hold more than they request: so is this one expected to.
const SourceNamespace Source = "namespace ratio"

const (
	// ratioWorkloads is how many workloads of a namespace have to be known for their ratio to say anything: in a small namespace
	// each is a case of its own.
	ratioWorkloads = 20
	// ratioWarm is how long pods of a workload have to have been seen to run, in all, for it to be one of them.
	ratioWarm = 30 * time.Second
)

// Requested takes in what a pod of the workload requests, in bytes. Of a workload of which no pod was observed it tells nothing.
func (l *Learner) Requested(workload Workload, bytes int64) {
	if known := l.workloads[workload]; known != nil && known.request != bytes {
		known.request, known.news = bytes, true
	}
}

// ofRequest returns the most that a pod of the workload held as a ratio of what it requested, or -1 where that says nothing.
func (k *learned) ofRequest() float64 {
	if k.request <= 0 || k.warm < ratioWarm {
		return -1
	}
	return float64(k.hourly.most.Most()) / float64(k.request)
}

// ratios returns for each namespace what its workloads hold at most as a share of what their pods request, in the middle: half of
// them hold more. A namespace of too few workloads has none. In replays of agent-containers-a higher quantiles did no better.
func (l *Learner) ratios() map[string]float64 {
	shares := map[string][]float64{}
	for workload, known := range l.workloads {
		if known.share >= 0 {
			shares[workload.Namespace] = append(shares[workload.Namespace], known.share)
		}
	}
	ratios := map[string]float64{}
	for namespace, all := range shares {
		if len(all) >= ratioWorkloads {
			slices.Sort(all)
			ratios[namespace] = all[(len(all)-1)/2]
		}
	}
	return ratios
}

// inNamespace raises what is expected of a pod of which only its requests are known by the ratio of its namespace. It is never
// lowered: what others do not use this one may.
func (l *Learner) inNamespace(demand Demand, namespace string) Demand {
	ratios := l.publishedRatios.Load()
	if ratios == nil || demand.PeakSource != SourceRequest {
		return demand
	}
	if ratio := (*ratios)[namespace]; ratio > 1 {
		demand.PeakBytes = int64(min(ratio*float64(demand.RequestBytes), float64(largestPod)))
		demand.PeakSource = SourceNamespace
	}
	return demand
}
