// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
)

// newUID stands for that of a pod that is not there yet.
const newUID = types.UID("not-there-yet")

// Explain says where the pod goes and why, and where so many copies of it would go, one after another; 0: that is not asked. A pod
// that has a node is judged as if it were not there, and what it holds were given back. The pod is not changed.
func (s *Scheduler) Explain(ctx context.Context, pod *corev1.Pod, replicas int) (*Placement, error) {
	of, exact, err := s.framework(pod.Spec.SchedulerName)
	if err != nil {
		return nil, err
	}
	p := &Placement{
		TypeMeta: typeMeta("PodPlacement"), Pod: PodName{pod.Namespace, pod.Name}, First: s.first(ctx, pod, exact),
	}
	if pod.UID != "" && pod.Spec.NodeName != "" { // One of a file is on no node yet, whatever it names.
		p.Node = pod.Spec.NodeName
		if err := s.takeOut(ctx, pod); err != nil {
			return nil, err
		}
	}
	judged := asPending(s.asSibling(pod))
	if pod.UID == "" {
		problem, err := s.makeClaims(ctx, of, judged)
		if err != nil {
			return nil, err
		}
		if problem != "" {
			p.First = append(p.First, Note{Kind: NoteNoClaim, Decides: true, Text: "its resource claims cannot be made: " + problem})
		}
	}
	c, err := s.newCycle(ctx, of, judged)
	if err != nil {
		return nil, err
	}
	if err := p.fill(ctx, c); err != nil {
		return nil, err
	}
	p.Basis = s.basis(of.ProfileName())
	p.Fits = p.Winner != "" && !p.heldBack()
	p.Verdict = p.verdict()
	if replicas > 0 {
		if p.Replicas, err = s.replicas(ctx, of, c.pod, replicas); err != nil {
			return nil, err
		}
		p.Fits = p.Fits && p.Replicas.Ended == ""
	}
	return p, nil
}

// takeOut takes a pod off its node.
func (s *Scheduler) takeOut(ctx context.Context, pod *corev1.Pod) error {
	known, err := s.scheduler.Cache.GetPod(pod)
	if err != nil {
		return nil //nolint:nilerr // it is on no node, because it has ended
	}
	if err := s.scheduler.Cache.RemovePod(klog.FromContext(ctx), known); err != nil {
		return err
	}
	s.makeBooks(pod)
	return s.refresh(ctx)
}

// asPending returns the pod as it was before it had a node. The names of its claims stay: what a template made has no other
// trace in the pod.
func asPending(pod *corev1.Pod) *corev1.Pod {
	pending := pod.DeepCopy()
	if pending.UID == "" {
		pending.UID = newUID
	}
	nominated := pending.Status.NominatedNodeName
	if pending.Spec.NodeName != "" {
		nominated = ""
	}
	pending.Spec.NodeName, pending.DeletionTimestamp, pending.Spec.SchedulingGates = "", nil, nil
	pending.Status = corev1.PodStatus{
		Phase: corev1.PodPending, NominatedNodeName: nominated,
		ResourceClaimStatuses: pending.Status.ResourceClaimStatuses, ExtendedResourceClaimStatus: pending.Status.ExtendedResourceClaimStatus,
	}
	return pending
}

// fill tells what the cycle found.
func (p *Placement) fill(ctx context.Context, c *cycle) error {
	p.First = append(p.First, c.mistakes()...)
	if failure, ends := c.failure(); failure != "" {
		p.First = append(p.First, Note{Kind: NoteFails, Decides: ends, Text: failure})
	}
	feasible := c.feasible()
	p.Counts = Counts{Nodes: len(c.nodes), Feasible: len(feasible), Rejected: len(c.nodes) - len(feasible)}
	scores, failure := c.score(ctx, feasible)
	if err := ctx.Err(); err != nil {
		return err
	}
	p.Memory = c.need()
	p.plugins(c)
	p.scores(c, scores, feasible)
	p.choose(c.taken(feasible), failure)
	p.Causes, p.Rejected = c.causes(), c.rejected()
	if len(feasible) == 0 {
		p.Nearest, p.Message = c.nearest(), c.message()
		p.Preemption = c.preemption(ctx)
	}
	p.First = append(p.First, c.searched(len(feasible), p.Memory)...)
	return nil
}

func (p *Placement) plugins(c *cycle) {
	listed := c.of.ListPlugins()
	for _, plugin := range listed.Filter.Enabled {
		p.Plugins.Filter = append(p.Plugins.Filter, plugin.Name)
		if c.skipped.Has(plugin.Name) {
			p.Plugins.Skipped = append(p.Plugins.Skipped, plugin.Name)
		}
	}
	for _, plugin := range listed.Score.Enabled {
		p.Plugins.Score = append(p.Plugins.Score, Weight{plugin.Name, int64(plugin.Weight)})
	}
}

// searched says where the scheduler itself may look at less than is told here.
func (c *cycle) searched(feasible int, need *PodNeed) []Note {
	var notes []Note
	configuration := c.scheduler.options.Profile.Config
	percentage := configuration.PercentageOfNodesToScore
	for i := range configuration.Profiles {
		if own := configuration.Profiles[i].PercentageOfNodesToScore; own != nil && configuration.Profiles[i].SchedulerName == c.of.ProfileName() {
			percentage = own
		}
	}
	if enough := enoughFeasible(percentage, len(c.nodes)); feasible > enough {
		notes = append(notes, Note{Kind: NoteSampling, Text: fmt.Sprintf("the scheduler stops looking at %d feasible nodes (percentageOfNodesToScore), so it may choose any of the %d that were not among them",
			enough, feasible-enough)})
	}
	if len(configuration.Extenders) > 0 {
		notes = append(notes, Note{Kind: NoteExtenders, Text: fmt.Sprintf("the configuration has %d extender(s), which are not asked here", len(configuration.Extenders))})
	}
	if need != nil && need.Degraded {
		notes = append(notes, Note{Kind: NoteDegraded, Text: DegradedWords(c.scheduler.options.Cluster.Losses())})
	}
	return notes
}

// enoughFeasible is how many feasible nodes a scheduler looks for (k8s.io/kubernetes pkg/scheduler/schedule_one.go,
// numFeasibleNodesToFind).
func enoughFeasible(percentage *int32, nodes int) int {
	const least, leastPercent = 100, 5
	percent := schedulerconfig.DefaultPercentageOfNodesToScore
	if percentage != nil {
		percent = int(*percentage)
	}
	if nodes < least {
		return nodes
	}
	if percent == 0 {
		percent = max(50-nodes/125, leastPercent)
	}
	return max(nodes*percent/100, least)
}

// verdict is the whole in one sentence.
func (p *Placement) verdict() string {
	nodes := plural(p.Counts.Nodes, "node")
	switch {
	case p.Counts.Nodes == 0:
		return "goes nowhere: the cluster has no nodes"
	case p.Node != "" && p.Winner == "":
		return fmt.Sprintf("%s; placed anew it would fit %s", p.where(), p.fitting(nodes))
	case p.Node != "" && p.Winner == p.Node:
		return p.where() + ", and would go there again"
	case p.Node != "":
		return fmt.Sprintf("%s; placed anew it would go to %s%s", p.where(), p.Winner, p.wouldItStay())
	case p.Winner == "":
		return "fits " + p.fitting(nodes)
	}
	goes := "goes"
	if p.heldBack() {
		goes = "would go"
	}
	if p.Counts.Feasible == 1 {
		return fmt.Sprintf("%s to node %s, the only one of %s that it fits", goes, p.Winner, nodes)
	}
	which := "the best"
	if p.Why.RunnerUp == "" { // It is nominated to it.
		which = "one"
	}
	return fmt.Sprintf("%s to node %s, %s of %d feasible among %s", goes, p.Winner, which, p.Counts.Feasible, nodes)
}

// where says on which node the pod is, or was until it ended.
func (p *Placement) where() string {
	if slices.ContainsFunc(p.First, func(note Note) bool { return note.Kind == NoteFinished }) {
		return "was on node " + p.Node
	}
	return "is on node " + p.Node
}

// fitting is how many of the nodes the pod fits, where it goes to none.
func (p *Placement) fitting(nodes string) string {
	if p.Counts.Feasible == 0 {
		return "none of " + nodes
	}
	return fmt.Sprintf("%d of %s, none of which is chosen", p.Counts.Feasible, nodes)
}

// heldBack reports whether something but the nodes decides about the pod.
func (p *Placement) heldBack() bool {
	return slices.ContainsFunc(p.First, func(note Note) bool { return note.Decides })
}

// wouldItStay says what there is against the node where the pod is.
func (p *Placement) wouldItStay() string {
	if slices.Contains(p.Ties, p.Node) {
		return " or there again: they score the same"
	}
	for _, node := range p.Rejected {
		if node.Node == p.Node {
			return fmt.Sprintf(": it would not fit %s (%s)", p.Node, strings.Join(plainReasons(node.Verdicts[0].Reasons), " and "))
		}
	}
	for _, score := range p.Scores {
		if score.Node == p.Node {
			return fmt.Sprintf(" (%d points; there %d)", p.Scores[0].Total, score.Total)
		}
	}
	return ": its node is gone"
}

func plural(count int, word string) string {
	if count == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", count, word)
}
