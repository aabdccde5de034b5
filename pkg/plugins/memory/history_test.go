// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
)

func TestWhatAPodHeldIsReadFromTheMessageOfItsEviction(t *testing.T) {
	const low = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 60Mi. "
	for _, test := range []struct {
		name, message string
		want          int64
	}{
		{"one container", low + "Container main was using 2080Mi, request is 64Mi, has larger consumption of memory. ", 2080 * mi},
		{"several, of those that used more than they request", low +
			"Container a was using 100Mi, request is 64Mi, has larger consumption of memory. Container b was using 1Gi, request is 0, has larger consumption of memory. ", 1124 * mi},
		{"a pod with resources of its own is told of first, and has its containers in it", low +
			"Pod p was using 3Gi, request is 1Gi, has larger consumption of memory. Container a was using 2Gi, request is 0, has larger consumption of memory. ", 3072 * mi},
		{"none used more than it requests", low, 0},
		{"no quantity", low + "Container main was using much, request is 64Mi, ", 0},
		{"nothing", "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := heldAtEviction(test.message); got != test.want {
				t.Errorf("held = %d, want %d", got, test.want)
			}
		})
	}
}

func TestWhenAPodStoppedIsRemembered(t *testing.T) {
	stopped := metav1.NewTime(now.Add(-time.Minute))
	pod := func(phase corev1.PodPhase, state corev1.ContainerState) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "p", UID: "p"},
			Status:     corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{{Name: "main", State: state}}},
		}
	}
	terminated := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{FinishedAt: stopped}}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	watched := func(h *history, pod *corev1.Pod) {
		kept, err := withoutBulk(pod)
		if err != nil {
			t.Fatal(err)
		}
		h.see(kept)
	}
	for _, test := range []struct {
		name  string
		tell  func(*history)
		ended bool
		want  time.Time
	}{
		{"it failed", func(h *history) { watched(h, pod(corev1.PodFailed, terminated)) }, true, stopped.Time},
		{"it failed, and its kubelet did not tell when", func(h *history) { watched(h, pod(corev1.PodFailed, running)) }, true, time.Time{}},
		{"it was deleted when it had stopped", func(h *history) { h.left(pod(corev1.PodRunning, terminated), false) }, true, stopped.Time},
		{"it was deleted while it ran", func(h *history) { h.left(pod(corev1.PodRunning, running), false) }, false, time.Time{}},
		{"it was let go, and its kubelet did not tell when it had stopped", func(h *history) { h.left(pod(corev1.PodRunning, running), true) }, true, time.Time{}},
		{"it was let go, and its kubelet tells when later", func(h *history) {
			h.left(pod(corev1.PodRunning, running), true)
			h.left(pod(corev1.PodRunning, terminated), false)
		}, true, stopped.Time},
		{"it failed and then was deleted", func(h *history) {
			watched(h, pod(corev1.PodFailed, terminated))
			h.left(pod(corev1.PodFailed, terminated), false)
		}, true, stopped.Time},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHistory(clocktesting.NewFakePassiveClock(now), func() {})
			test.tell(h)
			_, ended := h.take()
			got, ok := ended[types.UID("p")]
			if ok != test.ended || !got.stopped.Equal(test.want) {
				t.Errorf("ended %t, stopped at %v; want %t, %v", ok, got.stopped, test.ended, test.want)
			}
		})
	}
}

// The scheduler's own watch loses a pod that is evicted, its containers stopped, before the other one tells that it was.
func TestAnEvictionIsTakenInThoughThePodWasLostBefore(t *testing.T) {
	evicted := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "p", UID: "p"}, Spec: corev1.PodSpec{NodeName: "n1"},
		Status: corev1.PodStatus{
			Phase: corev1.PodFailed, Reason: "Evicted", Message: "The node was low on resource: memory. ",
			Conditions:        []corev1.PodCondition{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(now)}},
			ContainerStatuses: []corev1.ContainerStatus{{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{FinishedAt: metav1.NewTime(now)}}}},
		},
	}
	before := evicted.DeepCopy()
	before.Status.Phase, before.Status.Reason, before.Status.Conditions = corev1.PodRunning, "", nil
	h := newHistory(clocktesting.NewFakePassiveClock(now), func() {})
	h.left(before, false)
	for range 2 { // told of twice
		h.see(evicted)
	}
	if troubles, _ := h.take(); len(troubles) != 1 {
		t.Errorf("%d troubles, want 1", len(troubles))
	}
}

// A Job's pod whose container is not started again ends with it; its Job makes another one, for the same node if nobody remembers.
func TestAPodThatTheKernelEndedForItsNodeIsRemembered(t *testing.T) {
	killed := func(reason string, changes ...func(*corev1.Pod)) *corev1.Pod {
		made := newPod("p", 0)
		made.Spec.NodeName, made.Spec.RestartPolicy = "n1", corev1.RestartPolicyNever
		made.Status = corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{{
			Name: made.Spec.Containers[0].Name, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: reason, FinishedAt: metav1.NewTime(now)}},
		}}}
		for _, change := range changes {
			change(made)
		}
		return made
	}
	limit := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")}
	for _, test := range []struct {
		name string
		pod  *corev1.Pod
		want bool
	}{
		{"killed without a limit", killed("OOMKilled"), true},
		{"within a limit of its own", killed("OOMKilled", func(p *corev1.Pod) { p.Spec.Containers[0].Resources.Limits = limit }), false},
		{"within one of its pod", killed("OOMKilled", func(p *corev1.Pod) { p.Spec.Resources = &corev1.ResourceRequirements{Limits: limit} }), false},
		{"it failed by itself", killed("Error"), false},
		{"evicted for its disk later: that says nothing of memory", killed("OOMKilled", func(p *corev1.Pod) {
			p.Status.Reason, p.Status.Message = "Evicted", "The node was low on resource: ephemeral-storage. Container main was using 40Gi, request is 0, has larger consumption of ephemeral-storage. "
		}), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			kept, err := withoutBulk(test.pod)
			if err != nil {
				t.Fatal(err)
			}
			h := newHistory(clocktesting.NewFakePassiveClock(now), func() {})
			h.see(kept)
			troubles, ended := h.take()
			if got := len(troubles) == 1 && troubles[0].Node == "n1" && troubles[0].Time.Equal(now) && troubles[0].HeldBytes == 0; got != test.want || len(ended) != 1 {
				t.Errorf("troubles %+v and %d that ended; want one of n1 at %s: %t, and one that ended", troubles, len(ended), now, test.want)
			}
		})
	}
}

func FuzzHeldAtEviction(f *testing.F) {
	f.Add("Container a was using 100Mi, request is 64Mi, has larger consumption of memory. ")
	f.Add("Pod p was using 1e9999999, request is 0")
	f.Fuzz(func(t *testing.T, message string) {
		if got := heldAtEviction(message); got < 0 {
			t.Fatalf("held = %d", got)
		}
	})
}
