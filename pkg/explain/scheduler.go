// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler"
	internalcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/explain/cluster"
	"github.com/headroom-dev/headroom/pkg/explain/profile"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
	"github.com/headroom-dev/headroom/pkg/plugins/registry"
	"github.com/headroom-dev/headroom/pkg/usage"
)

// Options say whose scheduler is asked, and what about.
type Options struct {
	Cluster *cluster.Cluster
	Profile *profile.Profile
	// Wanted are the names of schedulers that are asked about. Those that the profile lacks and that are known are added.
	Wanted []string
	// MemoryOnly is for those who ask for nodes and victims, and for no cycle: the cluster's nodes and pods are read, and what else
	// plugins look at is not.
	MemoryOnly bool
	// Clock says what time it is. nil: the real one.
	Clock clock.PassiveClock
	// Source of samples. nil: the one that the profile names, and metrics.k8s.io where that cannot be read.
	Source usage.Source

	// nobodyAsked is for those who look at the profile alone.
	nobodyAsked bool
}

// Scheduler is a scheduler that decides and does nothing. It is for one goroutine.
type Scheduler struct {
	options   Options
	scheduler *scheduler.Scheduler
	snapshot  *internalcache.Snapshot
	still     *memory.Still
	plugins   map[string]map[string]fwk.Plugin // by profile and name, of those that are not in-tree
	added     []string                         // profiles that are not of the configuration
	samples   samples
	recalled  recalled
	// configured has what kubelets tell of themselves.
	configured configured
	now        time.Time
	nodes      []*corev1.Node
	pods       []*corev1.Pod
	troubles   []ledger.Trouble
	leases     map[string]string // what each tells in words, by scheduler
	templates  map[types.NamespacedName]*resourcev1.ResourceClaimTemplate
}

// Open reads the cluster and makes a scheduler of it. What it started ends with ctx.
func Open(ctx context.Context, options Options) (*Scheduler, error) {
	complete, added, err := options.Profile.With(options.Wanted...)
	if err != nil {
		return nil, err
	}
	options.Profile = complete
	s := newScheduler(options)
	s.added = added
	if err := s.build(ctx); err != nil {
		return nil, err
	}
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func newScheduler(options Options) *Scheduler {
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	return &Scheduler{
		options: options, snapshot: internalcache.NewEmptySnapshot(),
		still: memory.NewStill(), plugins: map[string]map[string]fwk.Plugin{}, leases: map[string]string{},
		templates: map[types.NamespacedName]*resourcev1.ResourceClaimTemplate{},
	}
}

// build makes the scheduler; it is never run.
func (s *Scheduler) build(ctx context.Context) error {
	configuration := s.options.Profile.Config
	table := registry.Plugins(s.still.New)
	for name, factory := range table {
		table[name] = s.keep(name, s.orStandIn(name, factory))
	}
	watched := s.options.Cluster.Informers
	if s.options.MemoryOnly { // Nothing comes to a scheduler whose informers are never started.
		watched = informers.NewSharedInformerFactory(s.options.Cluster.Reading(), 0)
		s.options.Cluster.Informers.Core().V1().Nodes().Informer()
		s.options.Cluster.Informers.Core().V1().Pods().Informer()
	} else {
		s.options.Cluster.WithClaims()
	}
	built, err := scheduler.New(ctx, s.options.Cluster.Reading(), watched, nil,
		func(string) events.EventRecorderLogger { return silent{} },
		scheduler.WithComponentConfigVersion(configuration.APIVersion),
		scheduler.WithKubeConfig(s.options.Cluster.Config),
		scheduler.WithProfiles(configuration.Profiles...),
		scheduler.WithParallelism(configuration.Parallelism),
		scheduler.WithNodeInfoSnapshot(s.snapshot),
		scheduler.WithFrameworkOutOfTreeRegistry(table),
	)
	if err != nil {
		return fmt.Errorf("%s: %w", s.options.Profile.Origin, err)
	}
	s.scheduler = built
	return nil
}

// keep remembers the plugin that is made.
func (s *Scheduler) keep(name string, factory frameworkruntime.PluginFactory) frameworkruntime.PluginFactory {
	return func(ctx context.Context, arguments runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
		plugin, err := factory(ctx, arguments, handle)
		if err != nil {
			return nil, err
		}
		of := handle.ProfileName()
		if s.plugins[of] == nil {
			s.plugins[of] = map[string]fwk.Plugin{}
		}
		s.plugins[of][name] = plugin
		return plugin, nil
	}
}

// read reads the cluster and its samples at the same time.
func (s *Scheduler) read(ctx context.Context) error {
	type measurement struct {
		samples  samples
		deferred bool
	}
	measured := make(chan measurement, 1)
	go func() {
		read, deferred := s.measure(ctx)
		measured <- measurement{read, deferred}
	}()
	if err := s.options.Cluster.Read(ctx); err != nil {
		return err
	}
	if !s.options.MemoryOnly {
		if err := s.scheduler.WaitForHandlersSync(ctx); err != nil {
			return fmt.Errorf("read the cluster: %w", err)
		}
	}
	failed, err := s.options.Cluster.Failed(ctx)
	if err != nil {
		return fmt.Errorf("list failed pods: %w", err)
	}
	s.troubles = memory.TroublesOf(failed)
	core := s.options.Cluster.Informers.Core().V1()
	if s.nodes, err = core.Nodes().Lister().List(labels.Everything()); err != nil {
		return err
	}
	if s.pods, err = core.Pods().Lister().List(labels.Everything()); err != nil {
		return err
	}
	slices.SortFunc(s.nodes, func(a, b *corev1.Node) int { return strings.Compare(a.Name, b.Name) }) // What is said of them is said in one order.
	slices.SortFunc(s.pods, func(a, b *corev1.Pod) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	early := <-measured
	if s.samples = early.samples; early.deferred {
		s.samples = s.measureByKubelets(ctx, s.still.Books()[0].Args)
	}
	s.configured = s.askKubelets(ctx)
	s.now = s.options.Clock.Now()
	s.recalled = s.recall(ctx)
	s.makeBooks(nil)
	s.makeBooks(nil) // the first one learns from the sample, and a scheduler that runs has done so before
	return s.refresh(ctx)
}

// makeBooks makes the books, without a pod if there is one to leave out: what it was measured to hold is given back.
func (s *Scheduler) makeBooks(without *corev1.Pod) {
	input := ledger.Input{Now: s.now, Nodes: s.nodes, Pods: s.pods, Samples: s.samples.set, Troubles: s.troubles}
	if without != nil {
		input.Pods = slices.DeleteFunc(slices.Clone(s.pods), func(pod *corev1.Pod) bool { return pod.UID == without.UID })
		input.Ended = func(uid types.UID) (time.Time, bool) { return time.Time{}, uid == without.UID }
	}
	for _, book := range s.still.Books() {
		input.Kubelets = nil
		if book.Args.ReadKubeletConfig {
			input.Kubelets = s.configured.settings
		}
		book.Make(input)
	}
}

// refresh brings the snapshot to what the cache has.
func (s *Scheduler) refresh(ctx context.Context) error {
	return s.scheduler.Cache.UpdateSnapshot(klog.FromContext(ctx), s.snapshot)
}

// framework returns the framework for pods of a scheduler's name, or that of the first profile. exact is false for the latter.
func (s *Scheduler) framework(name string) (of framework.Framework, exact bool, err error) {
	if found, ok := s.scheduler.Profiles[name]; ok {
		return found, true, nil
	}
	if len(s.options.Profile.Config.Profiles) == 0 {
		return nil, false, errors.New("the configuration has no profile")
	}
	return s.scheduler.Profiles[s.options.Profile.Config.Profiles[0].SchedulerName], false, nil
}

// plugin returns a plugin of a profile by its name, or nil: of those in-tree, only plugins that register events are known.
func (s *Scheduler) plugin(of framework.Framework, name string) fwk.Plugin {
	if plugin, ok := s.plugins[of.ProfileName()][name]; ok {
		return plugin
	}
	for _, plugin := range of.EnqueueExtensions() {
		if plugin.Name() == name {
			return plugin
		}
	}
	return nil
}

// basis says what answers rest on.
func (s *Scheduler) basis(of string) Basis {
	basis := Basis{
		Profile: s.options.Profile.Origin, Doubt: s.options.Profile.Doubt, Scheduler: of,
		Samples: s.samples.origin, SamplesProblem: s.samples.problem, Learned: s.recalled.text, Checkpoint: s.recalled.checkpoint, Thresholds: s.configured.text,
		Losses: s.options.Cluster.Losses(), Time: stamp(s.now),
	}
	if slices.Contains(s.added, of) { // the default scheduler
		basis.Profile, basis.Doubt = "the defaults of kube-scheduler", "the configuration of the default scheduler is not known"
	}
	return basis
}

// samples is what was measured.
type samples struct {
	set     *sample.Set // nil: nothing
	origin  string
	problem string
}

// silent records no events.
type silent struct{}

// Eventf does nothing.
func (silent) Eventf(runtime.Object, runtime.Object, string, string, string, string, ...any) {}

// WithLogger returns the same.
func (r silent) WithLogger(klog.Logger) events.EventRecorderLogger { return r }
