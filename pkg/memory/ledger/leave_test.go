// SPDX-License-Identifier: Apache-2.0

package ledger_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

func TestThePodsThatLeaveGiveBackTheirMemoryOnce(t *testing.T) {
	builder, nodes := ledger.NewBuilder(options), []*corev1.Node{node("n1")}
	stays, leaves := pod("stays", time.Hour), pod("leaves", time.Hour)
	set := samples(1000*mi, 20*time.Second, map[string]int64{"stays": 100 * mi, "leaves": 700 * mi})
	left := func(at time.Time, set *sample.Set, pods ...*corev1.Pod) int64 {
		ended := func(uid types.UID) (time.Time, bool) { return time.Time{}, uid == "leaves" }
		return builder.Build(ledger.Input{Now: at, Nodes: nodes, Pods: pods, Samples: set, Ended: ended}).Nodes[0].Left / mi
	}
	for _, step := range []struct {
		name string
		got  int64
		want int64
	}{
		{"both are there", left(now, set, stays, leaves), 2900},
		{"one has ended: the sample still shows it", left(now, set, stays), 3600},
		{"it stays gone", left(now.Add(time.Second), set, stays), 3600},
		{"a sample arrives that was taken before it ended", left(now.Add(10*time.Second), samples(1000*mi, 2*time.Second, map[string]int64{"stays": 100 * mi}), stays), 3600},
		{"and then one that was taken after", left(now.Add(20*time.Second), samples(300*mi, -15*time.Second, map[string]int64{"stays": 100 * mi}), stays), 3600},
		{"that is the last of it", left(now.Add(20*time.Second), samples(300*mi, -15*time.Second, map[string]int64{"stays": 100 * mi}), stays), 3600},
	} {
		if step.got != step.want {
			t.Errorf("%s: left = %dMi, want %dMi", step.name, step.got, step.want)
		}
	}
}

// A pod that was deleted by force is gone from the API at once, while its containers run on until its kubelet stops them.
func TestAPodThatVanishedIsHeldForAWhile(t *testing.T) {
	vanishing := func(changes ...func(*corev1.Pod)) func(after time.Duration, pods ...*corev1.Pod) int64 {
		builder, first := ledger.NewBuilder(options), pod("p", time.Hour, changes...)
		set := samples(1000*mi, 20*time.Second, map[string]int64{"p": 700 * mi})
		build := func(after time.Duration, pods ...*corev1.Pod) int64 {
			return builder.Build(ledger.Input{Now: now.Add(after), Nodes: []*corev1.Node{node("n1")}, Pods: pods, Samples: set}).Nodes[0].Left / mi
		}
		build(0, first)
		return build
	}
	forced := vanishing()
	for _, step := range []struct {
		after time.Duration
		want  int64
	}{{time.Second, 2900}, {30 * time.Second, 2900}, {32 * time.Second, 3600}} {
		if got := forced(step.after); got != step.want {
			t.Errorf("deleted by force %s ago: left = %dMi, want %dMi", step.after, got, step.want)
		}
	}
	set := samples(400*mi, -10*time.Second, nil)
	builder := ledger.NewBuilder(options)
	builder.Build(ledger.Input{Now: now, Nodes: []*corev1.Node{node("n1")}, Pods: []*corev1.Pod{pod("p", time.Hour)}, Samples: samples(1000*mi, 20*time.Second, map[string]int64{"p": 700 * mi})})
	builder.Build(ledger.Input{Now: now.Add(5 * time.Second), Nodes: []*corev1.Node{node("n1")}, Samples: samples(1000*mi, 20*time.Second, nil)})
	if got := builder.Build(ledger.Input{Now: now.Add(12 * time.Second), Nodes: []*corev1.Node{node("n1")}, Samples: set}).Nodes[0].Left; got != 3500*mi {
		t.Errorf("a sample that was taken since tells: left = %dMi, want 3500Mi", got/mi)
	}
	reserved := node("n1")
	reserved.Status.Allocatable[corev1.ResourceMemory] = *resource.NewQuantity(1000*mi, resource.BinarySI)
	builder = ledger.NewBuilder(options)
	for i, step := range []struct {
		pods []*corev1.Pod
		want int64
	}{{[]*corev1.Pod{pod("p", time.Hour)}, 1000 - 700 - 1}, {nil, 1000 - 700}} {
		line := builder.Build(ledger.Input{Now: now, Nodes: []*corev1.Node{reserved}, Pods: step.pods, Samples: samples(1000*mi, 20*time.Second, map[string]int64{"p": 700 * mi})}).Nodes[0]
		if line.Left != step.want*mi {
			t.Errorf("book %d: by the pods' own signal left = %dMi, want %dMi", i, line.Left/mi, step.want)
		}
	}
	terminating := vanishing(func(p *corev1.Pod) {
		p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &metav1.Time{Time: now}, new(int64(30))
	})
	if got := terminating(time.Second); got != 3600 {
		t.Errorf("gone after it was terminating: left = %dMi, want 3600Mi", got)
	}
	stuck := vanishing(func(p *corev1.Pod) {
		p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &metav1.Time{Time: now.Add(-time.Minute)}, new(int64(30))
	})
	if got := stuck(time.Second); got != 2900 {
		t.Errorf("gone a minute after its grace: left = %dMi, want 2900Mi", got)
	}
	withoutGrace := vanishing(func(p *corev1.Pod) {
		p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &metav1.Time{Time: now}, new(int64(0))
	})
	if got := withoutGrace(time.Second); got != 2900 {
		t.Errorf("gone by force: left = %dMi, want 2900Mi", got)
	}
}

// Of a pod that vanished what it was to hold yet counts on, too, as long as its containers may run; it was never there if its kubelet had
// not taken it on.
func TestAPodThatVanishedWhileItStartedIsHeldForAWhile(t *testing.T) {
	requested := func(p *corev1.Pod) {
		p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(1000*mi, resource.BinarySI)}
	}
	for _, test := range []struct {
		name     string
		pod      *corev1.Pod
		measured map[string]int64
		before   int64    // MiB left while it is there: of 3900, of which 1000 are held
		after    [3]int64 // 1, 29 and 32 s after it vanished
	}{
		{"it was not measured", pod("p", 10*time.Second, requested), nil, 1900, [3]int64{1900, 1900, 2900}},
		{"it held a part of what it asks for", pod("p", 30*time.Second, requested), map[string]int64{"p": 300 * mi}, 2200, [3]int64{2200, 2200, 3200}},
		{"its kubelet had not taken it on", pod("p", 10*time.Second, requested, func(p *corev1.Pod) { p.Status = corev1.PodStatus{} }), nil, 1900, [3]int64{2900, 2900, 2900}},
		{"it was terminating", pod("p", 10*time.Second, requested, func(p *corev1.Pod) {
			p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &metav1.Time{Time: now.Add(30 * time.Second)}, new(int64(30))
		}), nil, 1900, [3]int64{2900, 2900, 2900}},
	} {
		t.Run(test.name, func(t *testing.T) {
			builder, set := ledger.NewBuilder(options), samples(1000*mi, 20*time.Second, test.measured)
			left := func(after time.Duration, pods ...*corev1.Pod) int64 {
				return builder.Build(ledger.Input{Now: now.Add(after), Nodes: []*corev1.Node{node("n1")}, Pods: pods, Samples: set}).Nodes[0].Left / mi
			}
			before := left(0, test.pod)
			got := [3]int64{left(time.Second), left(29 * time.Second), left(32 * time.Second)}
			if before != test.before || got != test.after {
				t.Errorf("left = %dMi while it is there, and %v then; want %d, and %v", before, got, test.before, test.after)
			}
		})
	}
}

func TestAPodIsLetGoByLosingItsGraceInTime(t *testing.T) {
	stopsBy := now.Add(time.Minute)
	for _, test := range []struct {
		name    string
		deleted bool
		grace   int64
		after   time.Duration
		want    bool
	}{
		{"in time", true, 0, 0, true},
		{"with grace left", true, 5, 0, false},
		{"too late", true, 0, time.Minute, false},
		{"of a pod that nobody deletes", false, 0, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			letGo := pod("p", time.Hour)
			if test.deleted {
				letGo.DeletionTimestamp, letGo.DeletionGracePeriodSeconds = &metav1.Time{Time: now}, &test.grace
			}
			if got := ledger.LetGo(stopsBy, letGo, now.Add(test.after)); got != test.want {
				t.Errorf("let go: %t, want %t", got, test.want)
			}
		})
	}
}

// A kubelet deletes its pod without grace once its containers have stopped. The API server takes the grace away in an update of its own
// before the pod is gone, and a book may be made in between.
func TestAPodThatIsLetGoGivesBackItsMemory(t *testing.T) {
	for _, test := range []struct {
		name  string
		after time.Duration // from the first book to the one in which its grace was taken away
		want  int64
	}{{"in its grace", 10 * time.Second, 3600}, {"long after it, by force", 70 * time.Second, 2900}} {
		t.Run(test.name, func(t *testing.T) {
			builder := ledger.NewBuilder(options)
			left := func(after time.Duration, pods ...*corev1.Pod) int64 {
				return builder.Build(ledger.Input{
					Now: now.Add(after), Nodes: []*corev1.Node{node("n1")}, Pods: pods,
					Samples: samples(1000*mi, 0, map[string]int64{"p": 700 * mi}),
				}).Nodes[0].Left / mi
			}
			terminating := pod("p", time.Hour, func(p *corev1.Pod) {
				p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &metav1.Time{Time: now.Add(30 * time.Second)}, new(int64(30))
			})
			letGo := terminating.DeepCopy()
			letGo.ResourceVersion, letGo.DeletionTimestamp, letGo.DeletionGracePeriodSeconds = "let-go", &metav1.Time{Time: now}, new(int64(0))
			left(0, terminating)
			if got := left(test.after, letGo); got != 2900 {
				t.Errorf("while it is there left = %dMi, want 2900Mi", got)
			}
			if got := left(test.after + time.Second); got != test.want {
				t.Errorf("when it is gone left = %dMi, want %dMi", got, test.want)
			}
		})
	}
}

// The containers have stopped, and the kubelet says so a few seconds before the API does: the pod is in the API still, and no
// more in what was measured.
func TestAPodThatWasMissingWhenItsNodeWasMeasuredGivesNothingBack(t *testing.T) {
	builder, nodes := ledger.NewBuilder(options), []*corev1.Node{node("n1")}
	left := func(bytes int64, age time.Duration, missed int, pods ...*corev1.Pod) int64 {
		set := samples(bytes, age, map[string]int64{"leaves": 700 * mi})
		name := types.NamespacedName{Namespace: "default", Name: "leaves"}
		kept := set.Pods[name]
		kept.Missed, kept.Time = missed, now.Add(-20*time.Second)
		set.Pods[name] = kept
		ended := func(types.UID) (time.Time, bool) { return time.Time{}, true }
		return builder.Build(ledger.Input{Now: now, Nodes: nodes, Pods: pods, Samples: set, Ended: ended}).Nodes[0].Left / mi
	}
	leaves := pod("leaves", time.Hour)
	for _, step := range []struct {
		name string
		got  int64
		want int64
	}{
		{"it runs", left(1000*mi, 20*time.Second, 0, leaves), 2900},
		{"its node was measured after it stopped", left(300*mi, 2*time.Second, 1, leaves), 3199}, // the pods' own signal has it still
		{"it is gone from the API", left(300*mi, 2*time.Second, 1), 3600},
	} {
		if step.got != step.want {
			t.Errorf("%s: left = %dMi, want %dMi", step.name, step.got, step.want)
		}
	}
}

// The containers stop, the node is measured, and then the API drops the pod: the sample that arrives later lacks it.
func TestAPodThatStoppedBeforeItsNodeWasMeasuredGivesNothingBack(t *testing.T) {
	for _, test := range []struct {
		name    string
		stopped time.Time // as its kubelet told; zero: it did not
		want    int64
	}{
		{"its kubelet told when", now.Add(time.Second), 3600},
		{"its kubelet did not tell: it was there as long as the API had it", time.Time{}, 3900},
		{"its kubelet's clock is late", now.Add(time.Hour), 3900},
	} {
		t.Run(test.name, func(t *testing.T) {
			builder, nodes := ledger.NewBuilder(options), []*corev1.Node{node("n1")}
			left := func(after time.Duration, set *sample.Set, pods ...*corev1.Pod) int64 {
				ended := func(types.UID) (time.Time, bool) { return test.stopped, true }
				return builder.Build(ledger.Input{Now: now.Add(after), Nodes: nodes, Pods: pods, Samples: set, Ended: ended}).Nodes[0].Left / mi
			}
			before := samples(1000*mi, 20*time.Second, map[string]int64{"leaves": 700 * mi})
			if got := left(0, before, pod("leaves", time.Hour)); got != 2900 {
				t.Errorf("it is there: left = %dMi, want 2900Mi", got)
			}
			if got := left(4*time.Second, before); got != 3600 {
				t.Errorf("it is gone: left = %dMi, want 3600Mi", got)
			}
			if got := left(17*time.Second, samples(300*mi, -2*time.Second, nil)); got != test.want {
				t.Errorf("measured after it stopped: left = %dMi, want %dMi", got, test.want)
			}
		})
	}
}

func TestWhenAPodHasStopped(t *testing.T) {
	state := func(stopped ...time.Duration) (statuses []corev1.ContainerStatus) {
		for _, ago := range stopped {
			status := corev1.ContainerStatus{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
			if ago > 0 {
				status.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{FinishedAt: metav1.NewTime(now.Add(-ago))}}
			}
			statuses = append(statuses, status)
		}
		return statuses
	}
	for _, test := range []struct {
		name             string
		init, containers []corev1.ContainerStatus
		want             time.Time
	}{
		{"nothing is told", nil, nil, time.Time{}},
		{"one runs", nil, state(time.Minute, 0), time.Time{}},
		{"a sidecar runs", state(0), state(time.Minute), time.Time{}},
		{"one waits", nil, []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}}}, time.Time{}},
		{"the last one counts", state(time.Hour), state(time.Minute, time.Second), now.Add(-time.Second)},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := &corev1.Pod{Status: corev1.PodStatus{InitContainerStatuses: test.init, ContainerStatuses: test.containers}}
			if got := ledger.StoppedAt(pod); !got.Equal(test.want) {
				t.Errorf("stopped at %v, want %v", got, test.want)
			}
		})
	}
}
