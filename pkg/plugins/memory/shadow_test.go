// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	k8smetrics "k8s.io/component-base/metrics"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// registered lets the fleet's metrics count.
func (f *fleet) registered() *fleet {
	registry := k8smetrics.NewKubeRegistry()
	m := f.plugin.metrics
	registry.MustRegister(m.rejections, m.shadows, m.breaker, m.nodes, m.sampleAge, m.left, m.refused, m.reads, m.lastRead, m.cooling, m.thresholds)
	return f
}

func TestShadowDecidesReportsAndDoesNotAct(t *testing.T) {
	for _, test := range []struct {
		name, chosen, want string
		request            int64
	}{
		{"the best node", "empty", shadowSame, 100 * mi},
		{"a node with less room", "half", shadowWorse, 100 * mi},
		{"a node that would have been rejected", "full", shadowRejected, 500 * mi},
		{"a node of which nothing is known", "stale", shadowUnknown, 100 * mi},
	} {
		t.Run(test.name, func(t *testing.T) {
			fleet := newFleet(nil).node("empty", 0, 0).node("half", 2000*mi, 0).node("full", 3800*mi, 0).node("stale", 0, time.Hour).registered()
			fleet.plugin.shadow = true
			fleet.publish()
			pod, state := newPod("p", test.request), framework.NewCycleState()
			fleet.plugin.PreFilter(t.Context(), state, pod, nil)
			nodes := fleet.infos()
			for _, node := range nodes {
				if got := fleet.plugin.Filter(t.Context(), state, pod, node); !got.IsSuccess() {
					t.Errorf("Filter of %s = %v, want success: a shadow does not act", node.Node().Name, got)
				}
			}
			fleet.plugin.PreScore(t.Context(), state, pod, nodes)
			for _, score := range fleet.scores(t, state, pod, nodes) {
				if score.Score != 0 {
					t.Errorf("%s scores %d, want 0 as all", score.Name, score.Score)
				}
			}
			fleet.plugin.Reserve(t.Context(), state, pod, test.chosen)
			fleet.plugin.PostBind(t.Context(), state, pod, test.chosen)
			for _, verdict := range []string{shadowSame, shadowWorse, shadowRejected, shadowUnknown} {
				want := 0.0
				if verdict == test.want {
					want = 1
				}
				if got := counted(t, fleet.plugin.metrics.shadows, verdict); got != want {
					t.Errorf("%s was counted %v times, want %v", verdict, got, want)
				}
			}
		})
	}
}

// Nobody is told of rejections that would not come.
func TestAShadowHeedsTheFiltersMode(t *testing.T) {
	for _, mode := range []config.FilterMode{config.FilterSoft, config.FilterOff} {
		fleet := newFleet(nil).node("full", 3800*mi, 0).registered()
		fleet.plugin.shadow, fleet.plugin.modes.filter = true, mode
		fleet.publish()
		pod, state := newPod("p", 500*mi), framework.NewCycleState()
		fleet.plugin.PreFilter(t.Context(), state, pod, nil)
		fleet.plugin.Reserve(t.Context(), state, pod, "full")
		fleet.plugin.PostBind(t.Context(), state, pod, "full")
		if got := counted(t, fleet.plugin.metrics.shadows, shadowSame); got != 1 {
			t.Errorf("%s: %v decisions were counted as the same, want 1", mode, got)
		}
		if got := counted(t, fleet.plugin.metrics.shadows, shadowRejected); got != 0 {
			t.Errorf("%s: %v rejections were counted, want none", mode, got)
		}
	}
}

// A pod that would wait for its annotation is placed as without the plugin.
func TestAShadowRejectsNobodyForAnAnnotation(t *testing.T) {
	for _, annotation := range []map[string]string{{FilterAnnotation: "off"}, {forecast.PeakAnnotation: "much"}} {
		for _, shadow := range []bool{true, false} {
			fleet := newFleet(nil).node("n1", 0, 0)
			fleet.plugin.shadow = shadow
			fleet.publish()
			pod := newPod("p", 100*mi)
			pod.Annotations = annotation
			_, got := fleet.plugin.PreFilter(t.Context(), framework.NewCycleState(), pod, nil)
			if want := map[bool]fwk.Code{true: fwk.Skip, false: fwk.UnschedulableAndUnresolvable}[shadow]; got.Code() != want {
				t.Errorf("%v, shadow %v: PreFilter says %v, want %v", annotation, shadow, got, want)
			}
			got = fleet.plugin.PreScore(t.Context(), framework.NewCycleState(), pod, fleet.infos())
			if got.IsSuccess() != shadow {
				t.Errorf("%v, shadow %v: PreScore says %v, want success %v", annotation, shadow, got, shadow)
			}
			if _, got = fleet.plugin.SignPod(t.Context(), pod); got.IsSuccess() != shadow {
				t.Errorf("%v, shadow %v: SignPod says %v, want success %v", annotation, shadow, got, shadow)
			}
		}
	}
}

func TestARejectedPodIsNotKeptWaitingByAShadow(t *testing.T) {
	fleet := newFleet(nil).node("full", 3800*mi, 0)
	fleet.plugin.shadow = true
	fleet.publish()
	pod, state := newPod("p", 500*mi), framework.NewCycleState()
	fleet.plugin.PreFilter(t.Context(), state, pod, nil)
	fleet.plugin.Filter(t.Context(), state, pod, fleet.info("full"))
	fleet.plugin.PostFilter(t.Context(), state, pod, framework.NewDefaultNodeToStatus())
	if n := fleet.plugin.waiting.count(); n != 0 {
		t.Errorf("%d pods wait, want none", n)
	}
}

func TestRejectionsAreCountedByReasonAndOutcome(t *testing.T) {
	fleet := newFleet(nil).node("full", 3800*mi, 0).running("p", "full", 100*mi, 700*mi).node("promised", 3000*mi, 0).bound("q", "promised", 800*mi).registered()
	fleet.publish()
	attempt := func(end func(state fwk.CycleState, pod *corev1.Pod)) {
		pod, state := newPod("new", 500*mi), framework.NewCycleState()
		fleet.plugin.PreFilter(t.Context(), state, pod, nil)
		for _, node := range fleet.nodes {
			fleet.plugin.Filter(t.Context(), state, pod, fleet.info(node.Name))
		}
		end(state, pod)
	}
	attempt(func(state fwk.CycleState, pod *corev1.Pod) {
		fleet.plugin.Reserve(t.Context(), state, pod, "elsewhere")
		fleet.plugin.PostBind(t.Context(), state, pod, "elsewhere")
	})
	attempt(func(state fwk.CycleState, pod *corev1.Pod) { // It could not be bound.
		fleet.plugin.Reserve(t.Context(), state, pod, "elsewhere")
		fleet.plugin.Unreserve(t.Context(), state, pod, "elsewhere")
	})
	attempt(func(state fwk.CycleState, pod *corev1.Pod) {
		fleet.plugin.PostFilter(t.Context(), state, pod, framework.NewDefaultNodeToStatus())
	})
	for _, outcome := range []string{outcomePlaced, outcomePending} {
		for _, reason := range []verdict{measured, unseen} {
			if got := counted(t, fleet.plugin.metrics.rejections, reason.reason(), outcome); got != 1 {
				t.Errorf("%s, %s: counted %v times, want once", reason.reason(), outcome, got)
			}
		}
	}
}
