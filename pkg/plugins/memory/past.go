// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/usage/prometheus"
)

const (
	// pastRetry is the time after which an hour that could not be read is asked for again, and pastTries how often it is.
	pastRetry = time.Minute
	pastTries = 5
)

// pastSource tells what pods held at most, by namespace and name, in steps from the one that ends at start to the one that ends at
// end.
type pastSource interface {
	Peaks(ctx context.Context, start, end time.Time, step time.Duration) (*prometheus.Peaks, error)
}

// past reads once what pods that run now held in each hour before the scheduler started, so that it need not watch them for a day.
// Pods that are gone are left out: only a pod tells its workload.
type past struct {
	source   pastSource
	period   time.Duration
	pods     corelisters.PodLister
	synced   cache.InformerSynced
	clock    clock.Clock
	metrics  *metrics
	handover *handover
}

// run reads hour by hour, the oldest first, in one query each, and hands over what was learned. An hour that cannot be read, after
// some tries, ends it: what was read by then counts.
func (p *past) run(ctx context.Context) {
	if !cache.WaitForCacheSync(ctx.Done(), p.synced) {
		return
	}
	logger, now := klog.FromContext(ctx), p.clock.Now()
	learner := forecast.NewLearner(forecast.Prior{})
	learner.Begin(now)
	// Whole hours of the day, as a profile has them. The one that goes on is watched from now on.
	last := now.Truncate(time.Hour)
	hours := int(p.period / time.Hour)
	var problem error
	read := 0
	for ; read < hours && problem == nil; read++ {
		problem = p.hour(ctx, learner, last.Add(-time.Duration(hours-1-read)*time.Hour))
	}
	if ctx.Err() != nil {
		return
	}
	records := learner.Records()
	p.handover.give(records)
	if problem != nil {
		logger.Error(problem, "What pods held before can be read in part only; the rest is learned by and by", "hours", read-1, "of", hours, "workloads", len(records))
		return
	}
	logger.Info("Read what pods held before", "hours", hours, "workloads", len(records), "took", p.clock.Since(now).Round(time.Second).String())
}

// hour reads the hour that ends then, and tries again where that fails.
func (p *past) hour(ctx context.Context, learner *forecast.Learner, until time.Time) error {
	for try := 1; ; try++ {
		peaks, err := p.source.Peaks(ctx, until, until, time.Hour)
		if err == nil {
			p.metrics.pastHours.WithLabelValues(resultSuccess).Inc()
			p.recall(learner, peaks, until)
			return nil
		}
		p.metrics.pastHours.WithLabelValues(resultFailure).Inc()
		if try == pastTries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.clock.After(pastRetry):
		}
	}
}

// recall lets the learner take in what the pods of which there is one of that name now held in the hour that ended then.
func (p *past) recall(learner *forecast.Learner, peaks *prometheus.Peaks, until time.Time) {
	for name, steps := range peaks.Pods {
		if workload, ok := p.workloadOf(name); ok {
			for _, peak := range steps {
				// The end of an hour is the beginning of the next one.
				learner.Recall(workload, peak.Bytes, until.Add(-time.Second), time.Hour)
			}
		}
	}
	for reason, count := range peaks.RefusedCount {
		p.metrics.refused.WithLabelValues(string(reason)).Add(float64(count))
	}
}

func (p *past) workloadOf(name types.NamespacedName) (forecast.Workload, bool) {
	pod, err := p.pods.Pods(name.Namespace).Get(name.Name)
	if err != nil {
		return forecast.Workload{}, false
	}
	return forecast.WorkloadOf(pod), true
}
