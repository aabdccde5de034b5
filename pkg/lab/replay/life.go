// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/headroom-dev/headroom/pkg/lab/trace"
)

const (
	daySeconds = 86_400
	// fillSeconds is the time within which the pods of a static fill arrive.
	fillSeconds = 3_600
	// profileQuantile of the profile day is what requests are made from.
	profileQuantile = 0.9
	// leastRequest is what a pod requests at least, in bytes: some series hold nothing on the profile day.
	leastRequest = 16 << 20
	// lateSteps is how many steps a series of the profile day may start late: what records it may not see all pods at once.
	lateSteps = 3
)

// life is one pod as its owner wants it: from when, for how long, with what memory.
type life struct {
	id       string
	workload string
	// times and bytes are the series' samples; a sample at second s is what is held at s + shift.
	times []float64
	bytes []int64
	shift float64
	// start and end are seconds from the start of the trace.
	start, end     float64
	request, limit int64 // bytes; limit 0: none
	// machine: the limit is what a machine was provisioned with.
	machine bool
}

// at returns what is held at a second: memory moves in a straight line from one sample to the next. from is an index into
// the samples to begin the search at; the one found is returned.
func (l *life) at(second float64, from int) (int64, int) {
	second -= l.shift
	i := min(max(from, 0), len(l.times)-1)
	for i > 0 && l.times[i] > second {
		i--
	}
	for i+1 < len(l.times) && l.times[i+1] <= second {
		i++
	}
	if i+1 == len(l.times) || second <= l.times[i] {
		return l.bytes[i], i
	}
	part := (second - l.times[i]) / (l.times[i+1] - l.times[i])
	return l.bytes[i] + int64(part*float64(l.bytes[i+1]-l.bytes[i])), i
}

// sampled returns the last sample at or before a second, and whether there is one. from is an index to begin the search at, which must
// not be after it; the one found is returned.
func (l *life) sampled(second float64, from int) (bytes int64, index int, ok bool) {
	if len(l.times) == 0 || l.times[0] > second {
		return 0, 0, false
	}
	for from+1 < len(l.times) && l.times[from+1] <= second {
		from++
	}
	return l.bytes[from], from, true
}

// needs is what a node has to have for pods to run it: a machine gets all that it is provisioned with, and a pod may have a limit above
// what any node has.
func (l *life) needs() int64 {
	if l.machine {
		return max(l.limit, l.request)
	}
	return l.request
}

// Plan is the pods of a run and the time it takes.
type Plan struct {
	lives []*life
	// leftOut are the series that are not played.
	leftOut leftOut
	// from and to bound the run, in seconds from the start of the trace; step is the distance of samples.
	from, to, step float64
	// history are the lives whose memory before the run is known.
	history []*life
}

// Pods returns how many pods the plan has.
func (p *Plan) Pods() int { return len(p.lives) }

// Arrivals is an arrival process for FillChurn: when pods come, and how long they stay.
type Arrivals []trace.Arrival

// NewPlan draws the pods of a run from the trace. Of two days or more, the first is the profile and the rest is played; from less than
// a day, so many pods are started as starts says. Series that need more than a node of nodeBytes has for pods are left out: no node
// could run them.
func NewPlan(t *trace.Trace, scenario Scenario, arrivals Arrivals, starts int, nodeBytes int64, seed uint64) (*Plan, error) {
	random := rand.New(rand.NewPCG(seed, 0x5eed))
	if t.Window < daySeconds {
		return planStarts(t, scenario, starts, nodeBytes-scenario.evictionHard(nodeBytes), random)
	}
	if t.Window < 2*daySeconds {
		return nil, fmt.Errorf("trace %s: it lasts %d s; a replay needs two days, of which the first is the profile, or less than a day", t.Name, t.Window)
	}
	profiled, left, err := profiles(t, scenario, nodeBytes-scenario.evictionHard(nodeBytes))
	if err != nil {
		return nil, fmt.Errorf("trace %s: %w", t.Name, err)
	}
	if len(profiled) == 0 {
		return nil, fmt.Errorf("trace %s: no series can be played, of which the first day is the profile: %s", t.Name, left)
	}
	plan := &Plan{from: daySeconds, to: float64(t.Window), step: stepOf(t), history: profiled, leftOut: left}
	if scenario.Fill == FillChurn {
		return plan, plan.churn(profiled, arrivals, random)
	}
	plan.lives = profiled
	random.Shuffle(len(plan.lives), func(i, j int) { plan.lives[i], plan.lives[j] = plan.lives[j], plan.lives[i] })
	for i, pod := range plan.lives {
		pod.start = plan.from + fillSeconds*float64(i)/float64(len(plan.lives))
	}
	plan.lives = slices.DeleteFunc(slices.Clone(plan.lives), func(pod *life) bool { return pod.end <= pod.start })
	return plan, nil
}

// profiles returns the lives of the series that can be played on nodes with so much room for pods, and how many cannot.
func profiles(t *trace.Trace, scenario Scenario, room int64) ([]*life, leftOut, error) {
	left := leftOut{}
	var profiled []*life
	for i := range t.Series {
		made, why, err := profile(&t.Series[i], scenario, stepOf(t))
		switch {
		case err != nil:
			return nil, nil, err
		case made == nil:
			left[why]++
		default:
			profiled = append(profiled, made)
		}
	}
	requestAlike(profiled)
	return left.withoutTooLarge(profiled, room), left, nil
}

// stepOf is the distance of a trace's samples, and a second at least: a trace without two samples of one series has a step of 0.
func stepOf(t *trace.Trace) float64 { return max(t.Step, 1) }

// requestAlike gives the pods of a workload one request, the largest of theirs: they are made from one template.
func requestAlike(lives []*life) {
	most := map[string]int64{}
	for _, l := range lives {
		most[l.workload] = max(most[l.workload], l.request)
	}
	for _, l := range lives {
		l.request = most[l.workload]
		if l.limit > 0 {
			l.limit = max(l.limit, l.request)
		}
	}
}

// limit returns a series' limit in bytes, 0 for none, and whether it is a machine's. Where the trace does not tell, what a machine was
// provisioned with is one, and what the pod of a workload requests is not.
func limit(series *trace.Series) (bytes int64, machine bool, err error) {
	text, told := series.Extra[trace.LimitColumn]
	switch {
	case told:
		bytes, err := strconv.ParseInt(text, 10, 64)
		if err != nil || bytes < 0 {
			return 0, false, fmt.Errorf("series %s: %s %q: want a whole number of bytes, 0 for none", series.ID, trace.LimitColumn, text)
		}
		return bytes, false, nil
	case series.Extra[trace.WorkloadColumn] != "":
		return 0, false, nil
	default:
		return series.RequestBytes, true, nil
	}
}

// profile returns the life of a series that lives through the profile day, or why it is left out.
func profile(series *trace.Series, scenario Scenario, step float64) (made *life, why string, err error) {
	switch {
	case len(series.Times) == 0:
		return nil, unsampled, nil
	case series.Start > lateSteps*step || (series.End >= 0 && series.End <= daySeconds):
		return nil, notProfiled, nil
	}
	limit, machine, err := limit(series)
	if err != nil {
		return nil, "", err
	}
	made = &life{id: series.ID, workload: workloadOf(series), times: series.Times, bytes: series.Bytes, end: math.Inf(1), limit: limit, machine: machine}
	if series.End >= 0 {
		made.end = series.End
	}
	if scenario.Sticky {
		made.bytes = sticky(series.Times, series.Bytes)
	}
	made.request = series.RequestBytes
	if scenario.Requests == RequestsProfiled {
		day, _ := slices.BinarySearch(series.Times, daySeconds)
		made.request = int64(scenario.RequestFactor * float64(quantile(made.bytes[:day], profileQuantile)))
	}
	made.request = max(made.request, leastRequest)
	if made.limit > 0 { // A limit below the request is none that Kubernetes takes.
		made.limit = max(made.limit, made.request)
	}
	return made, "", nil
}

func workloadOf(series *trace.Series) string {
	if workload := series.Extra[trace.WorkloadColumn]; workload != "" {
		return workload
	}
	return series.ID
}

// quantile returns the q-quantile of the values, 0 if there are none.
func quantile(values []int64, q float64) int64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1))]
}

// stickySeconds is how long sticky memory is not given back.
const stickySeconds = 3_600

// sticky returns at each sample the most of the last hour.
func sticky(times []float64, bytes []int64) []int64 {
	held := make([]int64, len(bytes))
	first := 0
	for i := range bytes {
		for times[first] <= times[i]-stickySeconds {
			first++
		}
		held[i] = slices.Max(bytes[first : i+1])
	}
	return held
}
