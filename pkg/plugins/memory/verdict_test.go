// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

func TestRejectionsSayWhetherPreemptionCanHelp(t *testing.T) {
	full := func() *fleet { return newFleet(nil).node("n1", 3500*mi, 0) } // 400Mi of 3900Mi are left, and most ask for 900Mi
	for _, test := range []struct {
		name    string
		fleet   *fleet
		pods    []func(*corev1.Pod) // how each of the fleet's pods is changed
		request int64
		want    verdict
	}{
		{"a pod holds what is needed", full().running("p", "n1", 100*mi, 3000*mi), nil, 900 * mi, measured},
		{"just what is needed", full().running("p", "n1", 100*mi, 500*mi), nil, 900 * mi, measured},
		{"the system holds it: no pod's end would help", full().running("p", "n1", 100*mi, 300*mi), nil, 900 * mi, tooSmall},
		{"the node is smaller than the pod", newFleet(nil).node("n1", 0, 0), nil, 5000 * mi, tooSmall},
		{"it is promised", newFleet(nil).node("n1", 0, 0).bound("p", "n1", 3500*mi), nil, 900 * mi, unseen},
		{"a pod of the same priority holds it", full().running("p", "n1", 100*mi, 3000*mi), of(priority(10)), 900 * mi, outranked},
		{"of a priority just lower", full().running("p", "n1", 100*mi, 3000*mi), of(priority(9)), 900 * mi, measured},
		{"of a negative priority", full().running("p", "n1", 100*mi, 3000*mi), of(priority(-1)), 900 * mi, measured},
		{"one of a lower priority holds a part of it", full().running("p", "n1", 100*mi, 400*mi).running("q", "n1", 100*mi, 2000*mi), of(priority(9), priority(11)), 900 * mi, outranked},
		{"several of lower priorities hold it together", full().running("p", "n1", 100*mi, 200*mi).running("q", "n1", 100*mi, 2000*mi).running("r", "n1", 100*mi, 300*mi),
			of(priority(9), priority(11), priority(-5)), 900 * mi, measured},
		{"one of a lower priority was not measured, and may hold it", full().bound("p", "n1", 0).running("q", "n1", 100*mi, 2000*mi), of(priority(9), priority(11)), 900 * mi, measured},
		{"it may not: others were seen to hold all but a part", full().bound("p", "n1", 0).running("q", "n1", 100*mi, 3100*mi), of(priority(9), priority(11)), 900 * mi, outranked},
		{"one of a higher priority was not measured", full().running("p", "n1", 100*mi, 400*mi).bound("q", "n1", 0), of(priority(9), priority(11)), 900 * mi, outranked},
		{"a pod of a group, whose priority is not known here", full().running("p", "n1", 100*mi, 3000*mi), of(func(p *corev1.Pod) {
			priority(11)(p)
			p.Spec.SchedulingGroup = &corev1.PodSchedulingGroup{}
		}), 900 * mi, measured},
	} {
		t.Run(test.name, func(t *testing.T) {
			for i, change := range test.pods {
				change(test.fleet.pods[i])
			}
			test.fleet.publish()
			pod, state := newPod("new", test.request), framework.NewCycleState()
			priority(10)(pod)
			test.fleet.plugin.PreFilter(t.Context(), state, pod, nil)
			got, want := test.fleet.plugin.Filter(t.Context(), state, pod, test.fleet.info("n1")), test.want.status()
			if got.Code() != want.Code() || got.Message() != want.Message() {
				t.Errorf("status = %v %v, want %v %v", got.Code(), got, want.Code(), want)
			}
		})
	}
	t.Run("pods of a lower priority may be ending on the node that the pod was nominated to", func(t *testing.T) {
		fleet := full().running("p", "n1", 100*mi, 3000*mi).node("n2", 3500*mi, 0).running("q", "n2", 100*mi, 3000*mi)
		for i := range fleet.pods {
			priority(10)(fleet.pods[i])
		}
		fleet.publish()
		pod, state := newPod("new", 900*mi), framework.NewCycleState()
		priority(10)(pod)
		pod.Status.NominatedNodeName = "n1"
		fleet.plugin.PreFilter(t.Context(), state, pod, nil)
		for node, want := range map[string]verdict{"n1": measured, "n2": outranked} {
			if got := fleet.plugin.Filter(t.Context(), state, pod, fleet.info(node)); got.Code() != want.status().Code() {
				t.Errorf("%s: %v, want %v", node, got.Code(), want.status().Code())
			}
		}
	})
	for _, verdict := range []verdict{tooSmall, outranked, unseen} {
		if code := verdict.status().Code(); code != fwk.UnschedulableAndUnresolvable {
			t.Errorf("verdict %d: %v: preemption would kill, or look for victims, in vain", verdict, code)
		}
	}
}

// For a pod of a group pods of any priority may go: the group's own decides, which the plugin does not know.
func TestAPodOfAGroupRanksAboveAll(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3500*mi, 0).running("p", "n1", 100*mi, 3000*mi)
	fleet.publish()
	pod, state := newPod("new", 900*mi), framework.NewCycleState()
	pod.Spec.SchedulingGroup = &corev1.PodSchedulingGroup{}
	fleet.plugin.PreFilter(t.Context(), state, pod, nil)
	if got := fleet.plugin.Filter(t.Context(), state, pod, fleet.info("n1")); got.Code() != fwk.Unschedulable {
		t.Errorf("status = %v, want Unschedulable", got.Code())
	}
}

func priority(value int32) func(*corev1.Pod) { return func(p *corev1.Pod) { p.Spec.Priority = &value } }

func of(pods ...func(*corev1.Pod)) []func(*corev1.Pod) { return pods }

func TestADeclaredPeakIsInsistedOnAndAPriorIsNot(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3000*mi, 0) // 900Mi left
	fleet.publish()
	pod := newPod("p", 100*mi)
	pod.Spec.Containers[0].Resources.Limits = newPod("", 8000*mi).Spec.Containers[0].Resources.Requests
	verdictOf := func() *fwk.Status {
		state := framework.NewCycleState()
		fleet.plugin.PreFilter(t.Context(), state, pod, nil)
		return fleet.plugin.Filter(t.Context(), state, pod, fleet.info("n1"))
	}
	if got := verdictOf(); !got.IsSuccess() {
		t.Errorf("an expected peak of 4050Mi by the limit: %v, want success", got)
	}
	pod.Annotations = map[string]string{forecast.PeakAnnotation: "2Gi"}
	if got := verdictOf(); got.IsSuccess() {
		t.Error("a declared peak of 2Gi: it passed")
	}
	pod.Annotations = map[string]string{forecast.PeakAnnotation: "900Mi"}
	if got := verdictOf(); !got.IsSuccess() {
		t.Errorf("a declared peak of 900Mi: %v, want success", got)
	}
}

func TestTheReserveIsTheLargerOfPercentAndBytes(t *testing.T) {
	for _, test := range []struct {
		name    string
		reserve reserve
		want    int64 // what fits on a node of 3900Mi for pods that holds 3000Mi
	}{
		{"bytes", reserve{bytes: 100 * mi, percent: 1}, 800 * mi},
		{"percent", reserve{bytes: 100 * mi, percent: 10}, 510 * mi},
	} {
		t.Run(test.name, func(t *testing.T) {
			fleet := newFleet(nil).node("n1", 3000*mi, 0).node("stale", 0, time.Hour)
			fleet.plugin.books.kept = test.reserve
			fleet.publish()
			if got := fleet.filter(t, test.want, "n1"); !got.IsSuccess() {
				t.Errorf("%d bytes: %v, want success", test.want, got)
			}
			if got := fleet.filter(t, test.want+1000, "n1"); got.IsSuccess() {
				t.Errorf("more than %d bytes passed", test.want)
			}
		})
	}
}
