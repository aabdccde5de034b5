// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
)

func TestCooldownLowersScores(t *testing.T) {
	web, other := newPod("web", 100*mi), newPod("other", 200*mi)
	fleet := newFleet(nil).node("calm", 1000*mi, 0).node("troubled", 1000*mi, 0)
	builder := ledger.NewBuilder(ledger.Options{FreshFor: time.Minute, MaxNotFreshPercent: 50, Cooldown: 10 * time.Minute, Estimator: fleet.plugin.estimator})
	at := func(age time.Duration) {
		fleet.plugin.books.publish(builder.Build(ledger.Input{Now: now, Nodes: fleet.nodes, Samples: fleet.samples,
			Troubles: []ledger.Trouble{{Node: "troubled", Workload: forecast.WorkloadOf(web), Time: now.Add(-age)}}}))
	}
	const lowest = (unknownTop + 1) * finePerPoint
	at(5 * time.Minute)
	calmWeb, calmOther := fleet.score(t, web, "calm"), fleet.score(t, other, "calm")
	for _, test := range []struct {
		name      string
		pod       *corev1.Pod
		got, want int64
	}{
		{"the workload itself, half of the cooldown later: half of the way to the lowest", web, fleet.score(t, web, "troubled"), calmWeb - (calmWeb-lowest)/2},
		{"another workload: a quarter of the way", other, fleet.score(t, other, "troubled"), calmOther - (calmOther-lowest)/4},
	} {
		if test.got != test.want {
			t.Errorf("%s: score %d, want %d", test.name, test.got, test.want)
		}
	}
	at(0)
	if got := fleet.score(t, web, "troubled"); got != lowest {
		t.Errorf("just after: score %d, want %d, the lowest of a node that is known to have room", got, unknownTop+1)
	}
}

// A node that thrashes is the one that falls silent.
func TestCooldownLowersTheScoreOfASilentNodeToo(t *testing.T) {
	fleet := newFleet(nil).node("calm", 0, time.Hour).node("troubled", 0, time.Hour).node("fresh", 0, 0).node("fresh-2", 0, 0)
	builder := ledger.NewBuilder(ledger.Options{FreshFor: time.Minute, MaxNotFreshPercent: 50, Cooldown: 10 * time.Minute, Estimator: fleet.plugin.estimator})
	web := newPod("web", 100*mi)
	fleet.plugin.books.publish(builder.Build(ledger.Input{Now: now, Nodes: fleet.nodes, Samples: fleet.samples,
		Troubles: []ledger.Trouble{{Node: "troubled", Workload: forecast.WorkloadOf(web), Time: now}}}))
	if calm, troubled := fleet.score(t, web, "calm"), fleet.score(t, web, "troubled"); troubled >= calm || troubled <= overflowTop*finePerPoint {
		t.Errorf("scores: troubled %d, calm %d, want less, and more than %d", troubled, calm, overflowTop*finePerPoint)
	}
}

func TestHistoryTellsHowPodsEnded(t *testing.T) {
	ended := func(name string, phase corev1.PodPhase, reason, message string) *corev1.Pod {
		pod := newPod(name, mi)
		pod.Spec.NodeName = "n1"
		pod.Status = corev1.PodStatus{Phase: phase, Reason: reason, Message: message, Conditions: []corev1.PodCondition{
			{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(now)}}}
		return pod
	}
	for _, test := range []struct {
		name                   string
		pod                    *corev1.Pod
		wantEnded, wantTrouble bool
	}{
		{"it runs", ended("p", corev1.PodRunning, "", ""), false, false},
		{"it has done its work", ended("p", corev1.PodSucceeded, "", ""), true, false},
		{"it failed by itself", ended("p", corev1.PodFailed, "", ""), true, false},
		{"evicted for memory", ended("p", corev1.PodFailed, "Evicted", "The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi."), true, true},
		{"evicted for its disk", ended("p", corev1.PodFailed, "Evicted", "The node was low on resource: ephemeral-storage. Container in-memory-db was using 1Gi."), true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			changes := 0
			history := newHistory(clocktesting.NewFakePassiveClock(now), func() { changes++ })
			stripped, err := withoutBulk(test.pod)
			if err != nil {
				t.Fatal(err)
			}
			history.see(stripped)
			history.see(stripped) // told of twice
			troubles, seen := history.take()
			if _, ok := seen[types.UID("p")]; ok != test.wantEnded {
				t.Errorf("ended: %v, want %v", ok, test.wantEnded)
			}
			want := ledger.Trouble{Node: "n1", Workload: forecast.WorkloadOf(test.pod), Time: now}
			switch {
			case !test.wantTrouble && len(troubles) > 0, test.wantTrouble && (len(troubles) != 1 || troubles[0] != want):
				t.Errorf("troubles = %v, want one: %v", troubles, test.wantTrouble)
			}
			if changes > 1 || (changes == 1) != test.wantEnded {
				t.Errorf("%d changes were told of, want one if it ended: %v", changes, test.wantEnded)
			}
			if troubles, _ := history.take(); len(troubles) != 0 {
				t.Errorf("taken again: %v, want none", troubles)
			}
		})
	}
}

func TestHistoryForgets(t *testing.T) {
	clock := clocktesting.NewFakePassiveClock(now)
	history := newHistory(clock, func() {})
	pod := newPod("p", mi)
	pod.Status.Phase = corev1.PodSucceeded
	history.see(pod)
	clock.SetTime(now.Add(endedKept + time.Second))
	if _, ended := history.take(); len(ended) != 0 {
		t.Errorf("after %s still known: %v", endedKept, ended)
	}
}
