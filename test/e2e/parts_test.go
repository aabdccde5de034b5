// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// pod of the first part of a story.
func pod(name string, change func(*corev1.PodStatus)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), Labels: map[string]string{"part": "first"}},
		Spec:       corev1.PodSpec{NodeName: "w1"},
		Status: corev1.PodStatus{
			Phase:      corev1.PodRunning,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
	change(&p.Status)
	return p
}

func unchanged(*corev1.PodStatus) {}

func killed(container, reason string, restarts int32) func(*corev1.PodStatus) {
	return func(status *corev1.PodStatus) {
		status.ContainerStatuses = []corev1.ContainerStatus{{
			Name: "main", RestartCount: restarts,
			LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ContainerID: container, Reason: reason}},
		}}
	}
}

func evicted(status *corev1.PodStatus) {
	killed("", "ContainerStatusUnknown", 1)(status)
	status.Phase, status.Reason = corev1.PodFailed, "Evicted"
}

func evictedWell(status *corev1.PodStatus) {
	status.Phase = corev1.PodSucceeded
	status.Conditions = []corev1.PodCondition{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: corev1.PodReasonTerminationByKubelet}}
}

func ofJob(name string) *corev1.Pod {
	p := pod(name, unchanged)
	p.OwnerReferences = []metav1.OwnerReference{{Kind: "Job", Name: "batch", Controller: new(true)}}
	return p
}

func TestTallyCountsEachEndOnce(t *testing.T) {
	tests := []struct {
		name string
		pods []*corev1.Pod
		want counts
	}{
		{
			name: "nothing happened", pods: []*corev1.Pod{pod("a", unchanged), pod("b", unchanged)},
			want: counts{Running: 2, Nodes: map[string]int{"w1": 2}, Victims: map[string]int{}},
		},
		{
			name: "a pod of a Job is to end, and does not stand in for one that is to run", pods: []*corev1.Pod{pod("a", unchanged), ofJob("b")},
			want: counts{Running: 1, Nodes: map[string]int{"w1": 1}, Victims: map[string]int{}},
		},
		{
			name: "one kill, seen twice, then another",
			pods: []*corev1.Pod{pod("a", killed("x", "OOMKilled", 1)), pod("a", killed("x", "OOMKilled", 1)), pod("a", killed("y", "OOMKilled", 2))},
			want: counts{OOMKills: 2, Restarts: 2, Running: 1, Nodes: map[string]int{"w1": 1}, Victims: map[string]int{"a": 2}},
		},
		{
			name: "an end of another kind is a restart", pods: []*corev1.Pod{pod("a", killed("x", "Error", 1))},
			want: counts{Restarts: 1, Running: 1, Nodes: map[string]int{"w1": 1}, Victims: map[string]int{}},
		},
		{
			name: "evicted, and ended well", pods: []*corev1.Pod{pod("a", evictedWell)},
			want: counts{Evictions: 1, Nodes: map[string]int{}, Victims: map[string]int{"a": 1}},
		},
		{
			name: "an eviction is no restart", pods: []*corev1.Pod{pod("a", unchanged), pod("a", evicted), pod("a", evicted)},
			want: counts{Evictions: 1, Nodes: map[string]int{}, Victims: map[string]int{"a": 1}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			seen := newTally()
			for _, pod := range tt.pods {
				seen.see(pod, time.Time{})
			}
			if diff := cmp.Diff(tt.want, seen.counts()); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTallyKnowsSinceWhenAllAreReady(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	seen := newTally()
	seen.see(pod("a", unchanged), at(1))
	if _, all := seen.readySince(); all {
		t.Error("all are ready before any are wanted")
	}
	seen.wantFirst(2)
	seen.see(pod("b", unchanged), at(2))
	seen.see(pod("b", unchanged), at(3))
	if since, all := seen.readySince(); !all || !since.Equal(at(2)) {
		t.Errorf("ready since %s, %t, want %s", since, all, at(2))
	}
	seen.see(pod("b", evicted), at(4))
	if since, all := seen.readySince(); all {
		t.Errorf("ready since %s with one evicted", since)
	}
	seen.see(pod("c", unchanged), at(5))
	seen.forget(pod("b", evicted), at(6))
	if since, all := seen.readySince(); !all || !since.Equal(at(5)) {
		t.Errorf("ready since %s, %t, want %s", since, all, at(5))
	}
}

func TestARunIsWellOnlyIfEverythingHappened(t *testing.T) {
	well := func() *runResult {
		return &runResult{
			Minutes: fullMinutes, counts: counts{Running: wantedPods}, Wanted: wantedPods, SecondsToRunning: new(5.0),
			Updated: growingPods, JobSucceeded: batchPods,
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*runResult)
		want   string
	}{
		{"all went well", func(*runResult) {}, ""},
		{"evicted", func(r *runResult) { r.Evictions = 1 }, "1 evictions"},
		{"killed", func(r *runResult) { r.OOMKills = 2 }, "2 OOM kills"},
		{"one is Pending", func(r *runResult) { r.Running-- }, "13 pods running at the end, want 14"},
		{"the first never ran", func(r *runResult) { r.SecondsToRunning = nil }, "the first 10 pods never all ran"},
		{"the update is stuck behind its first new pod", func(r *runResult) { r.Updated = 0 }, "the rolling update replaced 0 pods, want 9"},
		{"the Job waits", func(r *runResult) { r.JobSucceeded = 2 }, "2 pods of the Job succeeded and 0 failed, want 4 and 0"},
		{"the Job failed at first", func(r *runResult) { r.JobFailed = 1 }, "4 pods of the Job succeeded and 1 failed, want 4 and 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			result := well()
			tt.change(result)
			if got := result.hurt(); got != tt.want {
				t.Errorf("hurt: %q, want %q", got, tt.want)
			}
		})
	}
	if mild := well(); !mild.tooMild() {
		t.Error("a full run in which nothing happens to the default scheduler's pods counts as proof")
	}
}

func TestManifestsCanBeReadAndHaveTheirPlaceInTime(t *testing.T) {
	for _, name := range []string{"metrics-server.yaml", "story.yaml"} {
		objects, err := documents(manifest(t, name))
		if err != nil || len(objects) == 0 {
			t.Fatalf("%s: %d objects, %v", name, len(objects), err)
		}
		if name != "story.yaml" {
			continue
		}
		last := time.Duration(0)
		for _, object := range objects {
			at, err := when(object, time.Hour)
			if err != nil || at < last {
				t.Errorf("%s at %s, after %s: %v", object.GetName(), at, last, err)
			}
			last = at
		}
	}
}

func TestVictimsHaveRoomByRequestsAndTakeMoreThanThereIs(t *testing.T) {
	for round := range 100 {
		var asked int64
		for _, pod := range victims("w1", round) {
			asked += pod.Spec.Containers[0].Resources.Requests.Memory().Value()
		}
		if asked > workerMemory {
			t.Errorf("round %d: %d bytes are requested of %d", round, asked, workerMemory)
		}
	}
}
