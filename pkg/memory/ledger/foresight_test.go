// SPDX-License-Identifier: Apache-2.0

package ledger_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
)

// Samples that always come five minutes late: a pod asks for 400Mi, with a limit of 800Mi, and holds 700Mi.
func TestWhatAnOldSampleShowedIsLearnedAndDoesNotCountForNow(t *testing.T) {
	const late = 5 * time.Minute
	options := options
	options.Learner = forecast.NewLearner(options.Estimator)
	builder := ledger.NewBuilder(options)
	steady := pod("p", 3*time.Hour)
	var book *ledger.Snapshot
	for age := time.Hour; age >= 0; age -= 15 * time.Second {
		book = builder.Build(ledger.Input{Now: ago(age), Nodes: []*corev1.Node{node("n1")}, Pods: []*corev1.Pod{steady},
			Samples: samples(1000*mi, age+late, map[string]int64{"p": 700 * mi})})
	}
	sibling := options.Learner.Demand(pod("sibling", -1))
	if peak := sibling.PeakBytes / mi; peak < 804 || peak > 806 {
		t.Errorf("expected of a sibling: %dMi, want the 700Mi that were seen and 15 %%", peak)
	}
	if sibling.FirmBytes != 400*mi {
		t.Errorf("a sibling asks firmly for %dMi, want its request of 400Mi", sibling.FirmBytes/mi)
	}
	if entry, _ := book.Pod("p"); entry.Measured != 0 || entry.Counted != 400*mi {
		t.Errorf("the pod counts for %dMi, of which %dMi were measured, want its request: what it holds now is not known", entry.Counted/mi, entry.Measured/mi)
	}
	if !book.Degraded || !book.Foreseen {
		t.Errorf("degraded %t, foreseen %t, want both", book.Degraded, book.Foreseen)
	}
	for hour, expected := range book.Nodes[0].Expected {
		if expected != 700*mi {
			t.Errorf("in hour %d the node is expected to hold %dMi, want what is expected of its pod, 700Mi", hour, expected/mi)
		}
	}
}

func TestAnOldSampleOfAPodOnItsWayOutTeachesNothing(t *testing.T) {
	options := options
	options.Learner = forecast.NewLearner(options.Estimator)
	leaving := pod("p", 3*time.Hour, func(p *corev1.Pod) { p.DeletionTimestamp = p.Status.StartTime })
	ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1")}, Pods: []*corev1.Pod{leaving},
		Samples: samples(1000*mi, time.Hour, map[string]int64{"p": 100 * mi})})
	if known := len(options.Learner.Records()); known != 0 {
		t.Errorf("%d workloads are known, want none", known)
	}
}

// One that was told of by an old sample is not told of again when the same sample is seen once more.
func TestAnOldSampleTeachesOnce(t *testing.T) {
	options := options
	options.Learner = forecast.NewLearner(options.Estimator)
	builder := ledger.NewBuilder(options)
	for age := time.Hour; age >= 0; age -= 15 * time.Second {
		builder.Build(ledger.Input{Now: ago(age), Nodes: []*corev1.Node{node("n1")}, Pods: []*corev1.Pod{pod("p", 3*time.Hour)},
			Samples: samples(1000*mi, 2*time.Hour, map[string]int64{"p": 100 * mi})})
	}
	// Five minutes at most are credited for a pod that is seen first: an hour of them would be trusted.
	if peak := options.Learner.Demand(pod("sibling", -1)).PeakBytes / mi; peak < 400 {
		t.Errorf("expected of a sibling: %dMi, want most of the prior's 600Mi", peak)
	}
}

func TestNodesAreForeseenWhenHalfOfThePodsAre(t *testing.T) {
	for _, test := range []struct {
		name           string
		known, unknown int
		want           bool
	}{
		{"no pods", 0, 0, false},
		{"none of them", 0, 2, false},
		{"one of three", 1, 2, false},
		{"half", 2, 2, true},
		{"all", 1, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			options := options
			options.Learner = forecast.NewLearner(options.Estimator)
			var pods []*corev1.Pod
			options.Learner.Begin(now)
			for i := range test.known + test.unknown {
				made := pod(string(rune('a'+i)), time.Hour, func(p *corev1.Pod) { p.Labels = map[string]string{"pod-template-hash": string(rune('a' + i))} })
				if i < test.known {
					options.Learner.Observe(forecast.WorkloadOf(made), 10*mi, time.Hour)
				}
				pods = append(pods, made)
			}
			options.Learner.Publish()
			book := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1")}, Pods: pods})
			if book.Foreseen != test.want {
				t.Errorf("foreseen = %t, want %t", book.Foreseen, test.want)
			}
		})
	}
}

// A pod that bursts held 500Mi for a while as it warmed up, and 50Mi since. Its next burst comes.
func TestAYoungPodIsExpectedToHoldAgainWhatItHeld(t *testing.T) {
	for _, test := range []struct {
		name  string
		ready time.Duration // before now
		want  int64         // MiB in each hour
	}{
		{"ready for two minutes", 2 * time.Minute, 500},
		{"ready for eleven", 11 * time.Minute, 50},
	} {
		t.Run(test.name, func(t *testing.T) {
			options := options
			options.Learner = forecast.NewLearner(options.Estimator)
			builder, bursts := ledger.NewBuilder(options), pod("p", test.ready)
			bursts.Spec.Containers[0].Resources = corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("30Mi")}}
			build := func(before time.Duration, held int64) ledger.Pod {
				set := samples(1000*mi, before, map[string]int64{"p": held * mi})
				book := builder.Build(ledger.Input{Now: ago(before), Nodes: []*corev1.Node{node("n1")}, Pods: []*corev1.Pod{bursts}, Samples: set})
				entry, _ := book.Pod("p")
				return entry
			}
			build(test.ready-30*time.Second, 500)
			entry := build(0, 50)
			if entry.Counted != 50*mi {
				t.Errorf("counted %dMi, want the 50Mi that are measured", entry.Counted/mi)
			}
			var hours [forecast.Hours]float64
			entry.Course.AddTo(&hours, 1)
			for hour, expected := range hours {
				if int64(expected)/mi != test.want {
					t.Errorf("in hour %d %dMi are expected, want %dMi", hour, int64(expected)/mi, test.want)
				}
			}
		})
	}
}
