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

const (
	// maxSteps is the most queries that one history takes: a year by the day.
	maxSteps = 366
	// maxPeaks is the most that a history holds: the pods of the largest cluster for a month by the day.
	maxPeaks = 5_000_000
	// historyStall is how long the server may compute before it answers; Prometheus gives up after two minutes itself.
	historyStall = 2*time.Minute + 10*time.Second
)

// Peak is the most that a pod held within a while.
type Peak struct {
	// Bytes of working set. By the default query the sum of the peaks of the pod's containers, which is at least the
	// pod's.
	Bytes int64
	// The while: after Since, up to and including Until.
	Since, Until time.Time
}

// History is what pods held at their peaks. Pods are known by name only: those of a StatefulSet that were replaced are
// one.
type History struct {
	// Pods by namespace and name, each with its peaks, the oldest first. A while in which a pod was not seen is missing.
	Pods map[types.NamespacedName][]Peak
	// RefusedCount is how many figures could not be true, by reason.
	RefusedCount map[sample.Reason]int
}

// History asks for the peaks of all pods in the window up to now, one for every step. step is whole seconds, at least one,
// and goes into window at most maxSteps times; a last step that does not fit is taken as a whole. What the server does not
// know any more is missing; if it knows nothing at all, or any query fails, that is an error.
func (s *Source) History(ctx context.Context, window, step time.Duration) (*History, error) {
	if step < time.Second || step%time.Second != 0 || window < step || (window+step-1)/step > maxSteps {
		return nil, fmt.Errorf("history of %s by %s: want a step of whole seconds that goes into the window at most %d times", window, step, maxSteps)
	}
	query := strings.ReplaceAll(s.options.PodPeaks, RangePlaceholder, fmt.Sprintf("%ds", step/time.Second))
	history := &History{Pods: map[types.NamespacedName][]Peak{}, RefusedCount: map[sample.Reason]int{}}
	now := s.clock.Now().Truncate(time.Second)
	peaks := 0
	whole := (window + step - 1).Truncate(step)
	for until := now.Add(step - whole); !until.After(now); until = until.Add(step) {
		found, err := s.peaks(ctx, query, until, step, history)
		if err != nil {
			return nil, fmt.Errorf("history of pods in the %s before %s: %w", step, until.UTC().Format(time.RFC3339), err)
		}
		if peaks += found; peaks > maxPeaks {
			return nil, fmt.Errorf("history of %s by %s: it has more than %d peaks; take a longer step or a shorter window", window, step, maxPeaks)
		}
	}
	if peaks == 0 {
		return nil, fmt.Errorf("history of %s by %s: the query %s found nothing", window, step, query)
	}
	return history, nil
}

// peaks adds those of one step and returns how many there were.
func (s *Source) peaks(ctx context.Context, query string, until time.Time, step time.Duration, history *History) (int, error) {
	found := 0
	err := s.ask(ctx, s.patient, url.Values{"query": {query}, "time": {strconv.FormatInt(until.Unix(), 10)}}, func(labels map[string]string, value float64, _ string) {
		name := pod(labels)
		bytes, reason := intake.FromFloat(value)
		if name.Name == "" || name.Namespace == "" {
			reason = sample.ReasonUnnamed
		}
		before := history.Pods[name]
		if len(before) > 0 && before[len(before)-1].Until.Equal(until) {
			reason = sample.ReasonDuplicate
		}
		if reason != "" {
			history.RefusedCount[reason]++
			return
		}
		found++
		history.Pods[name] = append(before, Peak{Bytes: bytes, Since: until.Add(-step), Until: until})
	})
	return found, err
}
