// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/plugins/cycle"
	"github.com/headroom-dev/headroom/pkg/usage"
)

// Factory makes the plugins of one scheduler. Profiles that see memory alike share one book: a pod that one of them places
// counts at once for the others, and the source is read once.
type Factory struct {
	clock clock.WithTicker
	// serve adds the metrics of a book to those that the scheduler serves.
	serve func(*metrics)

	mutex  sync.Mutex
	shared map[sharedKey]*shared
}

// sharedKey tells books apart: whose nodes and pods they are of, and how they are kept.
type sharedKey struct {
	factory informers.SharedInformerFactory
	keeping string
}

// shared is what profiles share.
type shared struct {
	books   *books
	waiting *waiting
	learner *forecast.Learner
	// checkpoint is the ConfigMap that keeps what is learned, none if it is not kept; writes: by this book, and by no other.
	checkpoint types.NamespacedName
	writes     bool
	metrics    *metrics
}

// NewFactory returns a factory whose plugins show their metrics with the scheduler's own.
func NewFactory() *Factory {
	return &Factory{clock: clock.RealClock{}, serve: (*metrics).register, shared: map[sharedKey]*shared{}}
}

// New returns the plugin for arguments of type HeadroomMemoryArgs, which it validates. It reads the source of samples until
// ctx ends.
func (f *Factory) New(ctx context.Context, arguments runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	return f.newFrom(ctx, arguments, handle, newSource)
}

// newFrom is New with the source given.
func (f *Factory) newFrom(ctx context.Context, arguments runtime.Object, handle fwk.Handle, open func(*config.HeadroomMemoryArgs, fwk.Handle) (usage.Source, error)) (*Memory, error) {
	args, err := validArgs(arguments)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	prior := priorOf(args)
	shared, err := f.share(ctx, args, handle, prior, open)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	return newMemory(args, prior, shared, f.clock), nil
}

// newShared returns a book in which nothing is known yet, named after the profile that needs it first.
func newShared(args *config.HeadroomMemoryArgs, prior forecast.Prior, handle fwk.Handle) *shared {
	learner := forecast.NewLearner(prior)
	return &shared{books: newBooks(reserveOf(args)), waiting: newWaiting(handle, learner), learner: learner, metrics: newMetrics(handle.ProfileName())}
}

// newMemory returns a plugin that judges by the shared book.
func newMemory(args *config.HeadroomMemoryArgs, prior forecast.Prior, shared *shared, clock clock.PassiveClock) *Memory {
	return &Memory{
		modes:     modesOf(args),
		shadow:    args.Shadow,
		packTo:    packTo(args),
		prior:     prior,
		estimator: shared.learner,
		books:     shared.books,
		waiting:   shared.waiting,
		metrics:   shared.metrics,
		latest:    cycle.NewLatest[*cycleState](stateKey),
		clock:     clock,
	}
}

// share returns the book that profiles of such arguments share, and begins to keep it for the first of them.
func (f *Factory) share(ctx context.Context, args *config.HeadroomMemoryArgs, handle fwk.Handle, prior forecast.Prior, open func(*config.HeadroomMemoryArgs, fwk.Handle) (usage.Source, error)) (*shared, error) {
	keeping, err := keepingOf(args)
	if err != nil {
		return nil, err
	}
	key := sharedKey{handle.SharedInformerFactory(), keeping}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if known, ok := f.shared[key]; ok {
		return known, nil
	}
	if len(f.shared) > 0 {
		klog.FromContext(ctx).Info("Profiles keep memory books of their own, since they are to be kept differently: they see each other's pods only when those are bound", "profile", handle.ProfileName())
	}
	source, err := open(args, handle)
	if err != nil {
		return nil, err
	}
	made := newShared(args, prior, handle)
	f.join(made, key.factory, args)
	f.serve(made.metrics)
	if err := f.keep(ctx, args, handle, prior, source, made); err != nil {
		return nil, err
	}
	f.shared[key] = made
	context.AfterFunc(ctx, func() {
		f.mutex.Lock()
		defer f.mutex.Unlock()
		delete(f.shared, key)
	})
	return made, nil
}

// join lets a book know of those that other profiles of the same scheduler have: that any of them was asked about a pod, and
// whether none of them writes what is learned to the same place. They learn the same: the first one's is written.
func (f *Factory) join(made *shared, factory informers.SharedInformerFactory, args *config.HeadroomMemoryArgs) {
	if args.Checkpoint.Enabled {
		made.checkpoint, made.writes = checkpointName(&args.Checkpoint), true
	}
	for key, other := range f.shared {
		if key.factory == factory {
			made.books.asked = other.books.asked
			made.writes = made.writes && other.checkpoint != made.checkpoint
		}
	}
}

func (f *Factory) keep(ctx context.Context, args *config.HeadroomMemoryArgs, handle fwk.Handle, prior forecast.Prior, source usage.Source, shared *shared) error {
	keeper := &keeper{
		books:     shared.books,
		waiting:   shared.waiting,
		clock:     f.clock,
		metrics:   shared.metrics,
		poller:    usage.NewPoller(source, usage.PollerOptions{Interval: args.RefreshInterval.Duration, Keep: args.FreshFor.Duration}, f.clock),
		builder:   ledger.NewBuilder(ledgerOptions(args, prior, shared.learner)),
		announcer: &announcer{clock: f.clock, recorder: recorderOf(handle)},
		changed:   make(chan struct{}, 1),

		nodesFirst: args.Source.Type == config.SourceKubelet,
	}
	keeper.history = newHistory(f.clock, keeper.change)
	keeper.handover = &handover{learner: shared.learner, changed: keeper.change}
	shared.learner.Report(shared.metrics.outcomes())
	if args.ReadKubeletConfig {
		source, err := newKubelets(args, handle)
		if err != nil {
			return err
		}
		keeper.kubelets = &kubelets{source: source, clock: f.clock, changed: keeper.change}
	}
	ended, err := keeper.history.informer(handle.ClientSet())
	if err != nil {
		return err
	}
	if err := keeper.start(ctx, handle.SharedInformerFactory(), ended); err != nil {
		return err
	}
	if args.Checkpoint.Enabled {
		checkpoints := newCheckpoints(&args.Checkpoint, handle.ClientSet())
		checkpoints.clock, checkpoints.metrics, checkpoints.handover = f.clock, shared.metrics, keeper.handover
		checkpoints.leads = func() bool { return shared.writes && shared.books.asked.Load() }
		go checkpoints.run(ctx)
	}
	if source, ok := source.(pastSource); ok && args.Source.Prometheus != nil && args.Source.Prometheus.History.Period.Duration > 0 {
		pods := handle.SharedInformerFactory().Core().V1().Pods()
		past := &past{
			source: source, period: args.Source.Prometheus.History.Period.Duration, pods: pods.Lister(), synced: pods.Informer().HasSynced,
			clock: f.clock, metrics: shared.metrics, handover: keeper.handover,
		}
		go past.run(ctx)
	}
	return nil
}

// recorderOf returns the scheduler's recorder of events, or nil where there is none: an interface that holds a nil is none.
func recorderOf(handle fwk.Handle) events.EventRecorder {
	if recorder := handle.EventRecorder(); recorder != nil {
		return recorder
	}
	return nil
}
