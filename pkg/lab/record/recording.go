// SPDX-License-Identifier: Apache-2.0

package record

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/lab/trace"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// Further columns of a recorded trace, beside trace.WorkloadColumn.
const (
	namespaceColumn     = "namespace"
	classColumn         = "qos"
	priorityColumn      = "priority"
	priorityClassColumn = "priority_class"
	provisioned         = "provisioned"
)

// recording is what was seen so far.
type recording struct {
	lives   []*life
	samples int
	// refused counts figures that could not be true, failed reads that brought none.
	refused map[sample.Reason]int
	failed  int
}

// life is one pod from its start to its end.
type life struct {
	name types.NamespacedName
	facts
	// start is zero if the pod lived before the recording, end if it lived on after it.
	start, end time.Time
	times      []time.Time
	bytes      []int64
}

// facts are what series.csv says of a pod. Without known, the request is unknown.
type facts struct {
	known        bool
	requestBytes int64
	// limit in bytes, "0" for none, empty where it is not known.
	limit string
	// owner is KIND/NAME of the controller, empty if there is none.
	owner                          string
	class, priority, priorityClass string
}

// add adds a sample, unless it is not newer than the last one.
func (r *recording) add(l *life, at time.Time, bytes int64) {
	at = at.Truncate(time.Millisecond)
	if n := len(l.times); n > 0 && !at.After(l.times[n-1]) {
		return
	}
	l.times, l.bytes = append(l.times, at), append(l.bytes, bytes)
	r.samples++
}

// refuse counts figures.
func (r *recording) refuse(count map[sample.Reason]int) {
	if r.refused == nil {
		r.refused = map[sample.Reason]int{}
	}
	for reason, n := range count {
		r.refused[reason] += n
	}
}

// first is when the earliest sample was taken.
func (r *recording) first() time.Time {
	var first time.Time
	for _, l := range r.lives {
		if len(l.times) > 0 && (first.IsZero() || l.times[0].Before(first)) {
			first = l.times[0]
		}
	}
	return first
}

// trace is the recording in seconds since zero, without pods that were never sampled, and the number of those that were
// and whose requests are not known.
func (r *recording) trace(names *names, zero time.Time) (t *trace.Trace, leftOut int) {
	lives := slices.DeleteFunc(slices.Clone(r.lives), func(l *life) bool { return len(l.times) == 0 })
	slices.SortStableFunc(lives, func(a, b *life) int {
		return cmp.Or(a.times[0].Compare(b.times[0]), cmp.Compare(a.name.String(), b.name.String()))
	})
	t = &trace.Trace{}
	for _, l := range lives {
		if !l.known {
			leftOut++
			continue
		}
		t.Series = append(t.Series, l.series(names, zero))
	}
	t.Summarize()
	return t, leftOut
}

func (l *life) series(names *names, zero time.Time) trace.Series {
	since := func(at time.Time) float64 { return max(0, float64(at.Sub(zero).Milliseconds())/1000) }
	s := trace.Series{
		ID: names.pod(l.name), RequestBytes: l.requestBytes, RequestSource: provisioned, End: trace.Open, Bytes: l.bytes,
		Extra: map[string]string{namespaceColumn: names.text("namespace", l.name.Namespace)},
	}
	for _, at := range l.times {
		s.Times = append(s.Times, since(at))
	}
	if !l.start.IsZero() {
		s.Start = min(since(l.start), s.Times[0])
	}
	if !l.end.IsZero() {
		const instant = 0.001 // the end is exclusive
		s.End = max(since(l.end), s.Times[len(s.Times)-1]+instant)
	}
	if l.owner != "" {
		s.Extra[trace.WorkloadColumn] = names.text("workload", fmt.Sprintf("%s/%s", l.name.Namespace, l.owner))
	}
	for column, text := range map[string]string{
		trace.LimitColumn: l.limit, classColumn: l.class, priorityColumn: l.priority, priorityClassColumn: names.text("priority", l.priorityClass),
	} {
		if text != "" {
			s.Extra[column] = text
		}
	}
	return s
}
