// SPDX-License-Identifier: Apache-2.0

package record

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/lab/screen"
	"github.com/headroom-dev/headroom/pkg/usage/prometheus"
)

const (
	// partSteps is how many steps are asked for at once: little enough for a server that limits what a query may load.
	partSteps = 120
	// replacedAfter is after how long without figures a pod of the same name is another one, or was restarted elsewhere.
	replacedAfter = 5 * time.Minute
)

// peakSource is what prometheus.Source does.
type peakSource interface {
	Peaks(ctx context.Context, start, end time.Time, step time.Duration) (*prometheus.Peaks, error)
	Facts(ctx context.Context, until time.Time, window time.Duration) (map[types.NamespacedName]prometheus.Facts, error)
}

// asked is a recording of what Prometheus knows.
type asked struct {
	recording
	// current is the life that each name has now.
	current  map[types.NamespacedName]*life
	interval time.Duration
	// answered are the ends of the steps in which any pod was seen, ascending: in others the server or its scraping was down.
	answered []time.Time
}

// FromPrometheus records the last Duration, from its oldest part on. A sample is the peak of the Interval that ends with
// it, so the Interval should not be shorter than that at which the server scrapes. When ctx ends, the parts that are
// complete are written, and that is no error; so is a part that the server does not answer, and that is one.
func FromPrometheus(ctx context.Context, source *prometheus.Source, o Options) error {
	return fromPeaks(ctx, source, o)
}

func fromPeaks(ctx context.Context, source peakSource, o Options) error {
	if err := o.begin(); err != nil {
		return err
	}
	steps := int(o.Duration / o.Interval)
	zero := o.Clock.Now().Truncate(o.Interval).Add(-time.Duration(steps) * o.Interval)
	a := &asked{current: map[types.NamespacedName]*life{}, interval: o.Interval}
	began := o.Clock.Now()
	early, done := "", 0
	var failure error
	for done < steps && early == "" {
		part := min(partSteps, steps-done)
		if err := a.part(ctx, source, zero.Add(time.Duration(done)*o.Interval), part); err != nil {
			if early = interrupted(ctx); early == "" {
				early, failure = "Prometheus did not answer", err
			}
			break
		}
		done += part
		now := o.Clock.Now()
		text := func() string { return a.progress(done, steps, now.Sub(began)) }
		o.Screen.Show(now, text, text)
		early = a.full()
	}
	if failure != nil && a.samples == 0 {
		return failure
	}
	zero = a.begin(zero)
	a.end(zero)
	from := fmt.Sprintf("from Prometheus: a sample is the sum of the highest working sets of the pod's containers in the %s before it, "+
		"which is at least the pod's; requests are of its containers, without overhead and init containers", o.Interval)
	if err := o.finish(&a.recording, zero, from, early); err != nil {
		return err
	}
	return failure
}

// part asks for so many steps after start.
func (a *asked) part(ctx context.Context, source peakSource, start time.Time, steps int) error {
	window := time.Duration(steps) * a.interval
	peaks, err := source.Peaks(ctx, start.Add(a.interval), start.Add(window), a.interval)
	if err != nil {
		return err
	}
	known, err := source.Facts(ctx, start.Add(window), window)
	if err != nil {
		return err
	}
	a.refuse(peaks.RefusedCount)
	a.seen(peaks)
	for name, all := range peaks.Pods {
		pod, ok := known[name]
		for _, peak := range all {
			l := a.life(name, peak)
			a.add(l, peak.Until, peak.Bytes)
			if ok {
				l.facts = factsOf(pod)
			}
		}
	}
	return nil
}

// seen adds the steps of a part in which any pod was seen.
func (a *asked) seen(peaks *prometheus.Peaks) {
	steps := map[time.Time]bool{}
	for _, all := range peaks.Pods {
		for _, peak := range all {
			steps[peak.Until.Truncate(time.Millisecond)] = true
		}
	}
	a.answered = append(a.answered, slices.SortedFunc(maps.Keys(steps), time.Time.Compare)...)
}

// missed is for how long a pod was not seen while others were, between two samples of its name.
func (a *asked) missed(last, next time.Time) time.Duration {
	from, found := slices.BinarySearchFunc(a.answered, last, time.Time.Compare)
	if found {
		from++
	}
	to, _ := slices.BinarySearchFunc(a.answered, next.Truncate(time.Millisecond), time.Time.Compare)
	return time.Duration(to-from) * a.interval
}

// life is that which a peak belongs to. A gap of all pods is the server's, and ends no life.
func (a *asked) life(name types.NamespacedName, peak prometheus.Peak) *life {
	l, ok := a.current[name]
	if ok && a.missed(l.times[len(l.times)-1], peak.Until) <= replacedAfter {
		return l
	}
	next := &life{name: name, start: peak.Since}
	if ok { // a StatefulSet's next pod has the same owner and, until told otherwise, request
		next.facts = l.facts
	}
	a.current[name] = next
	a.lives = append(a.lives, next)
	return next
}

// begin is when the recording begins that was asked for from a time on: the server may know nothing of its first hours.
func (a *asked) begin(asked time.Time) time.Time {
	if len(a.answered) == 0 {
		return asked
	}
	return a.answered[0].Add(-a.interval)
}

// end sets when lives end that have no figures at the end of what was answered, and when those begin that have some at its begin.
func (a *asked) end(zero time.Time) {
	if len(a.answered) == 0 {
		return
	}
	last := a.answered[len(a.answered)-1]
	for _, l := range a.lives {
		if !l.start.After(zero) {
			l.start = time.Time{}
		}
		if seen := l.times[len(l.times)-1]; seen.Before(last) {
			l.end = seen.Add(a.interval)
		}
	}
}

func (a *asked) progress(done, steps int, elapsed time.Duration) string {
	left := time.Duration(float64(elapsed) / float64(done) * float64(steps-done))
	return fmt.Sprintf("%d of %d steps | %d pods, %d samples | %s left", done, steps, len(a.lives), a.samples, screen.Clock(left))
}

func factsOf(pod prometheus.Facts) facts {
	f := facts{known: true, requestBytes: pod.RequestBytes, class: pod.QOSClass, priorityClass: pod.PriorityClass}
	if pod.OwnerKind != "" {
		f.owner = pod.OwnerKind + "/" + pod.OwnerName
	}
	return f
}
