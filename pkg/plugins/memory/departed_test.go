// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// keeper returns a keeper of the fleet's book that is told of pods by hand, and makes no books.
func (f *fleet) keeper() *keeper {
	clock := clocktesting.NewFakeClock(now)
	return &keeper{clock: clock, books: f.plugin.books, waiting: f.plugin.waiting, history: newHistory(clock, func() {}), changed: make(chan struct{}, 1)}
}

// terminate marks a pod as on its way out, with grace.
func terminate(pod *corev1.Pod) {
	pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = &metav1.Time{Time: now}, new(int64(30))
}

// A terminating pod goes from the API after its containers have stopped: what it held is there at once, and until a book
// says so a second victim must not have to go.
func TestAVictimsMemoryIsBackAtOnce(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3800*mi, 0).running("victim", "n1", 100*mi, 800*mi)
	victim := fleet.pods[0]
	victim.Status.Conditions[0].LastTransitionTime = metav1.NewTime(now) // still warming up
	fleet.publish()
	if got := fleet.filter(t, 500*mi, "n1"); got.Code() != fwk.Unschedulable {
		t.Fatalf("before: %v, want Unschedulable", got)
	}
	expected := func() int64 { // in an hour that is like the others
		book := fleet.plugin.books.current()
		return int64(book.asides[0].outlook.Load().hours[0] * float64(book.lines[0].size))
	}
	before := expected()
	terminate(victim)
	for range 2 { // told of by the hint and by the keeper
		if hint, err := fleet.plugin.isSchedulableAfterPodDeletion(klog.Background(), newPod("p", 500*mi), victim, nil); hint != fwk.Queue || err != nil {
			t.Fatalf("hint = %v, %v, want Queue", hint, err)
		}
	}
	if left, _ := fleet.plugin.books.current().left(0); left != 900*mi {
		t.Errorf("left = %dMi, want 900Mi: the victim counted back once", left/mi)
	}
	if after := expected(); before-after < 799*mi || before-after > 801*mi {
		t.Errorf("expected are %dMi instead of %dMi, want what the victim was expected to hold taken off once", after/mi, before/mi)
	}
	fleet.publish() // a book that does not know yet
	if got := fleet.filter(t, 500*mi, "n1"); !got.IsSuccess() {
		t.Errorf("by the next book: %v, want success", got)
	}
	fleet.pods, fleet.samples.Nodes["n1"] = nil, sample.Node{Measurement: sample.Measurement{Bytes: 3000 * mi, Time: now}}
	fleet.publish()
	if left, _ := fleet.plugin.books.current().left(0); left != 900*mi || len(fleet.plugin.books.departed) != 0 {
		t.Errorf("in the end left = %dMi, want 900Mi, and %d departed pods, want none", left/mi, len(fleet.plugin.books.departed))
	}
}

// The API server marks a pod that is deleted by force as terminating too, without grace. Its containers run on.
func TestAPodThatIsDeletedByForceGivesNothingBackAtOnce(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3800*mi, 0).running("victim", "n1", 100*mi, 800*mi)
	victim := fleet.pods[0]
	fleet.publish()
	victim.DeletionTimestamp, victim.DeletionGracePeriodSeconds = &metav1.Time{Time: now}, new(int64(0))
	if hint, err := fleet.plugin.isSchedulableAfterPodDeletion(klog.Background(), newPod("p", 500*mi), victim, nil); hint != fwk.QueueSkip || err != nil {
		t.Fatalf("hint = %v, %v, want QueueSkip", hint, err)
	}
	if left, _ := fleet.plugin.books.current().left(0); left != 100*mi {
		t.Errorf("left = %dMi, want the 100Mi of before", left/mi)
	}
}

// Its node does not answer: what is left of it is deleted by force, minutes after its grace.
func TestAPodThatIsStuckOnItsWayOutGivesNothingBackAtOnce(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3800*mi, 0).running("victim", "n1", 100*mi, 800*mi)
	victim := fleet.pods[0]
	terminate(victim)
	victim.DeletionTimestamp.Time = now.Add(-2 * time.Minute)
	fleet.publish()
	if hint, err := fleet.plugin.isSchedulableAfterPodDeletion(klog.Background(), newPod("p", 500*mi), victim, nil); hint != fwk.QueueSkip || err != nil {
		t.Fatalf("hint = %v, %v, want QueueSkip", hint, err)
	}
	if left, _ := fleet.plugin.books.current().left(0); left != 100*mi {
		t.Errorf("left = %dMi, want the 100Mi of before", left/mi)
	}
}

// A binding failed for who asked for it, and not for the API server: the pod that seemed to have gone is there.
func TestAPodThatSeemedToLeaveCountsAgain(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3000*mi, 0).running("p", "n1", 100*mi, 800*mi)
	fleet.pods[0].Status.Conditions[0].LastTransitionTime = metav1.NewTime(now)
	fleet.publish()
	before, _ := fleet.plugin.books.current().left(0)
	fleet.plugin.books.depart(fleet.pods[0].UID)
	for _, want := range []int64{before + 800*mi, before, before} { // The first book's pods may have been listed before.
		fleet.publish()
		if left, _ := fleet.plugin.books.current().left(0); left != want {
			t.Errorf("left = %dMi, want %dMi", left/mi, want/mi)
		}
	}
}

// What was measured of a pod whose containers have stopped is not in its node's newer sample: it cannot be given back.
func TestAPodThatANewerReadLacksGivesNothingBack(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3000*mi, 0).running("p", "n1", 100*mi, 800*mi)
	name := types.NamespacedName{Namespace: "default", Name: "p"}
	kept := fleet.samples.Pods[name]
	kept.Missed = 1
	fleet.samples.Pods[name] = kept
	before, _ := fleet.publish().left(0)
	dryRun, preemptor := framework.NewCycleState(), newPod("preemptor", before+mi)
	fleet.plugin.PreFilter(t.Context(), dryRun, preemptor, nil)
	fleet.plugin.RemovePod(t.Context(), dryRun, preemptor, podInfo(t, fleet.pods[0]), fleet.info("n1"))
	if got := fleet.plugin.Filter(t.Context(), dryRun, preemptor, fleet.info("n1")); got.IsSuccess() {
		t.Error("a dry run without the pod finds more room than there is")
	}
	terminate(fleet.pods[0])
	fleet.plugin.books.depart(fleet.pods[0].UID)
	if left, _ := fleet.plugin.books.current().left(0); left != before {
		t.Errorf("left = %dMi, want %dMi", left/mi, before/mi)
	}
}

// A watch that was broken tells of a pod that was deleted and made anew under its name as of one that changed.
func TestAPodThatWasMadeAnewUnwatchedLeavesNothingBehind(t *testing.T) {
	fleet := newFleet(nil).node("n1", 0, 0)
	fleet.publish()
	old, anew := newPod("web-0", mi), newPod("web-0", mi)
	anew.UID = "another"
	for _, pod := range []*corev1.Pod{old, anew} {
		fleet.plugin.books.reserve(pod.UID, "n1", fleet.plugin.estimator.Demand(pod))
		fleet.plugin.waiting.add(pod, mi, fleet.plugin.books.current())
	}
	keeper := fleet.keeper()
	keeper.podHandler().OnUpdate(old, old)
	if reserved := fleet.plugin.books.reserved(); reserved != 2 {
		t.Errorf("%d reservations are left when a pod changed, want both", reserved)
	}
	keeper.podHandler().OnUpdate(old, anew)
	if reserved, waiting := fleet.plugin.books.reserved(), fleet.plugin.waiting.count(); reserved != 1 || waiting != 1 {
		t.Errorf("%d reservations and %d waiting pods are left, want those of the new one", reserved, waiting)
	}
}

// A kubelet whose containers have stopped deletes the pod without grace, and the API server sends that before the pod is gone. Whoever
// was refused by another plugin is tried as soon as it is, and must not take a second victim.
func TestAVictimsMemoryIsBackBeforeItIsGone(t *testing.T) {
	for _, test := range []struct {
		name      string
		asked     time.Duration // how long after the grace was over it was taken away
		wantLeft  int64
		wantQueue fwk.QueueingHint
	}{{"in its grace", -20 * time.Second, 900 * mi, fwk.Queue}, {"long after it: deleted by force", time.Minute, 100 * mi, fwk.QueueSkip}} {
		t.Run(test.name, func(t *testing.T) {
			fleet := newFleet(nil).node("n1", 3800*mi, 0).running("victim", "n1", 100*mi, 800*mi)
			fleet.publish()
			going := fleet.pods[0].DeepCopy()
			terminate(going)
			going.DeletionTimestamp.Time = now.Add(-test.asked)
			stopped := going.DeepCopy()
			stopped.DeletionTimestamp, stopped.DeletionGracePeriodSeconds = &metav1.Time{Time: now}, new(int64(0))
			keeper := fleet.keeper()
			keeper.podHandler().OnUpdate(fleet.pods[0], going)
			if left, _ := fleet.plugin.books.current().left(0); left != 100*mi {
				t.Errorf("on its way out left = %dMi, want the 100Mi of before", left/mi)
			}
			keeper.podHandler().OnUpdate(going, stopped)
			if left, _ := fleet.plugin.books.current().left(0); left != test.wantLeft {
				t.Errorf("left = %dMi, want %dMi", left/mi, test.wantLeft/mi)
			}
			if hint, err := fleet.plugin.isSchedulableAfterPodDeletion(klog.Background(), newPod("p", 500*mi), stopped, nil); hint != test.wantQueue || err != nil {
				t.Errorf("hint = %v, %v, want %v", hint, err, test.wantQueue)
			}
		})
	}
}

// A pod may be deleted, and gone, between two books: the next one has not seen it on its way out, and must not count it as one that vanished.
func TestAPodThatEndedBetweenTwoBooksIsInNone(t *testing.T) {
	for _, test := range []struct {
		name string
		// tell tells the keeper how the pod went.
		tell     func(watched cache.ResourceEventHandler, pod, going, letGo *corev1.Pod)
		wantLeft int64
	}{
		{"its kubelet let it go", func(watched cache.ResourceEventHandler, pod, going, letGo *corev1.Pod) {
			watched.OnUpdate(pod, going)
			watched.OnUpdate(going, letGo)
			watched.OnDelete(letGo)
		}, 2900 * mi},
		{"it had not been started", func(watched cache.ResourceEventHandler, pod, _, _ *corev1.Pod) {
			pod = pod.DeepCopy()
			pod.Status.StartTime = nil
			watched.OnDelete(pod)
		}, 2900 * mi},
		{"it was deleted by force", func(watched cache.ResourceEventHandler, pod, _, _ *corev1.Pod) { watched.OnDelete(pod) }, 2100 * mi},
	} {
		t.Run(test.name, func(t *testing.T) {
			fleet := newFleet(nil).node("n1", 1000*mi, 10*time.Second)
			pod := newPod("p", 800*mi)
			pod.Spec.NodeName = "n1"
			started := metav1.NewTime(now.Add(-2 * time.Second)) // after the sample
			pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &started, ContainerStatuses: []corev1.ContainerStatus{
				{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff"}}},
			}}
			fleet.pods = append(fleet.pods, pod)
			measured := &source{}
			measured.set.Store(fleet.samples)
			k := newKeeping(t, fleet, measured)
			k.read(t)
			k.keep(t)
			left := func() int64 {
				left, _ := k.books.current().left(0)
				return left
			}
			if got := left(); got != 2100*mi {
				t.Fatalf("with the pod left = %dMi, want 2100Mi", got/mi)
			}
			going := pod.DeepCopy()
			terminate(going)
			letGo := going.DeepCopy()
			letGo.DeletionGracePeriodSeconds = new(int64(0))
			test.tell(k.podHandler(), pod, going, letGo)
			if got := left(); got != test.wantLeft {
				t.Errorf("at once left = %dMi, want %dMi", got/mi, test.wantLeft/mi)
			}
			k.pods = corelisters.NewPodLister(cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{}))
			k.keep(t)
			if got := left(); got != test.wantLeft {
				t.Errorf("by the next book left = %dMi, want %dMi", got/mi, test.wantLeft/mi)
			}
		})
	}
}

// A victim that was placed a moment ago is in no book yet, and the next one may find it in the API still.
func TestAVictimThatWasJustPlacedGivesItsMemoryBack(t *testing.T) {
	fleet := newFleet(nil).node("n1", 2000*mi, 10*time.Second)
	fleet.publish()
	left := func() int64 {
		left, _ := fleet.plugin.books.current().left(0)
		return left / mi
	}
	free := left()
	victim := newPod("victim", 800*mi)
	victim.Spec.NodeName = "n1"
	started := metav1.NewTime(now.Add(-2 * time.Second)) // after the sample
	victim.Status = corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &started, ContainerStatuses: []corev1.ContainerStatus{
		{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: started}}},
	}}
	books := fleet.plugin.books
	books.reserve(victim.UID, "n1", fleet.plugin.estimator.Demand(victim))
	going := victim.DeepCopy()
	terminate(going)
	letGo := going.DeepCopy()
	letGo.DeletionGracePeriodSeconds = new(int64(0))
	if got := left(); got != free-800 {
		t.Fatalf("with it left = %dMi, want %dMi", got, free-800)
	}
	keeper := fleet.keeper()
	keeper.podHandler().OnUpdate(going, letGo)
	if got := left(); got != free {
		t.Errorf("when it is let go left = %dMi, want %dMi", got, free)
	}
	fleet.pods = append(fleet.pods, letGo)
	fleet.publish()
	if got := left(); got != free {
		t.Errorf("by a book that finds it in the API left = %dMi, want %dMi", got, free)
	}
	fleet.pods = nil
	fleet.publish()
	if got := left(); got != free || len(books.departed) != 0 {
		t.Errorf("when it is gone left = %dMi, want %dMi, and %d departed pods, want none", got, free, len(books.departed))
	}
}

// The scheduler may try a pod again, and find it no room, before the keeper is told that its victim is gone. It must not take a second one.
func TestWhoHasPreemptedTakesNoVictimBeforeMemoryIsCounted(t *testing.T) {
	letGo := func(pod *corev1.Pod) *corev1.Pod {
		pod = pod.DeepCopy()
		pod.DeletionGracePeriodSeconds = new(int64(0))
		return pod
	}
	for _, test := range []struct {
		name      string
		nominated string
		stored    func(victim *corev1.Pod) *corev1.Pod // by the time of PostFilter
		want      fwk.Code
	}{
		{"the victim is gone", "n1", func(*corev1.Pod) *corev1.Pod { return nil }, fwk.UnschedulableAndUnresolvable},
		{"it is let go", "n1", letGo, fwk.UnschedulableAndUnresolvable},
		{"another has its name", "n1", func(*corev1.Pod) *corev1.Pod { return newPod("another", 0) }, fwk.UnschedulableAndUnresolvable},
		{"it is there still", "n1", func(victim *corev1.Pod) *corev1.Pod { return victim }, fwk.Unschedulable},
		{"the pod has not preempted", "", func(*corev1.Pod) *corev1.Pod { return nil }, fwk.Unschedulable},
	} {
		judge := func(t *testing.T, tell func(of cache.ResourceEventHandler, before, victim *corev1.Pod)) {
			t.Helper()
			fleet := newFleet(nil).node("n1", 3800*mi, 0).running("victim", "n1", 100*mi, 800*mi)
			victim := fleet.pods[0].DeepCopy()
			terminate(victim)
			keeper := fleet.keeper()
			tell(keeper.podHandler(), fleet.pods[0], victim)
			fleet.publish()
			pod, state := newPod("p", 500*mi), framework.NewCycleState()
			pod.Status.NominatedNodeName, pod.Spec.Priority = test.nominated, new(int32(1))
			fleet.plugin.PreFilter(t.Context(), state, pod, nil)
			if got := fleet.plugin.Filter(t.Context(), state, pod, fleet.info("n1")); got.Code() != fwk.Unschedulable {
				t.Fatalf("Filter: %v, want Unschedulable", got)
			}
			fleet.plugin.books.leaving.stored = func(string, string) *corev1.Pod { return test.stored(victim) }
			if _, got := fleet.plugin.PostFilter(t.Context(), state, pod, framework.NewDefaultNodeToStatus()); got.Code() != test.want {
				t.Errorf("PostFilter: %v, want %v", got, test.want)
			}
			if waits := fleet.plugin.waiting.count(); waits != 1 {
				t.Errorf("%d pods wait, want the one", waits)
			}
			if test.want == fwk.Unschedulable {
				return
			}
			next := framework.NewCycleState()
			fleet.plugin.PreFilter(t.Context(), next, pod, nil)
			if got := fleet.plugin.Filter(t.Context(), next, pod, fleet.info("n1")); !got.IsSuccess() {
				t.Errorf("the next time: %v, want success", got)
			}
		}
		t.Run(test.name, func(t *testing.T) {
			judge(t, func(of cache.ResourceEventHandler, before, victim *corev1.Pod) { of.OnUpdate(before, victim) })
		})
		t.Run(test.name+", and was on its way when this replica started", func(t *testing.T) {
			judge(t, func(of cache.ResourceEventHandler, _, victim *corev1.Pod) { of.OnAdd(victim, true) })
		})
	}
}

// What is given back between the two, to a cycle that has begun, is as good, and so is a book that was made then.
func TestWhoWasJudgedBeforeMemoryWasGivenBackTakesNoVictim(t *testing.T) {
	for name, meanwhile := range map[string]func(*fleet){
		"a victim left": func(fleet *fleet) { fleet.plugin.books.depart(fleet.pods[0].UID) },
		"a new book":    func(fleet *fleet) { fleet.publish() },
	} {
		t.Run(name, func(t *testing.T) {
			fleet := newFleet(nil).node("n1", 3800*mi, 0).running("victim", "n1", 100*mi, 800*mi)
			fleet.publish()
			pod, state := newPod("p", 500*mi), framework.NewCycleState()
			pod.Status.NominatedNodeName = "n1"
			fleet.plugin.PreFilter(t.Context(), state, pod, nil)
			fleet.plugin.Filter(t.Context(), state, pod, fleet.info("n1"))
			meanwhile(fleet)
			if _, got := fleet.plugin.PostFilter(t.Context(), state, pod, framework.NewDefaultNodeToStatus()); got.Code() != fwk.UnschedulableAndUnresolvable {
				t.Errorf("PostFilter: %v, want UnschedulableAndUnresolvable", got)
			}
		})
	}
}
