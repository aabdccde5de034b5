// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/lab/trace"
)

func TestMain(m *testing.M) {
	// The real plugins that formulas are compared with start tickers that nothing stops.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("sigs.k8s.io/scheduler-plugins/pkg/trimaran.NewCollector.func1"),
		goleak.IgnoreAnyFunction("sigs.k8s.io/scheduler-plugins/pkg/trimaran.New.func1"))
}

// small is a case that takes a fraction of a second, and in which nodes run short.
func small(t *testing.T, made *trace.Trace, policy, scenario string) (Run, *Plan) {
	t.Helper()
	wanted := Run{Trace: "small", Nodes: 4, NodeBytes: 8 << 30, Seed: 1}
	var err error
	if wanted.Policy, err = PolicyNamed(policy); err != nil {
		t.Fatal(err)
	}
	if wanted.Scenario, err = ScenarioNamed(scenario); err != nil {
		t.Fatal(err)
	}
	arrivals := Arrivals{{ID: "a", At: 0, Shortest: 30_000, Longest: 60_000}, {ID: "b", At: 40_000, Shortest: 3_000, Longest: 6_000}, {ID: "c", At: 80_000, Shortest: 300, Longest: 600}}
	plan, err := NewPlan(made, wanted.Scenario, arrivals, 100, wanted.NodeBytes, wanted.Seed)
	if err != nil {
		t.Fatal(err)
	}
	return wanted, plan
}

// generated is a trace of three days.
func generated() *trace.Trace {
	return trace.Generate(7, trace.Days(3), trace.Workloads(40), trace.Step(900))
}

// decision is what a scheduler decided at a time.
type decision struct {
	Second    float64
	Pod, Node string
}

// decisions plays a run and returns what was decided before a second.
func decisions(t *testing.T, wanted Run, plan *Plan, before float64) []decision {
	t.Helper()
	var made []decision
	r := newRun(wanted, plan)
	if err := r.prepare(t.Context(), wanted.Policy); err != nil {
		t.Fatal(err)
	}
	r.decided = func(second float64, pod, node string) {
		if second < before {
			made = append(made, decision{second, pod, node})
		}
	}
	if err := r.play(t.Context()); err != nil {
		t.Fatal(err)
	}
	return made
}

// shuffled returns the trace with the memory of all series in another order from a second on.
func shuffled(original *trace.Trace, second float64) *trace.Trace {
	return shuffledFrom(original, second, 0)
}

// shuffledFrom leaves so many samples from that second on where they are.
func shuffledFrom(original *trace.Trace, second float64, kept int) *trace.Trace {
	changed := *original
	changed.Series = slices.Clone(original.Series)
	random := rand.New(rand.NewPCG(3, 4))
	for i := range changed.Series {
		series := &changed.Series[i]
		series.Bytes = slices.Clone(series.Bytes)
		first, _ := slices.BinarySearch(series.Times, second)
		future := series.Bytes[min(first+kept, len(series.Bytes)):]
		random.Shuffle(len(future), func(i, j int) { future[i], future[j] = future[j], future[i] })
		for j := range future {
			future[j] *= 2
		}
	}
	return &changed
}

// without returns the trace without the samples from one second until another.
func without(original *trace.Trace, from, to float64) *trace.Trace {
	changed := *original
	changed.Series = slices.Clone(original.Series)
	for i := range changed.Series {
		series := &changed.Series[i]
		first, _ := slices.BinarySearch(series.Times, from)
		last, _ := slices.BinarySearch(series.Times, to)
		series.Times = slices.Delete(slices.Clone(series.Times), first, last)
		series.Bytes = slices.Delete(slices.Clone(series.Bytes), first, last)
	}
	changed.Summarize()
	return &changed
}

// What a scheduler decides depends on what was measured until then, and on nothing that comes later. Memory moves in a straight line to the
// next sample, for kubelets and metrics alike: that is the world, and not the future. What comes after that sample is.
func TestNobodyLooksAhead(t *testing.T) {
	const day = 86_400.0
	for _, test := range []struct {
		name string
		now  float64
		many int // decisions until then, at least
	}{
		{"a quarter of the pods are there", day + 900, 8},
		{"half of them are", day + 1800, 16},
		{"three quarters are, between two samples", day + 2800, 24},
		{"a day later", 2 * day, 40},
	} {
		for _, policy := range Policies() {
			if policy.clairvoyant || policy.bound {
				continue
			}
			t.Run(test.name+"/"+policy.Name, func(t *testing.T) {
				original := generated()
				wanted, plan := small(t, original, policy.Name, "base")
				plan.to = test.now
				want := decisions(t, wanted, plan, test.now)
				if len(want) < test.many {
					t.Fatalf("%d decisions before the future is changed: too few to tell", len(want))
				}
				wanted, plan = small(t, shuffledFrom(original, test.now, 1), policy.Name, "base")
				plan.to = test.now
				if diff := cmp.Diff(want, decisions(t, wanted, plan, test.now)); diff != "" {
					t.Errorf("with another future (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// Nor is anything learned of before the run from what comes later, also where samples are missing until then.
func TestTheHistoryEndsWhereTheRunBegins(t *testing.T) {
	const day = 86_400
	for _, test := range []struct {
		name     string
		from, to float64 // of the gap
	}{{"no gap", 0, 0}, {"a gap at the end", day / 4, day}, {"a gap of all the day", 0, day}} {
		for _, policy := range []string{"headroom", "headroom-without-hours"} {
			t.Run(test.name+"/"+policy, func(t *testing.T) {
				original := without(generated(), test.from, test.to)
				wanted, plan := small(t, original, policy, "base")
				wanted.Nodes, plan.to = 12, 1.5*day
				want := decisions(t, wanted, plan, plan.to)
				_, plan = small(t, original, policy, "base")
				_, other := small(t, shuffled(original, day), policy, "base")
				plan.history, plan.to = other.history, 1.5*day
				if diff := cmp.Diff(want, decisions(t, wanted, plan, plan.to)); diff != "" || len(want) < 20 {
					t.Errorf("%d decisions, and with another future after the history (-want +got):\n%s", len(want), diff)
				}
			})
		}
	}
}

func TestClairvoyantLooksAhead(t *testing.T) {
	original := generated()
	wanted, plan := small(t, original, "clairvoyant", "base")
	want := decisions(t, wanted, plan, 2*86_400)
	wanted, plan = small(t, shuffled(original, 2*86_400), "clairvoyant", "base")
	if cmp.Equal(want, decisions(t, wanted, plan, 2*86_400)) {
		t.Error("another future changes nothing: the test above would not notice who looks ahead")
	}
}

func TestTheSameRunGivesTheSameResult(t *testing.T) {
	for _, policy := range Policies() {
		t.Run(policy.Name, func(t *testing.T) {
			original := generated()
			var results []Result
			for range 2 {
				wanted, plan := small(t, original, policy.Name, "base")
				result, err := Play(t.Context(), wanted, plan)
				if err != nil {
					t.Fatal(err)
				}
				results = append(results, result)
			}
			if diff := cmp.Diff(results[0], results[1]); diff != "" {
				t.Errorf("(-first +second):\n%s", diff)
			}
		})
	}
}

// A matrix of many runs has one context: each run has to end what it began.
func TestNothingIsLeftOfARun(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(ctx context.Context, wanted Run, plan *Plan) error
	}{
		{"a run", func(ctx context.Context, wanted Run, plan *Plan) error {
			_, err := Play(ctx, wanted, plan)
			return err
		}},
		{"a story", func(ctx context.Context, wanted Run, plan *Plan) error {
			_, err := Tell(ctx, wanted, plan)
			return err
		}},
		{"a check", func(ctx context.Context, wanted Run, _ *Plan) error { return wanted.Policy.Check(ctx) }},
		{"a cluster that stands still", func(ctx context.Context, wanted Run, _ *Plan) error {
			return (&Standing{}).Place(ctx, wanted.Policy, func(func(*corev1.Pod) bool) {}, nil)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			wanted, plan := small(t, generated(), "headroom", "base")
			if err := test.do(t.Context(), wanted, plan); err != nil {
				t.Fatal(err)
			}
			goleak.VerifyNone(t, before)
		})
	}
}

// Whatever the scenario, time adds up: a pod runs, or waits, or waits for its restart.
func TestEveryScenarioPlays(t *testing.T) {
	for _, scenario := range Scenarios() {
		t.Run(scenario.Name, func(t *testing.T) {
			wanted, plan := small(t, generated(), "headroom", scenario.Name)
			var hours float64
			for _, life := range plan.lives {
				hours += max(min(life.end, plan.to)-life.start, 0) / 3600
			}
			pods := plan.Pods()
			result, err := Play(t.Context(), wanted, plan)
			if err != nil {
				t.Fatal(err)
			}
			if got := result.PodHours + result.PendingHours; got < hours*0.999 || got > hours*1.001 {
				t.Errorf("%.1f hours on nodes and %.1f of waiting, want %.1f in all", result.PodHours, result.PendingHours, hours)
			}
			if result.Pods != pods || result.NodeUseP99 <= 0 || result.NodeUseP99 < result.NodeUseP50 {
				t.Errorf("result %+v, want %d pods, and nodes that hold something", result, pods)
			}
		})
	}
}

// Policies are worth comparing: where requests say little, Headroom ends far fewer pods than the default scheduler.
func TestPoliciesDiffer(t *testing.T) {
	results := map[string]Result{}
	for _, policy := range []string{"headroom", "least-allocated", "clairvoyant"} {
		wanted, plan := small(t, generated(), policy, "requests-underset")
		wanted.Nodes = 12
		result, err := Play(t.Context(), wanted, plan)
		if err != nil {
			t.Fatal(err)
		}
		results[policy] = result
		t.Logf("%s: %+v", policy, result)
	}
	headroom, least := results["headroom"], results["least-allocated"]
	if 2*headroom.Rate() >= least.Rate() || least.Evictions+least.OOMKills < 10 {
		t.Errorf("ended in 1,000 pod-hours: %.1f with headroom, %.1f with the default scheduler, want less, and enough to tell", headroom.Rate(), least.Rate())
	}
}

func TestAMatrixThatIsInterruptedKeepsWhatIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	headroom, err := PolicyNamed("least-allocated")
	if err != nil {
		t.Fatal(err)
	}
	matrix := &Matrix{Trace: generated(), Scenarios: []Scenario{Base()}, Policies: []Policy{headroom}, Nodes: []int{6}, NodeBytes: 8 << 30, Seeds: 50}
	var done []Result
	err = matrix.Play(ctx, 2, func(result Result) {
		if done = append(done, result); len(done) == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || len(done) < 3 || len(done) > 5 {
		t.Errorf("error %v after %d results, want that it was canceled, after 3 or a few more", err, len(done))
	}
}

func TestEachRunIsPlayedOnce(t *testing.T) {
	large, err := ScenarioNamed("nodes-large")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := PolicyNamed("least-allocated")
	if err != nil {
		t.Fatal(err)
	}
	m := &Matrix{Trace: &trace.Trace{}, Scenarios: []Scenario{Base(), large}, Policies: []Policy{policy}, Nodes: []int{28, 30, 30}, NodeBytes: 1, Seeds: 2}
	var got []string
	for _, run := range m.Runs() {
		got = append(got, fmt.Sprint(run.Scenario.Name, " ", run.Nodes, " ", run.Seed))
	}
	want := []string{"base 28 1", "base 28 2", "base 30 1", "base 30 2", "nodes-large 7 1", "nodes-large 7 2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}
