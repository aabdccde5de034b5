// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage"
)

// Mistakes that other memory-aware schedulers made or make. Each test fails on the mistake.

// Trimaran multiplies a share of capacity by allocatable (pkg/trimaran/resourcestats.go:55-69), and so misses a part of what
// is held that is as large as the reservations.
func TestPeerBugShareOfCapacityTimesAllocatable(t *testing.T) {
	fleet := newFleet(nil).node("n1", 1500*mi, 0)
	fleet.nodes[0].Status.Allocatable[corev1.ResourceMemory] = *resource.NewQuantity(2000*mi, resource.BinarySI)
	fleet.running("p", "n1", 100*mi, 1500*mi).publish()
	// 1500Mi of 4000Mi capacity are 37.5 %; of 2000Mi allocatable that would be 750Mi, and 1250Mi would seem to be left.
	if got := fleet.filter(t, 600*mi, "n1"); got.IsSuccess() {
		t.Error("600Mi passed where 500Mi are left for pods")
	}
	if got := fleet.filter(t, 400*mi, "n1"); !got.IsSuccess() {
		t.Errorf("400Mi: %v, want success", got)
	}
}

// Trimaran's handler of pod events casts what a delete event carries (pkg/trimaran/handler.go:112), and panics on what an
// informer sends when it missed the deletion itself.
func TestPeerBugTombstone(t *testing.T) {
	fleet := newFleet(nil).node("n1", 0, 0)
	fleet.publish()
	pod := newPod("p", mi)
	fleet.plugin.books.reserve(pod.UID, "n1", fleet.plugin.estimator.Demand(pod))
	fleet.plugin.waiting.add(pod, mi, fleet.plugin.books.current())
	keeper := fleet.keeper()
	keeper.podHandler().OnDelete(cache.DeletedFinalStateUnknown{Key: "default/p", Obj: pod})
	if reserved, waiting := fleet.plugin.books.reserved(), fleet.plugin.waiting.count(); reserved != 0 || waiting != 0 {
		t.Errorf("%d reservations and %d waiting pods are left, want none", reserved, waiting)
	}
	keeper.podHandler().OnDelete(cache.DeletedFinalStateUnknown{Key: "default/q"}) // not even an object
}

// Trimaran's cache of bound pods is never cleaned once all of its entries are too old (handler.go:151-153).
func TestPeerBugCacheOfWhichAllIsOldIsKept(t *testing.T) {
	clock := clocktesting.NewFakePassiveClock(now)
	history := newHistory(clock, func() {})
	for i := range 1000 {
		history.see(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: types.UID(strconv.Itoa(i))}, Status: corev1.PodStatus{Phase: corev1.PodFailed}})
	}
	clock.SetTime(now.Add(time.Hour))
	history.take()
	if n := len(history.ended); n != 0 {
		t.Errorf("%d pods that ended an hour ago are still known", n)
	}

	fleet := newFleet(nil).node("n1", 1000*mi, 0)
	builder := ledger.NewBuilder(ledger.Options{FreshFor: time.Minute, Cooldown: time.Minute, Estimator: fleet.plugin.estimator})
	build := func(after time.Duration, troubles ...ledger.Trouble) *ledger.Snapshot {
		return builder.Build(ledger.Input{Now: now.Add(after), Nodes: fleet.nodes, Samples: fleet.samples, Troubles: troubles})
	}
	build(0, ledger.Trouble{Node: "n1", Time: now}, ledger.Trouble{Node: "gone", Time: now})
	if build(time.Hour).AnyCooling() {
		t.Error("troubles of an hour ago are still known")
	}
}

// Trimaran stamps every pod as just bound when it starts (handler.go:136): a restarted scheduler sees a fleet of pods that
// have yet to grow.
func TestPeerBugRestartTakesAllPodsForNew(t *testing.T) {
	fleet := newFleet(nil).node("n1", 2000*mi, 0).running("p", "n1", 1500*mi, 100*mi)
	fleet.publish() // the first book of this process
	if left, _ := fleet.plugin.books.current().left(0); left != 1900*mi {
		t.Errorf("left = %dMi, want 1900Mi: the pod has been running for an hour and its sample says all", left/mi)
	}
}

// Crane writes local time with the letter Z (pkg/utils/utils.go:11-45): a sample of Shanghai is eight hours ahead, and so
// fresh for eight hours more.
func TestPeerBugLocalTimeAsUniversalTime(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3800*mi, -8*time.Hour).node("n2", 0, 0).node("n3", 0, 0)
	set := usage.NewPoller(fixed{fleet.samples}, usage.PollerOptions{Interval: time.Minute, Keep: time.Hour}, clocktesting.NewFakeClock(now))
	ctx, cancel := context.WithCancel(t.Context())
	set.Run(ctx, cancel)
	fleet.samples = set.Latest()
	fleet.publish()
	if state := fleet.plugin.books.current().snapshot.Nodes[0].State; state == ledger.Fresh {
		t.Error("a sample of eight hours ahead is fresh")
	}
	shanghai := now.In(time.FixedZone("CST", 8*3600))
	fleet.samples.Nodes["n1"] = sample.Node{Measurement: sample.Measurement{Bytes: 3800 * mi, Time: shanghai}}
	fleet.publish()
	if state := fleet.plugin.books.current().snapshot.Nodes[0].State; state != ledger.Fresh {
		t.Errorf("a sample of now that tells its time zone is %v, want fresh", state)
	}
}

// fixed is a source that always answers with the same.
type fixed struct{ set *sample.Set }

func (f fixed) Read(context.Context) (*sample.Set, error) { return f.set, nil }

// The descheduler's usage client ends the whole run when one node has no metrics (usageclients.go:210-213).
func TestPeerBugOneBadNodeSpoilsAll(t *testing.T) {
	fleet := newFleet(nil).node("bad", 5000*mi, 0).node("silent", 0, 0).node("full", 3800*mi, 0).running("p", "full", mi, 3000*mi).
		node("empty", 0, 0).node("other", 0, 0)
	delete(fleet.samples.Nodes, "silent")
	fleet.publish()
	for node, want := range map[string]bool{"bad": true, "silent": true, "full": false, "empty": true} {
		if got := fleet.filter(t, 500*mi, node).IsSuccess(); got != want {
			t.Errorf("%s: passes %v, want %v", node, got, want)
		}
	}
}

// Koordinator's assign cache kept the load of a pod on the node that it was first seen on (#3049).
func TestPeerBugLoadStaysOnTheNodeThatAPodLeft(t *testing.T) {
	fleet := newFleet(nil).node("n1", 0, 0).node("n2", 0, 0)
	fleet.publish()
	pod := newPod("p", 1000*mi)
	demand := fleet.plugin.estimator.Demand(pod)
	fleet.plugin.books.reserve(pod.UID, "n1", demand)
	fleet.plugin.books.reserve(pod.UID, "n2", demand)
	for i, want := range []int64{3900 * mi, 2900 * mi} {
		if left, _ := fleet.plugin.books.current().left(i); left != want {
			t.Errorf("node %d: left = %dMi, want %dMi", i+1, left/mi, want/mi)
		}
	}
	builder := ledger.NewBuilder(ledger.Options{FreshFor: time.Minute, MaxNotFreshPercent: 50, Estimator: fleet.plugin.estimator})
	for _, node := range []string{"n1", "n2"} {
		moved := pod.DeepCopy()
		moved.Spec.NodeName, moved.ResourceVersion = node, node
		snapshot := builder.Build(ledger.Input{Now: now, Nodes: fleet.nodes, Pods: []*corev1.Pod{moved}, Samples: fleet.samples})
		for i := range snapshot.Nodes {
			if got, want := snapshot.Nodes[i].Left < snapshot.Nodes[i].MeasuredLeft, snapshot.Nodes[i].Name == node; got != want {
				t.Errorf("on %s: it counts on %s: %v, want %v", node, snapshot.Nodes[i].Name, got, want)
			}
		}
	}
}

// Koordinator's cache took every update of a pod for its assignment (#2100): a pod that is updated often never stops being
// new.
func TestPeerBugAnUpdateMakesAPodNewAgain(t *testing.T) {
	fleet := newFleet(nil).node("n1", 2000*mi, 0).running("p", "n1", 1500*mi, 100*mi)
	builder := ledger.NewBuilder(ledger.Options{FreshFor: time.Minute, WarmUp: time.Minute, MaxNotFreshPercent: 50, Estimator: fleet.plugin.estimator})
	for i := range 3 {
		fleet.pods[0] = fleet.pods[0].DeepCopy()
		fleet.pods[0].ResourceVersion, fleet.pods[0].Labels = strconv.Itoa(i), map[string]string{"update": strconv.Itoa(i)}
		entry, _ := builder.Build(ledger.Input{Now: now, Nodes: fleet.nodes, Pods: fleet.pods, Samples: fleet.samples}).Pod("p")
		if entry.Counted != 100*mi {
			t.Errorf("after update %d the pod counts for %dMi, want the 100Mi that were measured", i, entry.Counted/mi)
		}
	}
}

// Koordinator rounds the share of memory in use to whole percent before it compares (load_aware.go:316-345): 95.4 % pass a
// threshold of 95.
func TestPeerBugRoundingLetsTooMuchPass(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3000*mi, 0).running("p", "n1", mi, 3000*mi)
	fleet.publish()
	if got := fleet.filter(t, 900*mi+1, "n1"); got.IsSuccess() {
		t.Error("one byte too much passed")
	}
}

// TAS scores the n-th best node 10-n, which is negative from the eleventh on (telemetryscheduler.go:187-191).
func TestPeerBugNegativeScoresOfManyNodes(t *testing.T) {
	fleet := newFleet(nil)
	for i := range 200 {
		fleet.node(fmt.Sprint("n", i), int64(i)*20*mi, 0)
	}
	fleet.publish()
	pod, cycle, nodes := newPod("p", 100*mi), framework.NewCycleState(), fleet.infos()
	if status := fleet.plugin.PreScore(t.Context(), cycle, pod, nodes); !status.IsSuccess() {
		t.Fatal(status)
	}
	before := fwk.MaxScore
	for _, score := range fleet.scores(t, cycle, pod, nodes) {
		if score.Score < fwk.MinScore || score.Score > before {
			t.Fatalf("%s scores %d after %d, want 0 to 100 and never more than a node that holds less", score.Name, score.Score, before)
		}
		before = score.Score
	}
}

// Intel's TAS and others leave pods pending after the metric has recovered (#149): a metric is no event in the cluster.
func TestPeerBugPodsStayPendingAfterMemoryReturned(t *testing.T) {
	var woken activations
	fleet := newFleet(&woken).node("n1", 3800*mi, 0)
	fleet.publish()
	fleet.reject(t, newPod("p", 500*mi))
	fleet.samples.Nodes["n1"] = sample.Node{Measurement: sample.Measurement{Bytes: 100 * mi, Time: now}}
	if n := fleet.plugin.waiting.wake(klog.Background(), fleet.publish()); n != 1 {
		t.Errorf("%d pods were woken, want 1", n)
	}
}
