// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	schedulermetrics "k8s.io/kubernetes/pkg/scheduler/metrics"
)

// scheduler runs scheduling cycles of one profile, one after the other: the scheduler's own cache, snapshot and framework with
// all plugins of the profile, without queue, API server and clock.
type scheduler struct {
	ctx       context.Context
	logger    klog.Logger
	cache     cache.Cache
	snapshot  *cache.Snapshot
	framework framework.Framework
	random    *rand.Rand // between nodes that score alike
	// close ends what the cache, the framework and the broadcaster of events do in the background.
	close func()
	// tied is told of the nodes among which chance decides. nil: nobody wants to know.
	tied func(nodes []string)
}

// newScheduler returns a scheduler of the profile that knows the nodes, which is to be closed. registry has the plugins that are not
// in-tree.
func newScheduler(ctx context.Context, profile *schedulerconfig.KubeSchedulerProfile, registry frameworkruntime.Registry, nodes []*node, seed uint64) (*scheduler, error) {
	logger := logr.Discard()
	ctx, stop := context.WithCancel(klog.NewContext(ctx, logger))
	schedulermetrics.Register()
	client := fake.NewClientset()
	broadcaster := events.NewEventBroadcasterAdapterWithContext(ctx, client)
	s := &scheduler{
		ctx: ctx, logger: logger, cache: cache.New(ctx, nil, false, false), snapshot: cache.NewEmptySnapshot(),
		random: rand.New(rand.NewPCG(seed, 0x7135)),
		close: func() {
			stop()
			broadcaster.Shutdown()
		},
	}
	all := plugins.NewInTreeRegistry()
	if err := all.Merge(registry); err != nil {
		s.close()
		return nil, fmt.Errorf("plugins: %w", err)
	}
	made, err := frameworkruntime.NewFramework(ctx, all, profile,
		frameworkruntime.WithComponentConfigVersion("kubescheduler.config.k8s.io/v1"),
		frameworkruntime.WithClientSet(client),
		frameworkruntime.WithInformerFactory(informers.NewSharedInformerFactory(client, 0)),
		frameworkruntime.WithSnapshotSharedLister(s.snapshot),
		frameworkruntime.WithEventRecorder(broadcaster.NewRecorder("replay")),
		frameworkruntime.WithParallelism(1), // runs are what is parallel
		frameworkruntime.WithLogger(logger),
	)
	if err != nil {
		s.close()
		return nil, fmt.Errorf("profile %s: %w", profile.SchedulerName, err)
	}
	s.framework = made
	for _, n := range nodes {
		s.cache.AddNode(logger, n.object)
	}
	return s, nil
}

// choose runs one cycle up to Reserve and returns the name of the node, or "" if no node is feasible.
func (s *scheduler) choose(pod *corev1.Pod) (string, error) {
	if err := s.cache.UpdateSnapshot(s.logger, s.snapshot); err != nil {
		return "", fmt.Errorf("snapshot: %w", err)
	}
	state := framework.NewCycleState()
	result, status, _ := s.framework.RunPreFilterPlugins(s.ctx, state, pod)
	if status.IsRejected() {
		return "", nil
	}
	if !status.IsSuccess() {
		return "", fmt.Errorf("pod %s: %w", pod.Name, status.AsError())
	}
	all, err := s.snapshot.NodeInfos().List()
	if err != nil {
		return "", fmt.Errorf("nodes: %w", err)
	}
	feasible := make([]fwk.NodeInfo, 0, len(all))
	for _, node := range all {
		if result != nil && !result.AllNodes() && !result.NodeNames.Has(node.Node().Name) {
			continue
		}
		switch status := s.framework.RunFilterPlugins(s.ctx, state, pod, node); {
		case status.IsSuccess():
			feasible = append(feasible, node)
		case !status.IsRejected():
			return "", fmt.Errorf("pod %s: node %s: %w", pod.Name, node.Node().Name, status.AsError())
		}
	}
	if len(feasible) == 0 {
		return "", nil
	}
	node, err := s.best(state, pod, feasible)
	if err != nil {
		return "", fmt.Errorf("pod %s: %w", pod.Name, err)
	}
	if status := s.framework.RunReservePluginsReserve(s.ctx, state, pod, node); !status.IsSuccess() {
		return "", fmt.Errorf("pod %s: %w", pod.Name, status.AsError())
	}
	return node, nil
}

// best scores the nodes and returns one of those with the most.
func (s *scheduler) best(state fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo) (string, error) {
	if len(nodes) == 1 {
		if s.tied != nil {
			s.tied([]string{nodes[0].Node().Name})
		}
		return nodes[0].Node().Name, nil
	}
	if status := s.framework.RunPreScorePlugins(s.ctx, state, pod, nodes); !status.IsSuccess() {
		return "", status.AsError()
	}
	scores, status := s.framework.RunScorePlugins(s.ctx, state, pod, nodes)
	if !status.IsSuccess() {
		return "", status.AsError()
	}
	best, ties := scores[0], 1
	for _, score := range scores[1:] {
		switch {
		case score.TotalScore > best.TotalScore:
			best, ties = score, 1
		case score.TotalScore == best.TotalScore:
			ties++
			if s.random.IntN(ties) == 0 { // as likely as those before it
				best = score
			}
		}
	}
	if s.tied != nil {
		var names []string
		for _, score := range scores {
			if score.TotalScore == best.TotalScore {
				names = append(names, score.Name)
			}
		}
		s.tied(names)
	}
	return best.Name, nil
}

// addPod tells of a pod that runs on a node now.
func (s *scheduler) addPod(p *pod) error { return s.cache.AddPod(s.logger, p.object) }

func (s *scheduler) removePod(p *pod) error { return s.cache.RemovePod(s.logger, p.object) }

func (s *scheduler) updateNode(n *node, updated *corev1.Node) {
	s.cache.UpdateNode(s.logger, n.object, updated)
	n.object = updated
}
