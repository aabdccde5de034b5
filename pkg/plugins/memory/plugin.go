// SPDX-License-Identifier: Apache-2.0

// Package memory is the HeadroomMemory plugin: it places pods by the bytes a node really has left before the kubelet evicts.
//
// Off the scheduling path a keeper folds samples and pods into an immutable book. A scheduling cycle loads the book once,
// in PreFilter; Filter and NormalizeScore are look-ups and arithmetic on it.
package memory

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/plugins/cycle"
)

// Memory is the plugin.
type Memory struct {
	modes     modes
	shadow    bool               // decide and report, and change nothing
	packTo    float64            // the share up to which nodes are filled; 0: they are not
	prior     forecast.Prior     // what a pod says of itself
	estimator forecast.Estimator // that, and what was learned
	books     *books
	waiting   *waiting
	metrics   *metrics
	latest    *cycle.Latest[*cycleState]
	clock     clock.PassiveClock
}

var (
	_ fwk.PreFilterPlugin     = &Memory{}
	_ fwk.PreFilterExtensions = &Memory{}
	_ fwk.FilterPlugin        = &Memory{}
	_ fwk.PostFilterPlugin    = &Memory{}
	_ fwk.PreScorePlugin      = &Memory{}
	_ fwk.ScorePlugin         = &Memory{}
	_ fwk.ReservePlugin       = &Memory{}
	_ fwk.PostBindPlugin      = &Memory{}
	_ fwk.EnqueueExtensions   = &Memory{}
	_ fwk.SignPlugin          = &Memory{}
)

const (
	// Name is the plugin's name in a KubeSchedulerConfiguration.
	Name = "HeadroomMemory"

	demandKey   = "headroom.dev/HeadroomMemory.Demand()"
	priorityKey = "headroom.dev/HeadroomMemory.PreemptorPriority()"
	modeKey     = "headroom.dev/HeadroomMemory.FilterMode()"
	workloadKey = "headroom.dev/HeadroomMemory.Workload()"
)

// Name returns the plugin's name.
func (pl *Memory) Name() string { return Name }

// SignPod signs all of a pod that verdict and score depend on, together with the node: its demand by what it says of itself,
// its filter mode, the workload that cooldowns and what is learned go by, and the priority below which pods may be preempted for it. Pods
// that differ in any of them never share a signature. What is learned is not in it: it changes while a pod waits, and is the same for all pods of a signature. A pod
// with an annotation that cannot be read is not signed: it is rejected.
func (pl *Memory) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	mode, err := pl.modeFor(pod)
	if err != nil {
		return nil, fwk.NewStatus(fwk.Unschedulable, err.Error())
	}
	return []fwk.SignFragment{
		{Key: demandKey, Value: pl.prior.Demand(pod)},
		{Key: modeKey, Value: mode},
		{Key: workloadKey, Value: forecast.WorkloadOf(pod)},
		{Key: priorityKey, Value: ledger.PreemptorPriority(pod)},
	}, nil
}

// EventsToRegister: a pod can be helped by a pod that leaves its node, by a node that is new or got larger, and by asking
// for less itself. Memory that comes back without any such event is seen by the keeper, which wakes the pods that then fit.
func (pl *Memory) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Delete}, QueueingHintFn: pl.isSchedulableAfterPodDeletion},
		// Annotations are part of what a pod asks for, and have no event of their own.
		{Event: fwk.ClusterEvent{Resource: fwk.TargetPod, ActionType: fwk.Update}, QueueingHintFn: pl.isSchedulableAfterOwnUpdate},
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeAllocatable | fwk.UpdateNodeAnnotation}, QueueingHintFn: pl.isSchedulableAfterNodeChange},
	}, nil
}

// PreFilter takes the current book into the cycle, with the pod's demand. Where the Filter has nothing to say it is skipped:
// when requests decide, and for pods that it is not for. A pod with an annotation that cannot be read is rejected: what it
// asks for is not known.
func (pl *Memory) PreFilter(_ context.Context, cycleState fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	mode, err := pl.modeFor(pod)
	if err != nil {
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, err.Error())
	}
	state := pl.newState(pod, mode, nodes)
	pl.latest.Write(cycleState, state)
	if mode != config.FilterHard || state.book.snapshot.Degraded {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	return nil, nil
}

// PreFilterExtensions returns the plugin itself, for AddPod and RemovePod.
func (pl *Memory) PreFilterExtensions() fwk.PreFilterExtensions { return pl }

// AddPod counts a pod that is nominated to the node, or that a preemption dry run puts back.
func (pl *Memory) AddPod(_ context.Context, cycleState fwk.CycleState, _ *corev1.Pod, added fwk.PodInfo, nodeInfo fwk.NodeInfo) *fwk.Status {
	return pl.change(cycleState, added.GetPod(), nodeInfo, +1)
}

// RemovePod gives back what the book counts for a pod, as a preemption dry run takes it away: its measured bytes where it
// has any.
func (pl *Memory) RemovePod(_ context.Context, cycleState fwk.CycleState, _ *corev1.Pod, removed fwk.PodInfo, nodeInfo fwk.NodeInfo) *fwk.Status {
	return pl.change(cycleState, removed.GetPod(), nodeInfo, -1)
}

// Filter rejects a node that has less left than the pod asks for; see judge. It looks at requests, declarations and
// measurements only: an expected peak never makes a pod Pending. A node without a fresh sample passes.
func (pl *Memory) Filter(_ context.Context, cycleState fwk.CycleState, _ *corev1.Pod, nodeInfo fwk.NodeInfo) *fwk.Status {
	state, ok := pl.latest.Read(cycleState)
	if !ok || (state.fitsAll && len(state.changes) == 0) {
		return nil
	}
	verdict := state.judge(state.book.find(state.positions, nodeInfo))
	if verdict == fits {
		return nil
	}
	state.reject(verdict)
	if pl.shadow {
		return nil
	}
	return verdict.status()
}

// PostFilter remembers a pod that this plugin rejected, so that it can be woken when memory returns. It never helps by
// itself and so answers Unschedulable. A pod that has preempted already, and was judged before what its victims held was given back, is to take
// no further victim, which UnschedulableAndUnresolvable says to the plugins behind: it is tried by the next book.
func (pl *Memory) PostFilter(_ context.Context, cycleState fwk.CycleState, pod *corev1.Pod, _ fwk.NodeToStatusReader) (*fwk.PostFilterResult, *fwk.Status) {
	if state, ok := pl.latest.Read(cycleState); ok && !pl.shadow {
		if rejections := state.rejections(); len(rejections) > 0 {
			pl.metrics.rejected(rejections, outcomePending)
			if pod.Status.NominatedNodeName != "" && pl.books.since(state.version, pl.clock.Now()) {
				pl.waiting.expect(pod)
				return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReasonGivenBack)
			}
			pl.waiting.add(pod, state.demand.FirmBytes, state.book)
		}
	}
	return nil, fwk.NewStatus(fwk.Unschedulable)
}

// PreScore notes the nodes that are to be scored. It skips scoring while the book is degraded, unless what pods hold is learned: then
// requests decide, by the plugins that score them.
func (pl *Memory) PreScore(_ context.Context, cycleState fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo) *fwk.Status {
	state, ok := pl.latest.Read(cycleState)
	if !ok { // PreFilter is disabled, or what it would say does not count any more.
		mode, err := pl.modeFor(pod)
		if err != nil {
			return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, err.Error())
		}
		state = pl.newState(pod, mode, nil)
		pl.latest.Write(cycleState, state)
	}
	if state.book.snapshot.Degraded && !state.book.snapshot.Foreseen {
		return fwk.NewStatus(fwk.Skip)
	}
	state.nodes = nodes
	return nil
}

// Score ranks a node by requests, all that counts where nothing else is known of it. What is known takes its place in NormalizeScore,
// for all nodes in one go: fetching a node's line from memory takes longer than all that is computed of it, and only a loop
// fetches many at once.
func (pl *Memory) Score(_ context.Context, _ fwk.CycleState, _ *corev1.Pod, node fwk.NodeInfo) (int64, *fwk.Status) {
	return byRequests(node), nil
}

// ScoreExtensions returns the plugin itself, for NormalizeScore.
func (pl *Memory) ScoreExtensions() fwk.ScoreExtensions { return pl }

// NormalizeScore ranks nodes by how full they are expected to be with the pod (see cycleState.score) and brings that to the common
// scale. Where neither PreFilter nor PreScore is enabled, requests rank them. In shadow mode all nodes score alike.
func (pl *Memory) NormalizeScore(_ context.Context, cycleState fwk.CycleState, _ *corev1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	state, ok := pl.latest.Read(cycleState)
	if ok {
		state.scoreAll(scores)
	}
	switch {
	case !pl.shadow:
		stretch(scores)
	case ok:
		state.shadow.take(scores)
	default:
		level(scores)
	}
	return nil
}

// Reserve counts the pod at once, so that the next pod of a burst sees it.
func (pl *Memory) Reserve(ctx context.Context, cycleState fwk.CycleState, pod *corev1.Pod, nodeName string) *fwk.Status {
	state, ok := pl.latest.Read(cycleState)
	if !ok { // Neither PreFilter nor PreScore is enabled.
		state = pl.newState(pod, config.FilterOff, nil)
	}
	if pl.shadow {
		state.shadow.decision = pl.compare(klog.FromContext(ctx), state, pod, nodeName)
		pl.latest.Write(cycleState, state)
	}
	pl.books.reserve(pod.UID, nodeName, state.demand)
	return nil
}

// Unreserve takes back what Reserve counted.
func (pl *Memory) Unreserve(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) {
	pl.books.release(pod.UID)
}

// PostBind counts what the cycle decided. Not before: Unreserve could not take that back.
func (pl *Memory) PostBind(_ context.Context, cycleState fwk.CycleState, _ *corev1.Pod, _ string) {
	state, ok := pl.latest.Read(cycleState)
	switch {
	case !ok:
	case pl.shadow:
		pl.metrics.shadowed(state.shadow.decision)
	default:
		pl.metrics.rejected(state.rejections(), outcomePlaced)
	}
}
