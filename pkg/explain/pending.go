// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// Pending is every pod that waits for a node, by what keeps it. Its kind is PendingPodList.
type Pending struct {
	metav1.TypeMeta `json:",inline"`
	Basis           Basis `json:"basis"`
	// Namespace that was asked about; "" is all of them.
	Namespace string `json:"namespace,omitempty"`
	// Fitting is how many fit some node now.
	Fitting int `json:"fitting"`
	// Groups are by main cause, the largest first; those that fit are the last.
	Groups []PendingGroup `json:"groups"`
}

// PendingGroup is the pods of one main cause.
type PendingGroup struct {
	// Cause is the main one in words: what decides before any node does, or what keeps most of the nodes out.
	Cause string       `json:"cause"`
	Fits  bool         `json:"fits"`
	Pods  []PendingPod `json:"pods"`
}

// PendingPod is a pod that waits.
type PendingPod struct {
	Pod        PodName `json:"pod"`
	Scheduler  string  `json:"scheduler"`
	AgeSeconds int64   `json:"ageSeconds"`
	// RequestBytes is the memory that it requests.
	RequestBytes int64  `json:"requestBytes"`
	Counts       Counts `json:"counts"`
	// CauseNodes is how many nodes the main cause keeps out; missing where it is none of nodes.
	CauseNodes int      `json:"causeNodes,omitempty"`
	Nearest    *Nearest `json:"nearest,omitempty"`
}

// fitsNow is the cause of those that nothing keeps.
const fitsNow = "fit now: their scheduler has not come to them since, or lets them rest before it tries again"

// judged is what a cycle says of a pod.
type judged struct {
	counts  Counts
	cause   *Cause
	nearest *Nearest
	request int64
	// unscored says why none of its feasible nodes is chosen.
	unscored string
	// failed says why no node is chosen, whatever others there are.
	failed string
}

// Pending tells of every pod of a namespace that has no node; "" is all namespaces. Pods that ask for the same are judged once.
func (s *Scheduler) Pending(ctx context.Context, namespace string) (*Pending, error) {
	list := &Pending{TypeMeta: typeMeta("PendingPodList"), Basis: s.basis(""), Namespace: namespace, Groups: []PendingGroup{}}
	known, groups := map[string]*judged{}, map[string]*PendingGroup{}
	for _, pod := range s.pods {
		if pod.Spec.NodeName != "" || pod.DeletionTimestamp != nil || namespace != "" && pod.Namespace != namespace {
			continue
		}
		key, err := askedFor(pod)
		if err != nil {
			return nil, err
		}
		if known[key] == nil {
			if known[key], err = s.judgeAll(ctx, pod); err != nil {
				return nil, err
			}
		}
		cause, fits := s.mainCause(ctx, pod, known[key])
		if fits {
			list.Fitting++
		}
		if groups[cause] == nil {
			groups[cause] = &PendingGroup{Cause: cause, Fits: fits}
		}
		groups[cause].Pods = append(groups[cause].Pods, s.pendingPod(pod, known[key]))
	}
	for _, group := range groups {
		slices.SortFunc(group.Pods, func(a, b PendingPod) int {
			return cmp.Or(cmp.Compare(b.AgeSeconds, a.AgeSeconds), strings.Compare(a.Pod.String(), b.Pod.String()))
		})
		list.Groups = append(list.Groups, *group)
	}
	slices.SortFunc(list.Groups, func(a, b PendingGroup) int {
		if a.Fits != b.Fits {
			return map[bool]int{true: 1, false: -1}[a.Fits]
		}
		return cmp.Or(len(b.Pods)-len(a.Pods), strings.Compare(a.Cause, b.Cause))
	})
	return list, nil
}

// askedFor is all of a pod that a verdict depends on, as text. Volumes of tokens have another name in every pod; claims that are
// made from a template differ from pod to pod.
func askedFor(pod *corev1.Pod) (string, error) {
	spec := pod.Spec
	spec.Volumes = slices.DeleteFunc(slices.Clone(spec.Volumes), func(volume corev1.Volume) bool { return volume.Projected != nil })
	text, err := json.Marshal(struct {
		Namespace, Nominated string
		Owners               []metav1.OwnerReference
		Labels, Annotations  map[string]string
		Claims               []corev1.PodResourceClaimStatus
		ExtendedClaim        *corev1.PodExtendedResourceClaimStatus
		Spec                 *corev1.PodSpec
	}{
		pod.Namespace, pod.Status.NominatedNodeName, pod.OwnerReferences, pod.Labels, pod.Annotations,
		pod.Status.ResourceClaimStatuses, pod.Status.ExtendedResourceClaimStatus, &spec,
	})
	return string(text), err
}

// judgeAll runs a cycle for a pod, without scores but for what they need: whether they can be computed at all.
func (s *Scheduler) judgeAll(ctx context.Context, pod *corev1.Pod) (*judged, error) {
	of, _, err := s.framework(pod.Spec.SchedulerName)
	if err != nil {
		return nil, err
	}
	c, err := s.newCycle(ctx, of, asPending(pod))
	if err != nil {
		return nil, err
	}
	feasible := c.feasible()
	made := &judged{
		counts:  Counts{Nodes: len(c.nodes), Feasible: len(feasible), Rejected: len(c.nodes) - len(feasible)},
		request: forecast.Prior{}.Demand(pod).RequestBytes,
	}
	if failure, ends := c.failure(); ends {
		made.failed = failure
	}
	if len(feasible) > 0 {
		if c.taken(feasible) == "" {
			made.unscored = of.RunPreScorePlugins(ctx, c.state, c.pod, feasible).Message()
		}
		return made, ctx.Err()
	}
	made.cause, made.nearest = mainOf(c.causes()), c.nearest()
	return made, nil
}

// mainOf returns the cause that keeps most nodes out, and of equals the one beside which fewest of its nodes have another: to be rid of that
// one helps most.
func mainOf(causes []Cause) (most *Cause) {
	for i := range causes {
		if most == nil || causes[i].Nodes == most.Nodes && causes[i].Only > most.Only {
			most = &causes[i]
		}
	}
	return most
}

// mainCause is what keeps the pod: what decides before nodes do, or the plugin and the reason that keep out most of them.
func (s *Scheduler) mainCause(ctx context.Context, pod *corev1.Pod, of *judged) (cause string, fits bool) {
	_, exact, err := s.framework(pod.Spec.SchedulerName)
	if err == nil {
		for _, note := range s.first(ctx, pod, exact) {
			if note.Decides {
				return headOf(note, pod), false
			}
		}
	}
	switch {
	case of.failed != "":
		return of.failed, false
	case of.unscored != "":
		return "none of their feasible nodes is chosen, for they cannot be scored: " + of.unscored, false
	case of.counts.Feasible > 0:
		return fitsNow, true
	case of.cause == nil:
		return "the cluster has no nodes", false
	}
	return of.cause.Plugin + ": " + of.cause.Reason, false
}

// headOf is a note without what differs from pod to pod.
func headOf(note Note, pod *corev1.Pod) string {
	switch note.Kind {
	case NoteGated:
		return "held back by scheduling gates: " + gatesOf(pod)
	case NoteOtherScheduler:
		return "nobody is known as scheduler " + pod.Spec.SchedulerName
	case NoteNotSeen:
		return "no scheduler has tried it: " + pod.Spec.SchedulerName + " does not run, or has not got to it"
	}
	return note.Text
}

func (s *Scheduler) pendingPod(pod *corev1.Pod, of *judged) PendingPod {
	made := PendingPod{
		Pod: PodName{pod.Namespace, pod.Name}, Scheduler: pod.Spec.SchedulerName, RequestBytes: of.request,
		AgeSeconds: int64(s.now.Sub(pod.CreationTimestamp.Time).Seconds()), Counts: of.counts, Nearest: of.nearest,
	}
	if of.cause != nil {
		made.CauseNodes = of.cause.Nodes
	}
	return made
}
