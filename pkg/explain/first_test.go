// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestWhatDecidesBeforeAnyNodeIsSaidFirst(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(*corev1.Pod)
		kind    string // "": nothing is said
		decides bool
		want    string
	}{
		{"a pod that was just made", func(*corev1.Pod) {}, "", false, ""},
		{"one that was tried", func(p *corev1.Pod) {
			p.CreationTimestamp = metav1.NewTime(noon.Add(-time.Hour))
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse}}
		}, "", false, ""},
		{"one that nobody tried for an hour", func(p *corev1.Pod) { p.CreationTimestamp = metav1.NewTime(noon.Add(-time.Hour)) },
			NoteNotSeen, true, "in the 60m since it was made: headroom-scheduler does not run, or has not got to it; there is no lease kube-system/headroom-scheduler"},
		{"one whose gates were removed an hour ago, which nobody tried since", func(p *corev1.Pod) {
			p.CreationTimestamp = metav1.NewTime(noon.Add(-time.Hour))
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonSchedulingGated}}
		}, NoteNotSeen, true, "in the 60m since it was made: headroom-scheduler does not run"},
		{"gates", func(p *corev1.Pod) { p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/quota"}} },
			NoteGated, true, "scheduling gates (example.com/quota)"},
		{"a node's name that its maker set", func(p *corev1.Pod) { p.UID, p.Spec.NodeName = "", "a" },
			NoteBypass, true, "spec.nodeName: a was set by whoever made it"},
		{"of a file, in a namespace that is not there", func(p *corev1.Pod) { p.UID, p.Namespace = "", "shop" },
			NoteNoNamespace, true, "there is no namespace shop: the API server takes no pod of it before kubectl create namespace shop"},
		{"of a file, in one that is there", func(p *corev1.Pod) { p.UID = "" }, "", false, ""},
		{"evicted", func(p *corev1.Pod) { p.Status.Phase, p.Status.Reason = corev1.PodFailed, "Evicted" },
			NoteFinished, true, "it has ended (Evicted)"},
		{"done", func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }, NoteFinished, true, "it has ended (Succeeded)"},
		{"being deleted", func(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.NewTime(noon.Add(-5 * time.Minute))) },
			NoteTerminating, true, "it is being deleted since 5m"},
		{"being deleted, with time to end", func(p *corev1.Pod) {
			p.CreationTimestamp = metav1.NewTime(noon.Add(-time.Hour))
			p.DeletionTimestamp, p.DeletionGracePeriodSeconds = new(metav1.NewTime(noon.Add(20*time.Second))), new(int64(30))
		}, NoteTerminating, true, "it is being deleted since 10s"},
		{"a claim that was not made yet", func(p *corev1.Pod) { claiming("")(p); p.Status = corev1.PodStatus{} },
			NoteNoClaim, true, "its resource claims do not exist (gpu): none was made yet of their templates"},
		{"a claim that was not made for an hour", func(p *corev1.Pod) {
			claiming("")(p)
			p.Status, p.CreationTimestamp = corev1.PodStatus{}, metav1.NewTime(noon.Add(-time.Hour))
		}, NoteNoClaim, true, "its resource claims do not exist (gpu): none was made yet of their templates"},
		{"a claim that it names and nobody made", func(p *corev1.Pod) {
			p.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: new("shared")}}
			p.CreationTimestamp = metav1.NewTime(noon.Add(-time.Hour))
		}, NoteNoClaim, true, "its resource claims do not exist (shared): whoever wrote it has to make them, and no scheduler tries it before that"},
		{"a claim that was made", claiming("web-gpu"), "", false, ""},
		{"nominated", func(p *corev1.Pod) { p.Status.NominatedNodeName = "b" }, NoteNominated, false, "it is nominated to node b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := waiting()
			test.change(pod)
			notes := openAs(t, shipped(t), func(*corev1.Node) {}, claimOf(pod, "web-gpu")).first(t.Context(), pod, true)
			if test.kind == "" {
				if len(notes) > 0 {
					t.Errorf("it says %+v, want nothing", notes)
				}
				return
			}
			if len(notes) != 1 || notes[0].Kind != test.kind || notes[0].Decides != test.decides || !strings.Contains(notes[0].Text, test.want) {
				t.Errorf("it says %+v, want one note of kind %s, decides %v, with %q", notes, test.kind, test.decides, test.want)
			}
		})
	}
}

// waiting is a pod of the shipped scheduler that was just made.
func waiting() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "web", CreationTimestamp: metav1.NewTime(noon.Add(-time.Second))},
		Spec:       corev1.PodSpec{SchedulerName: "headroom-scheduler"},
	}
}

// note is a note of which a part of the text is told.
type note struct {
	kind    string
	decides bool
	part    string
}

func TestWhoPlacesThePodIsSaidFirst(t *testing.T) {
	const opts = "schedulerName: headroom-scheduler opts in"
	of := func(scheduler, node string, age time.Duration) *corev1.Pod {
		pod := waiting()
		pod.Spec.SchedulerName, pod.Spec.NodeName, pod.CreationTimestamp = scheduler, node, metav1.NewTime(noon.Add(-age))
		return pod
	}
	for _, test := range []struct {
		name  string
		pod   *corev1.Pod
		exact bool
		want  []note
	}{
		{"a scheduler that nobody knows", of("headrom-scheduler", "", time.Second), false, []note{
			{NoteOtherScheduler, true, `perhaps "headroom-scheduler" is meant. Without a scheduler of that name it stays Pending`},
		}},
		{"one that has placed it", of("volcano", "a", time.Hour), false, []note{
			{NoteOtherScheduler, false, `it asked for scheduler "volcano", which is none of the shipped profile (headroom-scheduler), and has a node. Below`},
		}},
		{"the default one", of("default-scheduler", "", time.Second), true, []note{{NoteOtherScheduler, false, opts}}},
		{"the default one, which placed it", of("default-scheduler", "a", time.Hour), true, []note{{NoteOtherScheduler, false, opts}}},
		{"the default one, which does not run", of("default-scheduler", "", time.Hour), true, []note{
			{NoteOtherScheduler, false, opts}, {NoteNotSeen, true, "there is no lease kube-system/kube-scheduler"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := open(t)
			s.added = []string{corev1.DefaultSchedulerName}
			notes := s.first(t.Context(), test.pod, test.exact)
			for i := range min(len(notes), len(test.want)) {
				got := note{notes[i].Kind, notes[i].Decides, notes[i].Text}
				if strings.Contains(got.part, test.want[i].part) {
					got.part = test.want[i].part
				}
				if diff := cmp.Diff(test.want[i], got, cmp.AllowUnexported(note{})); diff != "" {
					t.Errorf("note %d (-want +got):\n%s", i, diff)
				}
			}
			if len(notes) != len(test.want) {
				t.Errorf("%d notes, want %d: %+v", len(notes), len(test.want), notes)
			}
		})
	}
}

func TestTheLeaseTellsWhetherTheSchedulerRuns(t *testing.T) {
	s := open(t)
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "headroom-scheduler"}}
	leases := s.options.Cluster.Client.CoordinationV1().Leases("kube-system")
	if _, err := leases.Create(t.Context(), lease, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, want := s.readLease(t.Context(), "headroom-scheduler"), "was never renewed"; !strings.Contains(got, want) {
		t.Errorf("it says %q, want %q", got, want)
	}
	lease.Spec.RenewTime = new(metav1.NewMicroTime(noon.Add(-3 * time.Second)))
	if _, err := leases.Update(t.Context(), lease, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, want := s.readLease(t.Context(), "headroom-scheduler"), "was renewed 3s ago"; !strings.Contains(got, want) {
		t.Errorf("it says %q, want %q", got, want)
	}
}
