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
	// trustedByEnd is how much warm running it counts for that a pod was ended for want of memory, up to trustedByEnds in all.
	trustedByEnd, trustedByEnds = trusted / 2, 2 * trusted
	// recent is the time constant of the average that says what a workload holds now.
	recent = 5 * time.Minute
)

// Learner corrects a prior by what the pods of a workload have held: the longer they ran, the less the prior counts. Observe
// and Publish are for one goroutine; Demand and Adjust may be called by many at the same time.
type Learner struct {
	prior     Estimator
	now       time.Time
	workloads map[Workload]*learned
	latest    map[Workload]Workload // by what they are revisions of
	outcomes  Outcomes
	without   Part
	published atomic.Pointer[estimates]
	// unindexed is set when there are workloads that are not published yet, or some are no more.
	unindexed bool
	// publishedRatios are those of namespaces.
	publishedRatios atomic.Pointer[map[string]float64]
}

var _ Estimator = &Learner{}

// learned is what was seen of one workload.
type learned struct {
	hourly hourly
	// request is what a pod of it asked for last, in bytes; 0: that is not known.
	request int64
	level   float64       // bytes that a pod held of late, on average
	warm    time.Duration // that pods of the workload were seen to run, in all
	seen    time.Time
	hour    ongoing
	endings endings
	// share is what ofRequest said when it was published.
	share float64
	// published is what others see of all this, nil before the first time, and news says that it is of before.
	published atomic.Pointer[Learned]
	news      bool
}

// Learned is what is published of one workload. It never changes.
type Learned struct {
	hours      Profile
	peakBytes  int64 // with the margin
	levelBytes int64
	trust      float64 // 0 to 1
}

// NewLearner returns a learner that knows nothing yet.
func NewLearner(prior Estimator) *Learner {
	return &Learner{prior: prior, workloads: map[Workload]*learned{}, latest: map[Workload]Workload{}}
}

// Begin says what time it is for the observations that follow.
func (l *Learner) Begin(now time.Time) {
	if now.Round(0).Before(l.now.Round(0)) { // The clock was set back: by its figure, without what time has passed.
		for _, known := range l.workloads {
			known.bound(now)
		}
	}
	l.now = now
}

// Observe takes in that a pod of the workload, warm and running, held so many bytes, and that it ran for so long since it was
// last observed.
func (l *Learner) Observe(workload Workload, bytes int64, ran time.Duration) {
	known := l.workloads[workload]
	if known == nil {
		known = l.begin(workload, l.now)
	}
	ran = max(ran, 0)
	l.judge(workload, bytes)
	l.note(known, l.now, bytes)
	left := known.lasting(l.now) // of a level of long ago; the rest is what is seen now
	if known.level == 0 {        // It is observed for the first time.
		left = 0
	}
	known.level = float64(bytes) + (known.level-float64(bytes))*left*math.Exp(-ran.Seconds()/recent.Seconds())
	known.warm = min(known.warm+ran, maxWarm)
	known.seen = l.now
	known.news = true
}

// note takes in what a pod held at a time. Nothing is lost thereby of what was expected of an hour that is not over.
func (l *Learner) note(known *learned, at time.Time, bytes int64) {
	if hourNumber(at) == hourNumber(l.now) {
		l.follow(known, bytes)
	}
	known.hourly.pause(known.seen, at)
	known.hourly.add(at, bytes)
}

// Recall takes in that a pod of the workload held so many bytes at most in a while that ended then, long before it was asked
// for. It tells nothing of what is held now.
func (l *Learner) Recall(workload Workload, bytes int64, at time.Time, ran time.Duration) {
	known := l.workloads[workload]
	if known == nil {
		known = l.begin(workload, at)
	}
	l.note(known, at, bytes)
	known.warm = min(known.warm+max(ran, 0), maxWarm)
	if at.After(known.seen) {
		known.level *= known.lasting(at)
		known.seen = at
	}
	known.news = true
}

// Ended takes in that a pod of the workload held so many bytes when it was ended for want of memory. It may be told of late, and
// more than once. What pods hold is measured at times, and one that is ended has often grown since, and would have grown on: its
// successor is taken to hold a fifth more soon, as one that was OOM-killed is.
func (l *Learner) Ended(workload Workload, bytes int64, at time.Time) {
	if l.now.Sub(at) >= remembered {
		return
	}
	known := l.workloads[workload]
	if known == nil {
		known = l.begin(workload, at)
	}
	l.note(known, at, bytes)
	left := known.lasting(at)
	if known.endings.note(at) { // A workload whose pods never live to be warm is known by how they end.
		known.warm = max(known.warm, min(known.warm+trustedByEnd, trustedByEnds))
	}
	if !at.Before(known.seen) {
		known.level = max(known.level*left, float64(raised(bytes)))
		known.seen = at
	}
	known.news = true
}

// Demand returns the pod's demand: the prior's, corrected by what was learned of its workload.
func (l *Learner) Demand(pod *corev1.Pod) Demand {
	demand := l.prior.Demand(pod)
	if estimates := l.published.Load(); estimates == nil || len(*estimates) == 0 {
		return demand
	}
	return l.Adjust(demand, WorkloadOf(pod))
}

// Adjust corrects a demand of the prior by what was learned of the workload. What a pod declares stays. What is expected of one
// that was OOM-killed is the least that it will hold, all day: it held less than it wanted.
func (l *Learner) Adjust(demand Demand, workload Workload) Demand {
	if demand.PeakSource == SourceDeclared {
		return demand
	}
	estimates := l.published.Load()
	if estimates == nil {
		return demand
	}
	demand = l.inNamespace(demand, workload.Namespace)
	known, source := estimates.of(workload), SourceSiblings
	if known == nil {
		if all, ok := workload.revisions(); ok {
			known, source = estimates.of(all), SourceRevision
		}
	}
	if known == nil {
		return demand
	}
	learned := known.peakBytes
	if source == SourceSiblings { // What another revision holds is only expected of this one.
		if held := int64(known.trust * float64(known.levelBytes)); held > demand.FirmBytes {
			demand.FirmBytes, demand.FirmSource = held, SourceSiblings
			learned = max(learned, held)
		}
	}
	if demand.PeakSource == SourceOOMKilled {
		if learned > demand.PeakBytes {
			demand.PeakBytes, demand.PeakSource = learned, source
		}
		return demand
	}
	demand.Learned, demand.PriorBytes = known, demand.PeakBytes
	demand.PeakBytes, demand.PeakSource = known.blend(learned, demand.PeakBytes), source
	return demand
}

// blend weighs what was measured against what was thought before. What is above that is believed at once: it was seen. What is
// below may only not have come yet.
func (l *Learned) blend(measured, prior int64) int64 {
	return measured + int64((1-l.trust)*float64(max(prior-measured, 0)))
}
