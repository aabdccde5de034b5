// SPDX-License-Identifier: Apache-2.0

// Package memory is the HeadroomMemory plugin: it places pods by the bytes a node really has left before the kubelet evicts.
//
// Off the scheduling path a keeper folds samples and pods into an immutable book. A scheduling cycle loads the book once,
// in PreFilter; Filter and Score are look-ups and integer arithmetic on it.
package memory

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/apis/config/validation"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/plugins/cycle"
	"github.com/headroom-dev/headroom/pkg/usage"
)

// Memory is the plugin.
type Memory struct {
	filter  config.FilterMode
	reserve int64 // bytes
	prior   forecast.Prior
	books   *books
	waiting *waiting
	latest  *cycle.Latest[*cycleState]
}

var (
	_ fwk.PreFilterPlugin     = &Memory{}
	_ fwk.PreFilterExtensions = &Memory{}
	_ fwk.FilterPlugin        = &Memory{}
	_ fwk.PostFilterPlugin    = &Memory{}
	_ fwk.PreScorePlugin      = &Memory{}
	_ fwk.ScorePlugin         = &Memory{}
	_ fwk.ReservePlugin       = &Memory{}
	_ fwk.EnqueueExtensions   = &Memory{}
	_ fwk.SignPlugin          = &Memory{}
)

const (
	// Name is the plugin's name in a KubeSchedulerConfiguration.
	Name = "HeadroomMemory"

	// ErrReasonMeasured is the reason for a node whose measured memory leaves no room for the pod. Evicting pods can help.
	ErrReasonMeasured = "node(s) had too little memory left before eviction"
	// ErrReasonUnseen is the reason for a node whose memory is promised to pods that its sample does not show yet.
	ErrReasonUnseen = "node(s) had their memory promised to pods that are still starting"

	signatureKey = "headroom.dev/HeadroomMemory.Demand()"
	toleranceKey = "headroom.dev/HeadroomMemory.ToleratesMemoryPressure()"
)

// Name returns the plugin's name.
func (pl *Memory) Name() string { return Name }

// SignPod signs the pod's demand and whether it tolerates memory pressure: together with the node that is all that verdict
// and score depend on, so pods that differ in either never share a signature.
func (pl *Memory) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return []fwk.SignFragment{
		{Key: signatureKey, Value: pl.prior.Demand(pod)},
		{Key: toleranceKey, Value: toleratesPressure(pod)},
	}, nil
}

// EventsToRegister: a pod can be helped by a pod that leaves its node, by a node that is new or got larger, and by asking
// for less itself. Memory that comes back without any such event is seen by the keeper, which wakes the pods that then fit.
func (pl *Memory) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Delete}, QueueingHintFn: pl.isSchedulableAfterPodDeletion},
		{Event: fwk.ClusterEvent{Resource: fwk.TargetPod, ActionType: fwk.UpdatePodScaleDown}, QueueingHintFn: pl.isSchedulableAfterScaleDown},
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeAllocatable}, QueueingHintFn: pl.isSchedulableAfterNodeChange},
	}, nil
}

// PreFilter takes the current book into the cycle, with the pod's demand. Where the Filter has nothing to say it is skipped:
// when it is off, when requests decide, and for pods that tolerate memory pressure, as those of DaemonSets do: they are meant
// to run on full nodes too.
func (pl *Memory) PreFilter(_ context.Context, cycleState fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	state := pl.newState(pod, nodes)
	pl.latest.Write(cycleState, state)
	if pl.filter == config.FilterOff || state.book.snapshot.Degraded || toleratesPressure(pod) {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	return nil, nil
}

// toleratesPressure reports whether the pod may be placed on a node that its kubelet has marked as short of memory.
func toleratesPressure(pod *corev1.Pod) bool {
	pressure := corev1.Taint{Key: corev1.TaintNodeMemoryPressure, Effect: corev1.TaintEffectNoSchedule}
	return slices.ContainsFunc(pod.Spec.Tolerations, func(toleration corev1.Toleration) bool {
		return toleration.ToleratesTaint(klog.Background(), &pressure, false)
	})
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

// Filter rejects a node that has less left than the pod asks for. It looks at requests and measurements only: an expected
// peak never makes a pod Pending. A node without a fresh sample passes.
func (pl *Memory) Filter(_ context.Context, cycleState fwk.CycleState, _ *corev1.Pod, nodeInfo fwk.NodeInfo) *fwk.Status {
	state, ok := pl.latest.Read(cycleState)
	if !ok || (state.fitsAll && len(state.changes) == 0) {
		return nil
	}
	i := state.book.find(state.positions, nodeInfo)
	if i < 0 {
		return nil
	}
	line := &state.book.lines[i]
	if !line.fresh {
		return nil
	}
	counted, measured := state.held(i)
	needed := state.demand.RequestBytes + pl.reserve
	if line.left-counted >= needed {
		return nil
	}
	if !state.rejected.Load() { // once is enough, and many workers share it
		state.rejected.Store(true)
	}
	// What is measured would leave room: only pods that are still starting take it. Nobody is preempted for that.
	if line.measuredLeft-measured >= needed {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReasonUnseen)
	}
	return fwk.NewStatus(fwk.Unschedulable, ErrReasonMeasured)
}

// PostFilter remembers a pod that this plugin rejected, so that it can be woken when memory returns. It never helps by
// itself and so always answers Unschedulable.
func (pl *Memory) PostFilter(_ context.Context, cycleState fwk.CycleState, pod *corev1.Pod, _ fwk.NodeToStatusReader) (*fwk.PostFilterResult, *fwk.Status) {
	if state, ok := pl.latest.Read(cycleState); ok && state.rejected.Load() {
		pl.waiting.add(pod, state.demand.RequestBytes+pl.reserve, state.book)
	}
	return nil, fwk.NewStatus(fwk.Unschedulable)
}

// PreScore skips scoring while the book is degraded: then requests decide, by the plugins that score them.
func (pl *Memory) PreScore(_ context.Context, cycleState fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	state, ok := pl.latest.Read(cycleState)
	if !ok { // PreFilter is disabled.
		state = pl.newState(pod, nil)
		pl.latest.Write(cycleState, state)
	}
	if state.book.snapshot.Degraded {
		return fwk.NewStatus(fwk.Skip)
	}
	return nil
}

// Score ranks nodes by what is expected to be left with the pod at its peak; see score.
func (pl *Memory) Score(_ context.Context, cycleState fwk.CycleState, _ *corev1.Pod, nodeInfo fwk.NodeInfo) (int64, *fwk.Status) {
	state, ok := pl.latest.Read(cycleState)
	if !ok {
		return 0, nil
	}
	i := state.book.find(state.positions, nodeInfo)
	if i < 0 || !state.book.lines[i].fresh {
		return scoreByRequests(nodeInfo.GetRequested().GetMemory(), nodeInfo.GetAllocatable().GetMemory()), nil
	}
	line := &state.book.lines[i]
	room := line.forecastLeft - line.peak.Load() - state.demand.PeakBytes
	return scoreByRoom(room, line.size), nil
}

// ScoreExtensions is nil: scores are on the common scale already.
func (pl *Memory) ScoreExtensions() fwk.ScoreExtensions { return nil }

// Reserve counts the pod at once, so that the next pod of a burst sees it.
func (pl *Memory) Reserve(_ context.Context, cycleState fwk.CycleState, pod *corev1.Pod, nodeName string) *fwk.Status {
	state, ok := pl.latest.Read(cycleState)
	if !ok {
		state = pl.newState(pod, nil)
	}
	pl.books.reserve(pod.UID, nodeName, state.demand)
	return nil
}

// Unreserve takes back what Reserve counted.
func (pl *Memory) Unreserve(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) {
	pl.books.release(pod.UID)
}

// New returns the plugin for arguments of type HeadroomMemoryArgs, which it validates. It reads metrics.k8s.io until ctx
// ends.
func New(ctx context.Context, arguments runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	args, ok := arguments.(*config.HeadroomMemoryArgs)
	if !ok {
		return nil, fmt.Errorf("%s: the arguments are of type %T, want HeadroomMemoryArgs", Name, arguments)
	}
	if err := validation.ValidateHeadroomMemoryArgs(nil, args); err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	source, err := usage.NewMetricsAPI(rest.AddUserAgent(rest.CopyConfig(handle.KubeConfig()), Name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	return newFrom(ctx, args, handle, source, clock.RealClock{})
}

// newFrom is New with the source and the clock given.
func newFrom(ctx context.Context, args *config.HeadroomMemoryArgs, handle fwk.Handle, source usage.Source, clock clock.WithTicker) (*Memory, error) {
	prior := forecast.Prior{
		LimitPercent:          int64(args.LimitPriorPercent),
		DefaultContainerBytes: args.DefaultContainerPeak.Value(),
	}
	pl := &Memory{
		filter:  args.Filter,
		reserve: args.Reserve.Value(),
		prior:   prior,
		books:   newBooks(),
		waiting: newWaiting(handle),
		latest:  cycle.NewLatest[*cycleState](stateKey),
	}
	keeper := &keeper{
		books:   pl.books,
		waiting: pl.waiting,
		clock:   clock,
		poller:  usage.NewPoller(source, args.RefreshInterval.Duration, args.FreshFor.Duration, clock),
		builder: ledger.NewBuilder(ledger.Options{
			FreshFor:           args.FreshFor.Duration,
			WarmUp:             args.WarmUp.Duration,
			EvictionHardBytes:  args.AssumedEvictionHard.Value(),
			MaxNotFreshPercent: int(args.MaxNotFreshPercent),
			Prior:              prior,
		}),
		changed:  make(chan struct{}, 1),
		settling: time.Second,
	}
	if err := keeper.start(ctx, handle.SharedInformerFactory()); err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	return pl, nil
}
