// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/headroom-dev/headroom/pkg/explain/cluster"
	"github.com/headroom-dev/headroom/pkg/explain/profile"
)

// Kinds of notes. The first ones decide about the pod before any node does.
const (
	NoteBypass         = "bypass"
	NoteNoNamespace    = "no-namespace"
	NoteQuota          = "quota"
	NoteGated          = "gated"
	NoteNoClaim        = "no-claim"
	NoteOtherScheduler = "other-scheduler"
	NoteNotSeen        = "not-seen"
	NoteTerminating    = "terminating"
	NoteFinished       = "finished"
	NoteNominated      = "nominated"
	NotePinned         = "pinned"
	NoteHostname       = "hostname-label"
	NoteAlternatives   = "alternatives"
	NoteSampling       = "sampling"
	NoteExtenders      = "extenders"
	NoteDegraded       = "degraded"
	NoteUnscored       = "unscored"
	NoteFails          = "fails"
	NoteController     = "controller"
)

// unseenAfter is how long a scheduler may take to try a pod before that is worth a word.
const unseenAfter = 10 * time.Second

// first says what is to be known of the pod before its nodes. exact is false where its scheduler is none of the profile.
func (s *Scheduler) first(ctx context.Context, pod *corev1.Pod, exact bool) []Note {
	var notes []Note
	add := func(kind string, decides bool, format string, arguments ...any) {
		notes = append(notes, Note{Kind: kind, Decides: decides, Text: fmt.Sprintf(format, arguments...)})
	}
	switch {
	case pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed:
		add(NoteFinished, true, "it has ended (%s): it is not scheduled again; its owner makes another pod", ended(pod))
	case pod.DeletionTimestamp != nil:
		add(NoteTerminating, true, "it is being deleted since %s: it is not scheduled again", Age(s.now.Sub(deletedAt(pod))))
	}
	if cluster.Bypasses(pod) || pod.UID == "" && pod.Spec.NodeName != "" {
		add(NoteBypass, true, "spec.nodeName: %s was set by whoever made it, so no scheduler judges it, and its kubelet may refuse it; "+
			"use a required node affinity to matchFields metadata.name instead", pod.Spec.NodeName)
	}
	if s.lacksNamespace(ctx, pod) {
		add(NoteNoNamespace, true, "there is no namespace %s: the API server takes no pod of it before kubectl create namespace %s", pod.Namespace, pod.Namespace)
	}
	if len(pod.Spec.SchedulingGates) > 0 {
		add(NoteGated, true, "it is held back by its scheduling gates (%s): whoever set them has to remove them first", gatesOf(pod))
	}
	notes = append(notes, s.claimNotes(pod)...)
	notes = append(notes, s.schedulerNotes(ctx, pod, exact)...)
	if nominated := pod.Status.NominatedNodeName; nominated != "" && pod.Spec.NodeName == "" {
		add(NoteNominated, false, "it is nominated to node %s, where pods are to make room for it: that node is tried first", nominated)
	}
	return notes
}

// Begin puts notes first that were known before any node was asked, and judges the whole by them.
func (p *Placement) Begin(notes ...Note) {
	p.First = append(notes, p.First...)
	p.Fits = p.Fits && !p.heldBack()
	p.Verdict = p.verdict()
}

// lacksNamespace reports whether the namespace of a pod of a file is known not to be there.
func (s *Scheduler) lacksNamespace(ctx context.Context, pod *corev1.Pod) bool {
	if pod.UID != "" {
		return false
	}
	_, err := s.options.Cluster.Client.CoreV1().Namespaces().Get(ctx, pod.Namespace, metav1.GetOptions{})
	return apierrors.IsNotFound(err)
}

// claimNotes says which resource claims the pod waits for. One of a file has none yet.
func (s *Scheduler) claimNotes(pod *corev1.Pod) []Note {
	if pod.UID == "" || pod.Spec.NodeName != "" {
		return nil
	}
	var notes []Note
	if missing := claimsNotMade(pod); len(missing) > 0 {
		notes = append(notes, Note{NoteNoClaim, true, fmt.Sprintf("its resource claims do not exist (%s): none was made yet of their templates, which a "+
			"controller does once the pod is there; no node can be judged without them", strings.Join(missing, ", "))})
	}
	if missing := s.claimsGone(pod); len(missing) > 0 {
		notes = append(notes, Note{NoteNoClaim, true, fmt.Sprintf("its resource claims do not exist (%s): whoever wrote it has to make them, and no scheduler "+
			"tries it before that", strings.Join(missing, ", "))})
	}
	return notes
}

// gatesOf names the scheduling gates of a pod.
func gatesOf(pod *corev1.Pod) string {
	names := make([]string, len(pod.Spec.SchedulingGates))
	for i, gate := range pod.Spec.SchedulingGates {
		names[i] = gate.Name
	}
	return strings.Join(names, ", ")
}

// deletedAt is when the deletion of a pod was asked for: its timestamp is when the grace period ends.
func deletedAt(pod *corev1.Pod) time.Time {
	grace := time.Duration(ptr.Deref(pod.DeletionGracePeriodSeconds, 0)) * time.Second
	return pod.DeletionTimestamp.Add(-grace)
}

// claimsNotMade returns the claims of the pod that are to be made from a template and were not.
func claimsNotMade(pod *corev1.Pod) []string {
	var missing []string
	for _, claim := range pod.Spec.ResourceClaims {
		made := slices.ContainsFunc(pod.Status.ResourceClaimStatuses, func(status corev1.PodResourceClaimStatus) bool { return status.Name == claim.Name })
		if claim.ResourceClaimTemplateName != nil && !made {
			missing = append(missing, claim.Name)
		}
	}
	return missing
}

func ended(pod *corev1.Pod) string {
	if pod.Status.Reason != "" {
		return pod.Status.Reason
	}
	return string(pod.Status.Phase)
}

// schedulerNotes says who is to place the pod, and whether anybody does.
func (s *Scheduler) schedulerNotes(ctx context.Context, pod *corev1.Pod, exact bool) []Note {
	name := pod.Spec.SchedulerName
	if !exact {
		return []Note{s.unknownScheduler(pod)}
	}
	var notes []Note
	if slices.Contains(s.added, name) && name == corev1.DefaultSchedulerName {
		notes = append(notes, Note{NoteOtherScheduler, false, "it asks for the default scheduler, so Headroom does not place it; schedulerName: " +
			profile.Shipped + " opts in. Below is what kube-scheduler's defaults do"})
	}
	if !s.unseen(pod) {
		return notes
	}
	return append(notes, Note{NoteNotSeen, true, fmt.Sprintf("no scheduler has tried it in the %s since it was made: %s does not run, or has not got to it; %s",
		Age(s.now.Sub(pod.CreationTimestamp.Time)), name, s.lease(ctx, name))})
}

// unseen reports whether a scheduler should have tried the pod by now, and none has. It tries none that is held back, that is being
// deleted, or whose claims are not there.
func (s *Scheduler) unseen(pod *corev1.Pod) bool {
	if pod.UID == "" || pod.Spec.NodeName != "" || pod.DeletionTimestamp != nil || len(pod.Spec.SchedulingGates) > 0 {
		return false
	}
	return verdictOf(pod) == nil && s.now.Sub(pod.CreationTimestamp.Time) >= unseenAfter && len(claimsNotMade(pod)) == 0 && len(s.claimsGone(pod)) == 0
}

// verdictOf returns what a scheduler said of the pod, nil if none did. That gates hold it back the API server says itself, and leaves it there
// when they are gone.
func verdictOf(pod *corev1.Pod) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if condition := &pod.Status.Conditions[i]; condition.Type == corev1.PodScheduled && condition.Reason != corev1.PodReasonSchedulingGated {
			return condition
		}
	}
	return nil
}

// unknownScheduler says that the pod's scheduler is none of the profile, which matters no more where the pod has a node.
func (s *Scheduler) unknownScheduler(pod *corev1.Pod) Note {
	names := s.options.Profile.Names()
	other := fmt.Sprintf("scheduler %q, which is none of %s (%s)", pod.Spec.SchedulerName, s.options.Profile.Origin, strings.Join(names, ", "))
	below := ". Below is what " + names[0] + " would do"
	if pod.Spec.NodeName != "" {
		return Note{NoteOtherScheduler, false, "it asked for " + other + ", and has a node" + below}
	}
	if said := verdictOf(pod); said != nil && said.Message != "" {
		return Note{NoteOtherScheduler, true, "it asks for " + other + ". That one has tried it, and says: " + strings.TrimSuffix(said.Message, ".") + below}
	}
	if near := profile.Nearest(pod.Spec.SchedulerName, names); near != "" {
		other += fmt.Sprintf("; perhaps %q is meant", near)
	}
	return Note{NoteOtherScheduler, true, "it asks for " + other + ". Without a scheduler of that name it stays Pending" + below}
}

// lease says what the scheduler's lease tells. It is read once.
func (s *Scheduler) lease(ctx context.Context, scheduler string) string {
	if s.leases[scheduler] == "" {
		s.leases[scheduler] = s.readLease(ctx, scheduler)
	}
	return s.leases[scheduler]
}

func (s *Scheduler) readLease(ctx context.Context, scheduler string) string {
	election := &s.options.Profile.Config.LeaderElection
	namespace, name := election.ResourceNamespace, election.ResourceName
	if slices.Contains(s.added, scheduler) || name == "" {
		namespace, name = metav1.NamespaceSystem, scheduler
		if scheduler == corev1.DefaultSchedulerName {
			name = "kube-scheduler"
		}
	}
	lease, err := s.options.Cluster.Client.CoordinationV1().Leases(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Sprintf("there is no lease %s/%s, which it takes when it starts", namespace, name)
	case err != nil:
		return fmt.Sprintf("its lease %s/%s cannot be read", namespace, name)
	case lease.Spec.RenewTime == nil:
		return fmt.Sprintf("its lease %s/%s was never renewed", namespace, name)
	}
	return fmt.Sprintf("its lease %s/%s was renewed %s ago", namespace, name, Age(s.now.Sub(lease.Spec.RenewTime.Time)))
}
