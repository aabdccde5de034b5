// SPDX-License-Identifier: Apache-2.0

package ledger_test

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
)

// Pods ask for 400Mi with a limit of 800Mi, so that 600Mi are expected of them at first.
func TestWhatAWorkloadHoldsIsLearnedFromItsWarmPods(t *testing.T) {
	for _, test := range []struct {
		name string
		pod  *corev1.Pod
		held int64 // Mi
		want int64 // Mi expected of a sibling, after an hour
		now  int64 // Mi that count for it at once
	}{
		{"a warm pod holds less than it asks for", pod("p", time.Hour), 100, 115, 400},
		{"a warm pod holds more", pod("p", time.Hour), 700, 805, 700},
		{"one that is not ready tells nothing", pod("p", time.Hour, func(p *corev1.Pod) { p.Status.Conditions[0].Status = corev1.ConditionFalse }), 100, 600, 400},
		{"nor does one on its way out", pod("p", time.Hour, func(p *corev1.Pod) { p.DeletionTimestamp = p.Status.StartTime }), 100, 600, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			options := options
			options.Learner = forecast.NewLearner(options.Estimator)
			builder := ledger.NewBuilder(options)
			for age := time.Hour; age >= 0; age -= 15 * time.Second {
				builder.Build(ledger.Input{Now: ago(age), Nodes: []*corev1.Node{node("n1")}, Pods: []*corev1.Pod{test.pod},
					Samples: samples(1000*mi, age, map[string]int64{"p": test.held * mi})})
			}
			sibling := pod("sibling", -1)
			if got := options.Learner.Demand(sibling).PeakBytes / mi; got < test.want-1 || got > test.want+5 {
				t.Errorf("expected of a sibling: %dMi, want %dMi", got, test.want)
			}
			entry, _ := builder.Build(ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1")}, Pods: []*corev1.Pod{test.pod, sibling},
				Samples: samples(1000*mi, 0, map[string]int64{"p": test.held * mi})}).Pod("sibling")
			if peak := entry.Peak / mi; (entry.Counted-test.now*mi)/mi > 2 || (test.now*mi-entry.Counted)/mi > 2 || peak < test.want-1 || peak > test.want+5 {
				t.Errorf("in the book: counted %dMi, peak %dMi, want what it asks for or is known to hold, %dMi, and %dMi", entry.Counted/mi, peak, test.now, test.want)
			}
		})
	}
}

// Pods of many workloads ask for 40Mi and hold 60Mi: one of a workload that nobody has seen yet is expected to do so as well. Samples
// of now and such as are too old to tell of now teach that alike.
func TestWhatANamespaceRequestsIsLearnedWithWhatItHolds(t *testing.T) {
	asking := func(name string, request int64) *corev1.Pod {
		return pod(name, time.Hour, func(p *corev1.Pod) {
			p.Spec.Containers[0].Resources = corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(request, resource.BinarySI)}}
			p.OwnerReferences = []metav1.OwnerReference{{Kind: "Job", Name: name, Controller: new(true)}}
		})
	}
	for name, age := range map[string]time.Duration{"samples of now": 0, "old samples": 10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			options := options
			options.Learner = forecast.NewLearner(options.Estimator)
			held := map[string]int64{}
			var pods []*corev1.Pod
			for i := range 20 {
				pods = append(pods, asking(fmt.Sprint("p", i), 40*mi))
				held[pods[i].Name] = 60 * mi
			}
			ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1")}, Pods: pods, Samples: samples(2000*mi, age, held)})
			demand := options.Learner.Demand(asking("new", 100*mi))
			if demand.PeakBytes != 150*mi || demand.FirmBytes != 100*mi || demand.PeakSource != forecast.SourceNamespace {
				t.Errorf("expected to hold %dMi and %dMi firmly, by %s; want 150Mi and 100Mi by the namespace ratio", demand.PeakBytes/mi, demand.FirmBytes/mi, demand.PeakSource)
			}
		})
	}
}

// A scheduler that starts sees pods that have been running for long: they had time to grow.
func TestASinglePodOfAgeTellsSomethingAtOnce(t *testing.T) {
	options := options
	options.Learner = forecast.NewLearner(options.Estimator)
	ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1")}, Pods: []*corev1.Pod{pod("p", time.Hour)},
		Samples: samples(1000*mi, 0, map[string]int64{"p": 100 * mi})})
	if got := options.Learner.Demand(pod("sibling", -1)).PeakBytes / mi; got <= 115 || got >= 600 {
		t.Errorf("expected of a sibling: %dMi, want between the 115Mi that were seen and the 600Mi of the prior", got)
	}
}

// It asks for 400Mi, holds 700Mi and was seen for a minute: that its node will have more room than it has is nobody's guess.
func TestAPodIsExpectedToHoldWhatItHoldsHoweverShortItWasSeen(t *testing.T) {
	options := options
	options.Learner = forecast.NewLearner(options.Estimator)
	builder := ledger.NewBuilder(options)
	var line ledger.Node
	for age := time.Minute; age >= 0; age -= 15 * time.Second {
		line = builder.Build(ledger.Input{Now: ago(age), Nodes: []*corev1.Node{node("n1")}, Pods: []*corev1.Pod{pod("p", 2*time.Minute)},
			Samples: samples(1000*mi, age, map[string]int64{"p": 700 * mi})}).Nodes[0]
	}
	if line.ForecastLeft > line.Left {
		t.Errorf("ForecastLeft = %dMi of %dMi that are left, want no more", line.ForecastLeft/mi, line.Left/mi)
	}
}

// By the machine's signal nothing was counted for such a pod, so that nothing comes back when little is expected of it.
func TestAPodThatOnlyItsNodesSampleShowsGivesNothingBack(t *testing.T) {
	options := options
	options.Learner = forecast.NewLearner(options.Estimator)
	unsampled := pod("p", time.Hour)
	options.Learner.Begin(now)
	options.Learner.Observe(forecast.WorkloadOf(unsampled), 10*mi, 10*time.Hour)
	options.Learner.Publish()
	line := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1")}, Pods: []*corev1.Pod{unsampled}, Samples: samples(1000*mi, 0, nil)}).Nodes[0]
	if line.Left != 2900*mi || line.ForecastLeft > line.Left {
		t.Errorf("Left = %dMi and ForecastLeft = %dMi, want 2900Mi and no more than that", line.Left/mi, line.ForecastLeft/mi)
	}
}

// The node is expected to have room again in the hours in which the workload holds little, though the pod holds all it ever will now.
func TestAPodAtItsPeakIsExpectedToFollowItsDay(t *testing.T) {
	options := options
	options.Learner = forecast.NewLearner(options.Estimator)
	busy := pod("p", 72*time.Hour)
	for age := 48 * time.Hour; age > 0; age -= time.Hour {
		held := 100 * mi
		if forecast.HourOf(ago(age)) == forecast.HourOf(now) {
			held = 700 * mi
		}
		options.Learner.Begin(ago(age))
		options.Learner.Observe(forecast.WorkloadOf(busy), held, time.Hour)
		options.Learner.Publish()
	}
	book := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1")}, Pods: []*corev1.Pod{busy},
		Samples: samples(1000*mi, 0, map[string]int64{"p": 900 * mi})})
	if entry, _ := book.Pod("p"); entry.Peak != entry.Counted || entry.Counted != 900*mi {
		t.Fatalf("the pod counts as %+v, want it at its peak of 900Mi", entry)
	}
	expected := book.Nodes[0].Expected
	if busy, quiet := expected[forecast.HourOf(now)], expected[forecast.HourOf(now.Add(12*time.Hour))]; quiet > busy-400*mi {
		t.Errorf("expected are %dMi now and %dMi in twelve hours, want far less then", busy/mi, quiet/mi)
	}
}
