// SPDX-License-Identifier: Apache-2.0

// Package nodeaffinity is the HeadroomNodeAffinity plugin: node selector, required and preferred node affinity.
//
// Its verdicts are those of the in-tree NodeAffinity plugin; the constraints themselves are compiled and matched by
// package constraint.
package nodeaffinity

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	resourcehelper "k8s.io/component-helpers/resource"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/features"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/helper"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/apis/config/validation"
	"github.com/headroom-dev/headroom/pkg/constraint"
	"github.com/headroom-dev/headroom/pkg/plugins/cycle"
)

// NodeAffinity is the plugin.
type NodeAffinity struct {
	addedRequired  *constraint.Terms     // nil: none
	addedPreferred *constraint.Preferred // nil: none

	handle      fwk.Handle
	narrowing   *narrowing
	preFiltered *cycle.Latest[*preFilterState]
	preScored   *cycle.Latest[*preScoreState]

	// skipDeferredResize: a running pod whose resize waits for room is scheduled again only to find victims; its node's
	// labels no longer matter.
	skipDeferredResize bool
}

var (
	_ fwk.PreFilterPlugin   = &NodeAffinity{}
	_ fwk.FilterPlugin      = &NodeAffinity{}
	_ fwk.PostFilterPlugin  = &NodeAffinity{}
	_ fwk.PreScorePlugin    = &NodeAffinity{}
	_ fwk.ScorePlugin       = &NodeAffinity{}
	_ fwk.ScoreExtensions   = &NodeAffinity{}
	_ fwk.EnqueueExtensions = &NodeAffinity{}
	_ fwk.SignPlugin        = &NodeAffinity{}
)

const (
	// Name is the plugin's name in a KubeSchedulerConfiguration.
	Name = "HeadroomNodeAffinity"

	// The reasons begin with the texts of the in-tree plugin, which users' alerts and tools look for.

	// ErrReasonPod is the reason for a node that the pod's own constraints do not match; which of them follows.
	ErrReasonPod = constraint.PhrasePod
	// ErrReasonEnforced is the reason for a node that the added affinity does not match.
	ErrReasonEnforced = constraint.PhraseAdded
	// ErrReasonConflict is the reason for a pod whose every term names contradicting nodes.
	ErrReasonConflict = "pod affinity terms conflict"
)

// Name returns the plugin's name.
func (pl *NodeAffinity) Name() string { return Name }

// SignPod signs the two fields that verdict and score depend on.
func (pl *NodeAffinity) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	affinity, err := fwk.NodeAffinitySigner(pod)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	return []fwk.SignFragment{
		{Key: fwk.NodeAffinitySignerName, Value: affinity},
		{Key: fwk.NodeSelectorSignerName, Value: pod.Spec.NodeSelector},
	}, nil
}

// EventsToRegister: a pod that no node matched can only be helped by a new node or by new labels.
func (pl *NodeAffinity) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeLabel}, QueueingHintFn: pl.isSchedulableAfterNodeChange},
	}, nil
}

// PreFilter compiles the pod's constraints once, and narrows the search: to the nodes that they name, if they name any, and
// to those that match, if few can. Filter stays, for it also sees nodes that do not come through PreFilter, such as nominated
// ones.
func (pl *NodeAffinity) PreFilter(_ context.Context, cycleState fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	if pl.passes(pod) {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	if pl.addedRequired == nil && !constraint.HasRequired(pod) {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	required := constraint.CompileRequired(pod)
	state := newPreFilterState(required)
	pl.preFiltered.Write(cycleState, state)

	named, all := constraint.NodeNames(pod)
	if !all && len(named) == 0 {
		state.refused = true
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReasonConflict)
	}
	if matching, ok := pl.narrowing.find(required, pl.addedRequired, nodes); ok {
		if len(matching) == 0 {
			state.refused = true
			return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, pl.narrowing.diagnose(pod, required, pl.addedRequired, nodes).Message())
		}
		if !all && required.Sole() && pl.addedRequired == nil {
			state.named = len(matching)
		}
		if !cycleState.IsPodGroupSchedulingCycle() { // There PostFilter does not run, which says why the others do not match.
			state.narrowed = true
			return &fwk.PreFilterResult{NodeNames: matching}, nil
		}
	}
	if all {
		return nil, nil
	}
	state.narrowed = true
	return &fwk.PreFilterResult{NodeNames: named}, nil
}

// PreFilterExtensions is nil: other pods do not change a node's labels.
func (pl *NodeAffinity) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// Filter rejects nodes that the added affinity or the pod's own constraints do not match. A faulty term matches nothing.
func (pl *NodeAffinity) Filter(_ context.Context, cycleState fwk.CycleState, pod *corev1.Pod, nodeInfo fwk.NodeInfo) *fwk.Status {
	if pl.passes(pod) {
		return nil
	}
	node, state := nodeInfo.Node(), pl.stateOf(cycleState, pod)
	if pl.addedRequired != nil && !pl.addedRequired.Match(node) {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReasonEnforced)
	}
	if state.required.Match(node) {
		return nil
	}
	if !state.rejected.Load() { // once is enough, and many workers share it
		state.rejected.Store(true)
	}
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, state.reason(state.required.FirstMiss(node)))
}

// PostFilter only adds words: what the nodes have that do not match, and what the pod may have been meant to ask. The search
// was narrowed, so the framework has no reasons of its own for the nodes left out. Of a pod that PreFilter refused all is said; preempting
// does not help it, a node that it was nominated to is free again, and plugins whose PreFilter did not run after that have nothing to go by
// (k8s.io/kubernetes pkg/scheduler/framework/plugins/dynamicresources/dynamicresources.go: PostFilter).
func (pl *NodeAffinity) PostFilter(_ context.Context, cycleState fwk.CycleState, pod *corev1.Pod, _ fwk.NodeToStatusReader) (*fwk.PostFilterResult, *fwk.Status) {
	state, ok := pl.preFiltered.Read(cycleState)
	if ok && state.refused {
		return framework.NewPostFilterResultWithNominatedNode(""), fwk.NewStatus(fwk.UnschedulableAndUnresolvable)
	}
	if !ok || pl.handle == nil || (!state.narrowed && !state.rejected.Load()) {
		return nil, fwk.NewStatus(fwk.Unschedulable)
	}
	nodes, err := pl.handle.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	if state.narrowed && state.named > 0 { // A pod of a DaemonSet: that it was made for one node needs no look at the others.
		return nil, fwk.NewStatus(fwk.Unschedulable, constraint.Unnamed(state.required, len(nodes)-state.named))
	}
	diagnosis := pl.narrowing.diagnose(pod, state.required, pl.addedRequired, nodes)
	text := diagnosis.Instead(state.left())
	if state.narrowed {
		text = diagnosis.Message()
	}
	return nil, fwk.NewStatus(fwk.Unschedulable, text)
}

// PreScore compiles the pod's preferred terms once. A faulty term is an error, as in-tree.
func (pl *NodeAffinity) PreScore(_ context.Context, cycleState fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	terms := constraint.PreferredTerms(pod)
	if terms == nil && pl.addedPreferred == nil {
		return fwk.NewStatus(fwk.Skip)
	}
	preferred, err := constraint.CompilePreferred(terms)
	if err != nil {
		return fwk.AsStatus(err)
	}
	pl.preScored.Write(cycleState, &preScoreState{preferred})
	return nil
}

// Score adds up the weights of the preferred terms that match the node: the pod's and the added ones.
func (pl *NodeAffinity) Score(_ context.Context, cycleState fwk.CycleState, pod *corev1.Pod, nodeInfo fwk.NodeInfo) (int64, *fwk.Status) {
	preferred, err := pl.preferredOf(cycleState, pod)
	if err != nil {
		return 0, fwk.AsStatus(err)
	}
	score := preferred.Score(nodeInfo.Node())
	if pl.addedPreferred != nil {
		score += pl.addedPreferred.Score(nodeInfo.Node())
	}
	return score, nil
}

// ScoreExtensions returns the plugin itself, for NormalizeScore.
func (pl *NodeAffinity) ScoreExtensions() fwk.ScoreExtensions { return pl }

// NormalizeScore stretches the scores so that the best node has 100.
func (pl *NodeAffinity) NormalizeScore(_ context.Context, _ fwk.CycleState, _ *corev1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	return helper.DefaultNormalizeScore(fwk.MaxScore, false, scores)
}

func (pl *NodeAffinity) passes(pod *corev1.Pod) bool {
	return pl.skipDeferredResize && resourcehelper.IsPodResizeDeferred(pod)
}

// New returns the plugin for arguments of type HeadroomNodeAffinityArgs, which it validates.
func New(_ context.Context, arguments runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	args, ok := arguments.(*config.HeadroomNodeAffinityArgs)
	if !ok {
		return nil, fmt.Errorf("%s: the arguments are of type %T, want HeadroomNodeAffinityArgs", Name, arguments)
	}
	if err := validation.ValidateHeadroomNodeAffinityArgs(nil, args); err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	pl := &NodeAffinity{
		handle:             handle,
		narrowing:          newNarrowing(handle),
		preFiltered:        cycle.NewLatest[*preFilterState](preFilterStateKey),
		preScored:          cycle.NewLatest[*preScoreState](preScoreStateKey),
		skipDeferredResize: utilfeature.DefaultFeatureGate.Enabled(features.InPlacePodVerticalScalingSchedulerPreemption),
	}
	if args.AddedAffinity == nil {
		return pl, nil
	}
	if required := args.AddedAffinity.RequiredDuringSchedulingIgnoredDuringExecution; required != nil {
		pl.addedRequired = constraint.CompileTerms(required)
		if err := pl.addedRequired.Faults(); err != nil {
			return nil, fmt.Errorf("%s: addedAffinity.requiredDuringSchedulingIgnoredDuringExecution: %w", Name, err)
		}
	}
	if preferred := args.AddedAffinity.PreferredDuringSchedulingIgnoredDuringExecution; len(preferred) != 0 {
		var err error
		if pl.addedPreferred, err = constraint.CompilePreferred(preferred); err != nil {
			return nil, fmt.Errorf("%s: addedAffinity.preferredDuringSchedulingIgnoredDuringExecution: %w", Name, err)
		}
	}
	return pl, nil
}
