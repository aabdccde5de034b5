// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
)

func TestTheNodeWithMoreMemoryLeftScoresHigher(t *testing.T) {
	for _, test := range []struct {
		name          string
		better, worse func(*fleet)
	}{
		{"measured use counts, requests do not",
			func(f *fleet) { f.node("better", 1000*mi, 0).running("p", "better", 3000*mi, 900*mi) },
			func(f *fleet) { f.node("worse", 3500*mi, 0).running("q", "worse", 100*mi, 3400*mi) }},
		{"a pod that has not started counts",
			func(f *fleet) { f.node("better", 1000*mi, 0) },
			func(f *fleet) { f.node("worse", 1000*mi, 0).bound("p", "worse", 500*mi) }},
		{"a limit above the request counts in part",
			func(f *fleet) { f.node("better", 1000*mi, 0).running("p", "better", 500*mi, 500*mi) },
			func(f *fleet) {
				f.node("worse", 1000*mi, 0).running("q", "worse", 500*mi, 500*mi)
				limits := corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(2000*mi, resource.BinarySI)}
				f.pods[len(f.pods)-1].Spec.Containers[0].Resources.Limits = limits
			}},
		{"a full fresh node beats a stale one as long as it has room",
			func(f *fleet) { f.node("better", 3600*mi, 0) },
			func(f *fleet) { f.node("worse", 0, 2*time.Minute) }},
		{"a stale node beats one that is expected to run over",
			func(f *fleet) { f.node("better", 3900*mi, 2*time.Minute) },
			func(f *fleet) { f.node("worse", 3800*mi, 0) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			fleet := newFleet(nil)
			test.better(fleet)
			test.worse(fleet)
			fleet.publish()
			better, worse := fleet.score(t, newPod("new", 200*mi), "better"), fleet.score(t, newPod("new", 200*mi), "worse")
			if better <= worse {
				t.Errorf("scores = %d and %d, want the first higher", better, worse)
			}
		})
	}
}

func TestScoresKeepToTheirPartOfTheScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day, now := rapid.Float64Range(0, 3).Draw(t, "day"), rapid.Float64Range(0, 3).Draw(t, "now")
		score, fits := scoreByFullness(day, now), day <= 1 && now <= 1
		if fits && (score < (unknownTop+1)*finePerPoint || score > 100*finePerPoint) || !fits && (score < 0 || score > overflowTop*finePerPoint) {
			t.Fatalf("score of %v and %v = %d", day, now, score)
		}
		if emptier := scoreByFullness(day*rapid.Float64Range(0, 1).Draw(t, "of day"), now*rapid.Float64Range(0, 1).Draw(t, "of now")); emptier < score {
			t.Fatalf("an emptier node scores less: %d after %d", emptier, score)
		}
		size := rapid.Int64Range(1, 1<<50).Draw(t, "size")
		byRequests := scoreByRequests(rapid.Int64Range(0, 1<<51).Draw(t, "requested"), size)
		if byRequests < (overflowTop+1)*finePerPoint || byRequests > unknownTop*finePerPoint {
			t.Fatalf("score by requests = %d, want %d to %d", byRequests, overflowTop+1, unknownTop)
		}
	})
}

func TestPackFillsNodesUpToTheTarget(t *testing.T) {
	// From the best to the worst, by how full a node would be with the pod in its fullest hour; the target is 0.75.
	order := []float64{0.74, 0.5, 0.1, 0.76, 0.9, 1, 1.1}
	before := fwk.MaxScore * finePerPoint
	for _, most := range order {
		score := scoreByPacking(most, most, most, 0.75)
		if score > before || score < 0 {
			t.Errorf("%v full: score %d after %d, want less", most, score, before)
		}
		before = score
	}
	if at := scoreByPacking(0.1, 0.5, 0.75, 0.75); at != fwk.MaxScore*finePerPoint {
		t.Errorf("a node at its target scores %d, want the most there is", at)
	}
	if full, empty := scoreByPacking(0.3, 0.1, 0.9, 0.75), scoreByPacking(0.3, 0.1, 0.7, 0.75); full >= empty {
		t.Errorf("a node with a full hour scores %d, one without %d, want less", full, empty)
	}
}

func TestScoresAreStretchedWhereNodesDiffer(t *testing.T) {
	fine := func(points float64) int64 { return int64(points * finePerPoint) }
	for _, test := range []struct {
		name       string
		fine, want []int64
	}{
		{"nodes that differ much share the scale", []int64{fine(90), fine(60), fine(75)}, []int64{100, 30, 65}},
		{"nodes that differ little are left close together", []int64{fine(90), fine(89.3)}, []int64{100, 93}},
		{"one alone", []int64{fine(31)}, []int64{100}},
		{"what is not known or runs over keeps its place, and stretches nothing", []int64{fine(90), fine(25.7), fine(3)}, []int64{100, 25, 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var scores fwk.NodeScoreList
			for _, score := range test.fine {
				scores = append(scores, fwk.NodeScore{Score: score})
			}
			stretch(scores)
			for i, want := range test.want {
				if scores[i].Score != want {
					t.Errorf("%d becomes %d, want %d", test.fine[i], scores[i].Score, want)
				}
			}
		})
	}
}

// A pod that peaks by night goes where others peak by day, though both nodes hold as much now, and at most as much.
func TestPodsThatPeakTogetherAreKeptApart(t *testing.T) {
	const owls, larks = 0, 1
	snapshot := &ledger.Snapshot{Nodes: make([]ledger.Node, 2)}
	state := &cycleState{}
	for hour := range forecast.Hours {
		night := hour < 12
		snapshot.Nodes[owls].Expected[hour], snapshot.Nodes[larks].Expected[hour] = 200, 600
		if night {
			snapshot.Nodes[owls].Expected[hour], snapshot.Nodes[larks].Expected[hour] = 600, 200
			state.course[hour] = 300
		}
	}
	for i := range snapshot.Nodes {
		snapshot.Nodes[i].Thresholds.Pods, snapshot.Nodes[i].Left, snapshot.Nodes[i].State = 1000, 600, ledger.Fresh
	}
	state.book = newBook(snapshot, reserve{})
	if with, apart := state.score(owls, 0), state.score(larks, 0); with >= apart {
		t.Errorf("scores with pods that peak at the same time %d, at another %d, want more", with, apart)
	}
}

// Nodes are filled up to a share that no hour of the day may exceed.
func TestPackingGoesByTheFullestHour(t *testing.T) {
	const even, peaking = 0, 1
	snapshot := &ledger.Snapshot{Nodes: make([]ledger.Node, 2)}
	for i := range snapshot.Nodes {
		node := &snapshot.Nodes[i]
		node.Thresholds.Pods, node.Left, node.State = 1000, 500, ledger.Fresh
		for hour := range node.Expected {
			node.Expected[hour] = 500
		}
	}
	snapshot.Nodes[peaking].Expected[7] = 900
	for _, flat := range []bool{true, false} {
		state := &cycleState{book: newBook(snapshot, reserve{}), packTo: 0.75, flat: flat}
		half := ((unknownTop+1)*finePerPoint + fwk.MaxScore*finePerPoint) / 2
		if got := state.score(even, 0); got < half {
			t.Errorf("flat %t: a node that is never over the target scores %d, want at least %d", flat, got, half)
		}
		if got := state.score(peaking, 0); got > half {
			t.Errorf("flat %t: a node with an hour over the target scores %d, want at most %d", flat, got, half)
		}
	}
}

// Whoever scores may have other nodes in mind than PreScore was told of, in another order, or copies of them.
func TestScoresAreOfTheNodesThatAreNamed(t *testing.T) {
	fleet := newFleet(nil).node("empty", 100*mi, 0).node("half", 1500*mi, 0).node("full", 3000*mi, 0)
	fleet.publish()
	unknown := fleet.info("half").Snapshot()
	unknown.SetNode(unknown.Node().DeepCopy())
	unknown.Node().Name = "unknown"
	known := fleet.infos()
	want := map[string]int64{"empty": 100, "half": 67, "full": 30, "unknown": 29}
	for _, test := range []struct {
		name           string
		before, scored []fwk.NodeInfo
	}{
		{"the same", append(known, unknown), append(known, unknown)},
		{"in another order", append(known, unknown), []fwk.NodeInfo{unknown, known[2], known[0], known[1]}},
		{"PreScore was told of none", nil, append(known, unknown)},
		{"PreScore was told of fewer", known[1:2], append(known, unknown)},
		{"copies", append(known, unknown), []fwk.NodeInfo{known[0].Snapshot(), known[1].Snapshot(), known[2].Snapshot(), unknown}},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod, cycle := newPod("new", 100*mi), framework.NewCycleState()
			if _, status := fleet.plugin.PreFilter(t.Context(), cycle, pod, known); !status.IsSuccess() {
				t.Fatal(status)
			}
			if status := fleet.plugin.PreScore(t.Context(), cycle, pod, test.before); !status.IsSuccess() {
				t.Fatal(status)
			}
			got := map[string]int64{}
			for _, score := range fleet.scores(t, cycle, pod, test.scored) {
				got[score.Name] = score.Score
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("scores (-want +got):\n%s", diff)
			}
		})
	}
}

// A profile may enable Score alone. The framework refuses what is not on its scale.
func TestWithoutPreFilterAndPreScoreRequestsRankNodes(t *testing.T) {
	for _, shadow := range []bool{false, true} {
		fleet := newFleet(nil).node("busy", 0, 0).running("p", "busy", 3000*mi, mi).node("idle", 3000*mi, 0)
		fleet.plugin.shadow = shadow
		fleet.publish()
		want := map[string]int64{"busy": 22, "idle": 29}
		if shadow {
			want = map[string]int64{"busy": 0, "idle": 0}
		}
		got := map[string]int64{}
		for _, score := range fleet.scores(t, framework.NewCycleState(), newPod("new", 100*mi), fleet.infos()) {
			got[score.Name] = score.Score
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("shadow %t: scores (-want +got):\n%s", shadow, diff)
		}
	}
}

// Two nodes whose pods request alike, and are known to hold differently; the pod is expected to hold 100.
func TestNodesWithoutAFreshSampleAreRankedByWhatTheirPodsAreExpectedToHold(t *testing.T) {
	const full, empty, fresh = 0, 1, 2
	for _, test := range []struct {
		name     string
		degraded bool
		foreseen bool
		want     string // part of the scale of the first two
		ranked   bool
	}{
		{"some are not fresh", false, true, "unknown", true},
		{"too few are fresh", true, true, "room", true},
		{"little was learned: by requests, which are alike", false, false, "unknown", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			snapshot := &ledger.Snapshot{Nodes: make([]ledger.Node, 3), Degraded: test.degraded, Foreseen: test.foreseen}
			for i, held := range []int64{800, 550, 700} {
				node := &snapshot.Nodes[i]
				node.Thresholds.Pods, node.Left, node.State = 1000, 300, ledger.Stale
				if i == fresh { // By its sample it is empty.
					node.State, node.Left = ledger.Fresh, 1000
				}
				for hour := range node.Expected {
					node.Expected[hour] = held
				}
			}
			state := &cycleState{book: newBook(snapshot, reserve{}), nowBytes: 100, flat: true}
			for hour := range state.course {
				state.course[hour] = 100
			}
			byRequests := scoreByRequests(1, 2)
			first, second, third := state.score(full, byRequests), state.score(empty, byRequests), state.score(fresh, byRequests)
			if ranked := first < second; ranked != test.ranked {
				t.Errorf("scores %d of the fuller and %d of the emptier node: told apart %t, want %t", first, second, ranked, test.ranked)
			}
			if test.want == "room" {
				if first < (unknownTop+1)*finePerPoint || third >= second {
					t.Errorf("scores %d, %d and %d, want all by what is expected: a fresh sample is no advantage", first, second, third)
				}
				return
			}
			for _, score := range []int64{first, second} {
				if score < (overflowTop+1)*finePerPoint || score > unknownTop*finePerPoint || score >= third {
					t.Errorf("score %d beside %d of a fresh node, want it between %d and %d points", score, third, overflowTop+1, unknownTop)
				}
			}
		})
	}
}

// A profile without PreScore: the few nodes that have a sample must not be told from the others by it.
func TestWhileDegradedRequestsRankAllNodesAlike(t *testing.T) {
	snapshot := &ledger.Snapshot{Nodes: make([]ledger.Node, 2), Degraded: true}
	for i := range snapshot.Nodes {
		snapshot.Nodes[i].Thresholds.Pods = 1000
	}
	snapshot.Nodes[0].State, snapshot.Nodes[0].Left = ledger.Fresh, 100
	state := &cycleState{book: newBook(snapshot, reserve{}), nowBytes: 10, flat: true}
	if fresh, silent := state.score(0, 2000), state.score(1, 2000); fresh != silent {
		t.Errorf("a node with a sample scores %d, one without %d, want them alike: both promised as much", fresh, silent)
	}
}

func TestWhileDegradedScoringIsSkippedUnlessPodsAreForeseen(t *testing.T) {
	for _, foreseen := range []bool{false, true} {
		fleet := newFleet(nil).node("n1", 1000*mi, 0)
		fleet.plugin.books.publish(&ledger.Snapshot{Degraded: true, Foreseen: foreseen})
		state, pod := framework.NewCycleState(), newPod("new", mi)
		if _, status := fleet.plugin.PreFilter(t.Context(), state, pod, nil); !status.IsSkip() {
			t.Errorf("foreseen %t: PreFilter = %v, want the Filter skipped", foreseen, status)
		}
		if status := fleet.plugin.PreScore(t.Context(), state, pod, nil); status.IsSkip() == foreseen {
			t.Errorf("foreseen %t: PreScore = %v", foreseen, status)
		}
	}
}
