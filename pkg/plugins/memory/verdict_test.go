// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"testing"
	"time"

	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

func TestRejectionsSayWhetherPreemptionCanHelp(t *testing.T) {
	for _, test := range []struct {
		name    string
		fleet   *fleet
		request int64
		want    verdict
	}{
		{"a pod holds what is needed", newFleet(nil).node("n1", 3500*mi, 0).running("p", "n1", 100*mi, 3000*mi), 900 * mi, measured},
		{"the system holds it: no pod's end would help", newFleet(nil).node("n1", 3500*mi, 0).running("p", "n1", 100*mi, 300*mi), 900 * mi, tooSmall},
		{"the node is smaller than the pod", newFleet(nil).node("n1", 0, 0), 5000 * mi, tooSmall},
		{"it is promised", newFleet(nil).node("n1", 0, 0).bound("p", "n1", 3500*mi), 900 * mi, unseen},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.fleet.publish()
			got, want := test.fleet.filter(t, test.request, "n1"), test.want.status()
			if got.Code() != want.Code() || got.Message() != want.Message() {
				t.Errorf("status = %v, want %v", got, want)
			}
		})
	}
	if code := tooSmall.status().Code(); code != fwk.UnschedulableAndUnresolvable {
		t.Errorf("too small: %v: preemption would kill in vain", code)
	}
}

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
