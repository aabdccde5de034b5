// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"math"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
)

const (
	// SourceSiblings: pods of the same workload have been running, and this is what they held at most, with a margin.
	SourceSiblings Source = "siblings"

	// margin is added to what was measured at most: what VerticalPodAutoscaler's recommender adds by default
	// (recommender/logic/recommender.go: recommendation-margin-fraction 0.15).
	margin = 0.15
	// trusted is the time of warm running, over all pods of a workload, after which the prior has lost 63 % of its weight.
	trusted = 10 * time.Minute
	// remembered is how long a peak is remembered at least, and twice that at most.
	remembered = 12 * time.Hour
	// maxWorkloads bounds what is kept; the workloads that were seen least lately go first.
	maxWorkloads = 20_000
)

// Learner corrects a prior by what the pods of a workload have held: the longer they ran, the less the prior counts. Observe
// and Publish are for one goroutine; Demand and Adjust may be called by many at the same time.
type Learner struct {
	prior     Estimator
	now       time.Time
	workloads map[Workload]*learned
	published atomic.Pointer[map[Workload]estimate]
}

var _ Estimator = &Learner{}

// learned is what was seen of one workload.
type learned struct {
	peak, peakBefore int64 // bytes, of this span of time and of the one before
	spanBegan        time.Time
	warm             time.Duration // that pods of the workload were seen to run, in all
	seen             time.Time
}

// estimate is what is published of one workload.
type estimate struct {
	peakBytes int64
	trust     float64 // 0 to 1
}

// NewLearner returns a learner that knows nothing yet.
func NewLearner(prior Estimator) *Learner {
	return &Learner{prior: prior, workloads: map[Workload]*learned{}}
}

// Begin says what time it is for the observations that follow.
func (l *Learner) Begin(now time.Time) { l.now = now }

// Observe takes in that a pod of the workload, warm and running, held so many bytes, and that it ran for so long since it was
// last observed.
func (l *Learner) Observe(workload Workload, bytes int64, ran time.Duration) {
	known := l.workloads[workload]
	if known == nil {
		known = &learned{spanBegan: l.now}
		l.workloads[workload] = known
	}
	if l.now.Sub(known.spanBegan) >= remembered {
		known.peakBefore, known.peak, known.spanBegan = known.peak, 0, l.now
	}
	known.peak = max(known.peak, bytes)
	known.warm += max(ran, 0)
	known.seen = l.now
}

// Publish makes what was observed count, and forgets workloads that were not seen for so long that nothing of them is
// remembered.
func (l *Learner) Publish() {
	for span := 2 * remembered; ; span /= 2 {
		for workload, known := range l.workloads {
			if l.now.Sub(known.seen) >= span {
				delete(l.workloads, workload)
			}
		}
		if len(l.workloads) <= maxWorkloads || span < time.Minute {
			break
		}
	}
	estimates := make(map[Workload]estimate, len(l.workloads))
	for workload, known := range l.workloads {
		peak := max(known.peak, known.peakBefore)
		estimates[workload] = estimate{
			peakBytes: peak + int64(margin*float64(peak)),
			trust:     1 - math.Exp(-known.warm.Seconds()/trusted.Seconds()),
		}
	}
	l.published.Store(&estimates)
}

// Demand returns the pod's demand: the prior's, corrected by what was learned of its workload.
func (l *Learner) Demand(pod *corev1.Pod) Demand {
	demand := l.prior.Demand(pod)
	if estimates := l.published.Load(); estimates == nil || len(*estimates) == 0 {
		return demand
	}
	return l.Adjust(demand, WorkloadOf(pod))
}

// Adjust corrects a demand of the prior by what was learned of the workload. What a pod declares, and what is expected of
// one that was OOM-killed, stays: it held less than it wanted.
func (l *Learner) Adjust(demand Demand, workload Workload) Demand {
	if demand.PeakSource == SourceDeclared || demand.PeakSource == SourceOOMKilled {
		return demand
	}
	estimates := l.published.Load()
	if estimates == nil {
		return demand
	}
	known, ok := (*estimates)[workload]
	if !ok {
		return demand
	}
	demand.PeakBytes = known.peakBytes + int64((1-known.trust)*float64(demand.PeakBytes-known.peakBytes))
	demand.PeakSource = SourceSiblings
	return demand
}
