// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
)

const mebibyte = 1 << 20

// steady is a life that holds the same amount all the time, in MiB.
func steady(id string, request, holds int64) *life {
	return rising(id, request, holds, holds, 0, 1)
}

// rising is a life that holds one amount until a second and another from a later one on, in MiB.
func rising(id string, request, before, after int64, from, to float64) *life {
	return &life{
		id: id, workload: id, request: request * mebibyte, end: 1e9,
		times: []float64{from, to}, bytes: []int64{before * mebibyte, after * mebibyte},
	}
}

// until is the life, ended at a second.
func until(l *life, second float64) *life {
	l.end = second
	return l
}

// told is what happened in a run.
type told struct {
	// Ends say when, what and how.
	Ends []string
	// Placements say when and what; a pod that finds no node is not told of.
	Placements []string
	// Tainted are the first and the last step at which a node was tainted.
	Tainted []float64
	// Home is whether every pod was placed on one and the same node.
	Home bool
}

// prepared is a run of a policy on nodes of 10,000 MiB of which the kubelet keeps 300, not played yet.
func prepared(t *testing.T, name string, nodes int, plan *Plan) *run {
	t.Helper()
	policy, err := PolicyNamed(name)
	if err != nil {
		t.Fatal(err)
	}
	r := newRun(Run{Scenario: Base(), Policy: policy, Nodes: nodes, NodeBytes: 10_000 * mebibyte}, plan)
	if err := r.prepare(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	return r
}

// watched plays lives, given in the order of their arrival, on nodes of 10,000 MiB of which the kubelet keeps 300, for some
// seconds in steps of one minute.
func watched(t *testing.T, nodes int, seconds float64, lives ...*life) (told, Result) {
	t.Helper()
	r := prepared(t, "least-allocated", nodes, &Plan{lives: lives, to: seconds, step: 60})
	got := told{Home: true}
	home := ""
	r.decided = func(second float64, pod, node string) {
		if node == "" {
			return
		}
		if home == "" {
			home = node
		}
		got.Home = got.Home && node == home
		got.Placements = append(got.Placements, fmt.Sprintf("%.0f %s", second, pod))
	}
	r.story = func(_ *node, second float64, p *pod, what string) {
		got.Ends = append(got.Ends, fmt.Sprintf("%.0f %s %s", second, p.object.Name, what))
	}
	r.stepped = func(second float64) {
		for _, n := range r.cluster.nodes {
			if len(n.object.Spec.Taints) == 0 {
				continue
			}
			if len(got.Tainted) < 2 {
				got.Tainted = append(got.Tainted, second)
			} else {
				got.Tainted[1] = second
			}
		}
	}
	if err := r.play(t.Context()); err != nil {
		t.Fatal(err)
	}
	return got, r.result
}

func TestMemoryOfANode(t *testing.T) {
	for _, test := range []struct {
		name    string
		nodes   int
		seconds float64
		lives   []*life
		want    told
	}{
		{
			name: "exactly at the threshold nothing happens", nodes: 1, seconds: 300,
			lives: []*life{steady("a", 5000, 5700), steady("b", 4000, 4000)},
			want:  told{Placements: []string{"0 a-0", "0 b-0"}, Home: true},
		},
		{
			// 9,300 MiB until second 540, 10,300 from 600 on: 17 MiB between two looks. a is 300 above its request, b 250, d 150,
			// large is not above. Without a there are 100 left of the 300 that the kubelet keeps, without b 450. Both are made
			// again and have to go elsewhere, where blocker left at 400, after 10 s: each is the first of its owner.
			name: "slowly over the threshold", nodes: 2, seconds: 1200,
			lives: []*life{
				until(steady("blocker", 9700, 9000), 400), rising("large", 9300, 9000, 9300, 540, 600),
				rising("d", 100, 100, 250, 540, 600), rising("b", 100, 100, 350, 540, 600), rising("a", 100, 100, 400, 540, 600),
			},
			want: told{
				Placements: []string{"0 blocker-0", "0 large-0", "0 d-0", "0 b-0", "0 a-0", "610 a-1", "610 b-1"},
				Ends:       []string{"600 a-0 evicted", "600 b-0 evicted"},
				Tainted:    []float64{600, 840}, // calm at 900 for five minutes
			},
		},
		{
			// Wherever it goes it is too much. Each node is tainted from the step of the eviction on.
			name: "evicted again and again", nodes: 4, seconds: 300,
			lives: []*life{steady("a", 100, 9800)},
			want: told{
				Placements: []string{"0 a-0", "70 a-1", "140 a-2", "220 a-3"}, // after 10, 20 and 40 s
				Ends:       []string{"60 a-0 evicted", "120 a-1 evicted", "180 a-2 evicted", "240 a-3 evicted"},
				Tainted:    []float64{60, 240},
			},
		},
		{
			// 11,000 MiB at 60, 833 more than ten seconds before: the kernel is first. It takes leak: 6,000 MiB and 900
			// thousandths of the machine for its small request; large holds 5,000 and has 500 thousandths. The container starts
			// again in place, and is killed again at the first step after that: 70, 140, 220, 320, 520, and at last after five
			// minutes at 840, a step at which it is killed in the moment of its start, and down until 1140.
			name: "in one leap over the machine", nodes: 1, seconds: 1200,
			lives: []*life{steady("large", 5000, 5000), rising("leak", 1000, 1000, 6000, 0, 60)},
			want: told{
				Placements: []string{"0 large-0", "0 leak-0"}, Home: true,
				Ends: []string{
					"60 leak-0 OOM-killed", "120 leak-0 OOM-killed", "180 leak-0 OOM-killed", "240 leak-0 OOM-killed", "360 leak-0 OOM-killed",
					"540 leak-0 OOM-killed", "840 leak-0 OOM-killed", "1140 leak-0 OOM-killed",
				},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, result := watched(t, test.nodes, test.seconds, test.lives...)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("what happened (-want +got):\n%s", diff)
			}
			if ends := result.Evictions + result.OOMKills; ends != len(test.want.Ends) || result.Pods != len(test.lives) {
				t.Errorf("the result counts %d ends of %d pods, want %d of %d", ends, result.Pods, len(test.want.Ends), len(test.lives))
			}
		})
	}
}

func TestAContainerThatIsKilledAsItStartsHoldsNothing(t *testing.T) {
	lives := []*life{steady("large", 5000, 5000), rising("leak", 1000, 1000, 6000, 0, 60)}
	r := prepared(t, "least-allocated", 1, &Plan{lives: lives, to: 900, step: 60})
	if err := r.play(t.Context()); err != nil { // it is killed at 840, when it starts
		t.Fatal(err)
	}
	for _, p := range r.cluster.pods {
		if p.life.id == "leak" && (p.bytes != 0 || p.object.Status.ContainerStatuses[0].State.Running != nil) {
			t.Errorf("holds %d bytes, %+v", p.bytes, p.object.Status.ContainerStatuses[0].State)
		}
	}
}

func TestBackoff(t *testing.T) {
	var got []float64
	for ends := range 7 {
		got = append(got, backoff(ends))
	}
	if diff := cmp.Diff([]float64{10, 20, 40, 80, 160, 300, 300}, got); diff != "" {
		t.Errorf("seconds (-want +got):\n%s", diff)
	}
}

// ended plays lives on one node of 10,000 MiB in steps of some seconds, and returns when what ended how.
func ended(t *testing.T, step, seconds float64, lives ...*life) (ends []string, troubles []ledger.Trouble) {
	t.Helper()
	r := prepared(t, "least-allocated", 1, &Plan{lives: lives, to: seconds, step: step})
	r.story = func(_ *node, second float64, p *pod, what string) {
		ends = append(ends, fmt.Sprintf("%.0f %s %s", second, p.life.id, what))
	}
	if err := r.play(t.Context()); err != nil {
		t.Fatal(err)
	}
	return ends, r.troubles
}

// The first node's kubelet looks at 0, 10, 20 ... with seed 0.
func TestAKubeletLooksEveryTenSecondsAndTheKernelAlways(t *testing.T) {
	for _, test := range []struct {
		name  string
		lives []*life
		want  []string
	}{
		{
			// 9,700 MiB are passed at 23, and 10,000 are not reached before 30.
			name:  "over the threshold between two looks",
			lives: []*life{rising("a", 100, 100, 1000, 22, 31), steady("b", 8950, 8950)},
			want:  []string{"30 a evicted"},
		},
		{
			// 10,000 MiB are passed at 25.
			name:  "over the machine before the kubelet looks",
			lives: []*life{rising("a", 100, 100, 2000, 22, 26), steady("b", 8950, 8950)},
			want:  []string{"25 a OOM-killed"},
		},
		{
			name:  "over the threshold and back before the kubelet looks",
			lives: []*life{until(rising("a", 100, 100, 1000, 22, 23), 28), steady("b", 8950, 8950)},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := ended(t, 1, 35, test.lives...)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("ends (-want +got):\n%s", diff)
			}
		})
	}
}

// A step of five minutes ends with more than the kubelet saw when it evicted: that is what its message says.
func TestAnEvictionTellsWhatWasHeldWhenTheKubeletLooked(t *testing.T) {
	for _, test := range []struct {
		name string
		life *life
		want int64 // MiB
	}{
		// 9,700 MiB are passed at 480, when the pod holds 750; ten seconds later it has risen by another 16.
		{"above its request", rising("a", 600, 450, 950, 300, 600), 766},
		{"below its request nothing is said", rising("a", 780, 450, 950, 300, 600), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			ends, troubles := ended(t, 300, 700, test.life, steady("b", 8_900, 8_950))
			if diff := cmp.Diff([]string{"600 a evicted"}, ends); diff != "" {
				t.Fatalf("ends (-want +got):\n%s", diff)
			}
			if got := troubles[0].HeldBytes / mebibyte; got != test.want {
				t.Errorf("held %d MiB, want %d", got, test.want)
			}
		})
	}
}

// a is evicted at 600 and made again at 610.
func TestAPodThatWaitsForItsRestartAtTheEndIsCounted(t *testing.T) {
	for _, test := range []struct {
		name           string
		to             float64
		unplaced       int
		pendingSeconds float64
	}{
		{"in its back-off", 605, 1, 5},
		{"as its back-off ends", 610, 1, 10},
		{"on a node that is under pressure", 655, 1, 55},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, result := watched(t, 1, test.to, steady("large", 9300, 9000), rising("a", 100, 100, 1000, 540, 600))
			pending := result.PendingHours * 3600
			if result.Evictions != 1 || result.Unplaced != test.unplaced || math.Abs(pending-test.pendingSeconds) > 1e-6 {
				t.Errorf("%+v, want 1 eviction, %d pod unplaced and %g s of waiting", result, test.unplaced, test.pendingSeconds)
			}
			if hours := result.PodHours + result.PendingHours; math.Abs(hours*3600-2*test.to) > 1e-6 {
				t.Errorf("%g s on nodes and of waiting, want those of two pods", hours*3600)
			}
		})
	}
}

func TestCranesDayIsADay(t *testing.T) {
	r := &run{cluster: newCluster(1, 1000, 0)}
	n := r.cluster.nodes[0]
	p := &pod{life: &life{times: []float64{0, 3600, 3601}, bytes: []int64{900, 900, 100}}}
	n.pods = []*pod{p}
	for second := 0.0; second <= 47*3600; second += 300 {
		p.bytes = p.holds(second)
		r.mark(second)
	}
	for _, test := range []struct {
		hour float64
		want int64
	}{{24, 900}, {26, 100}, {47, 100}} {
		u := &usage{latest: 100}
		if u.windows(n, test.hour*3600); u.day != test.want {
			t.Errorf("after %g hours the most of a day is %d, want %d", test.hour, u.day, test.want)
		}
	}
}

// Between two steps the pod's memory runs in a straight line to three times what the node has: its kubelet and kernel act at
// steps only. A scheduler that was shown that would refuse the sample, and know nothing of a node that is full.
func TestNoMetricsShowMoreThanANodeHas(t *testing.T) {
	r := prepared(t, "headroom", 1, &Plan{lives: []*life{rising("a", 5000, 1000, 30_000, 540, 600)}, to: 1200, step: 60})
	got := map[float64]int64{} // MiB by when it was measured
	r.at(646, func() {
		m := r.measure(646)
		got[m.taken] = m.nodes[0].latest / mebibyte
		for name, pod := range r.samples(m).Pods {
			if pod.Bytes != 10_000*mebibyte {
				t.Errorf("%s is measured to hold %d MiB, want the 10000 of its node", name, pod.Bytes/mebibyte)
			}
		}
		r.headroom.refresh(r)
		if node := r.headroom.book.Snapshot().Nodes[0]; node.State != ledger.Fresh {
			t.Errorf("the node's sample is %v, want it fresh", node.State)
		}
	})
	if err := r.play(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[float64]int64{585: 10_000}, got); diff != "" {
		t.Errorf("measured (-want +got):\n%s", diff)
	}
}
