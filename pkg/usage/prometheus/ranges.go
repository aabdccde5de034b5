// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage/intake"
)

// historyStall is how long the server may compute before it answers; Prometheus gives up after two minutes itself.
const historyStall = 2*time.Minute + 10*time.Second

// Peak is the most that a pod held within a while.
type Peak struct {
	// Bytes of working set. By the default query the sum of the peaks of the pod's containers, which is at least the
	// pod's.
	Bytes int64
	// The while: after Since, up to and including Until.
	Since, Until time.Time
}

// Peaks are what pods held at their peaks, step by step.
type Peaks struct {
	// Pods by namespace and name, each with its peaks, the oldest first. A step in which a pod was not seen is missing.
	Pods map[types.NamespacedName][]Peak
	// RefusedCount is how many figures could not be true, by reason.
	RefusedCount map[sample.Reason]int
}

// Peaks asks, in one query, for the peaks of all pods from start to end, one for every step, the first in the step that
// ends at start, the last in the one that ends at end or before. step is whole seconds, at least one, and start and end are
// whole seconds at most 10,999 steps apart. A step shorter than the interval at which the server scrapes leaves gaps.
// Nothing found is no error.
func (s *Source) Peaks(ctx context.Context, start, end time.Time, step time.Duration) (*Peaks, error) {
	if step < time.Second || step%time.Second != 0 || end.Before(start) || end.Sub(start)/step >= maxPoints {
		return nil, fmt.Errorf("peaks from %s to %s by %s: want a step of whole seconds that goes into the time at most %d times",
			start.UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339), step, maxPoints-1)
	}
	peaks := &Peaks{Pods: map[types.NamespacedName][]Peak{}, RefusedCount: map[sample.Reason]int{}}
	body, err := s.get(ctx, s.patient, s.query.JoinPath("..", "query_range"), url.Values{
		"query": {strings.ReplaceAll(s.options.PodPeaks, RangePlaceholder, fmt.Sprintf("%ds", step/time.Second))},
		"start": {strconv.FormatInt(start.Unix(), 10)},
		"end":   {strconv.FormatInt(end.Unix(), 10)},
		"step":  {strconv.FormatInt(int64(step/time.Second), 10)},
	})
	if err == nil {
		defer body.Close()
		err = decodeMatrix(body, func(labels map[string]string, values []timed) { peaks.take(pod(labels), values, step) })
	}
	if err != nil {
		return nil, fmt.Errorf("peaks of pods from %s to %s: %w", start.UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339), err)
	}
	return peaks, nil
}

// take adds those of one series.
func (p *Peaks) take(name types.NamespacedName, values []timed, step time.Duration) {
	for _, value := range values {
		bytes, reason := intake.FromFloat(value.number)
		until := unixTime(value.seconds)
		before := p.Pods[name]
		switch {
		case name.Name == "" || name.Namespace == "":
			reason = sample.ReasonUnnamed
		case reason != "":
		case until.IsZero():
			reason = sample.ReasonNoTime
		case len(before) > 0 && !until.After(before[len(before)-1].Until):
			reason = sample.ReasonDuplicate
		}
		if reason != "" {
			p.RefusedCount[reason]++
			continue
		}
		p.Pods[name] = append(before, Peak{Bytes: bytes, Since: until.Add(-step), Until: until})
	}
}
