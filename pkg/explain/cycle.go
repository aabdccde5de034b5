// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

	"github.com/headroom-dev/headroom/pkg/constraint"
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
	"github.com/headroom-dev/headroom/pkg/plugins/nodeaffinity"
)

// cycle is one scheduling cycle in which every plugin says what it thinks of every node.
type cycle struct {
	scheduler *Scheduler
	of        framework.Framework
	pod       *corev1.Pod
	state     *framework.CycleState
	nodes     []fwk.NodeInfo
	filters   []filter
	skipped   sets.Set[string]
	// stopped is the PreFilter verdict that rejects the pod everywhere, nil if there is none.
	stopped *fwk.Status
	// cutToNothing: that is because plugins leave no node together.
	cutToNothing bool
	// allowed are the nodes that PreFilter leaves, nil for all, and cutting the plugins that said so.
	allowed sets.Set[string]
	cutting sets.Set[string]
	// cutBy has the nodes that each of them leaves.
	cutBy   map[string]sets.Set[string]
	results []result // by node
	memory  *memory.Memory
	company *company // nil as long as nobody asks for it
	// required is nil where the pod asks nothing of labels and names.
	required *constraint.Required
}

// filter is a filter plugin that has something to say of this pod.
type filter struct {
	fwk.FilterPlugin
	// everywhere is its PreFilter verdict, if it rejects the pod on all nodes.
	everywhere *fwk.Status
}

// result is what the plugins say of one node.
type result struct {
	// statuses by filter; nil where it lets the pod in.
	statuses []*fwk.Status
	// keptFor are the pods that are nominated to the node and go before this one, and onlyKept the filters that reject it for them alone.
	keptFor  []string
	onlyKept []bool
	// counts is the verdict that the scheduler counts, nil for a feasible node.
	counts *fwk.Status
}

// newCycle runs PreFilter and Filter of a framework's plugins.
func (s *Scheduler) newCycle(ctx context.Context, of framework.Framework, pod *corev1.Pod) (*cycle, error) {
	nodes, err := of.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		return nil, err
	}
	c := &cycle{
		scheduler: s, of: of, pod: pod, state: framework.NewCycleState(), nodes: slices.Clone(nodes),
		skipped: sets.New[string](), cutting: sets.New[string](), cutBy: map[string]sets.Set[string]{}, results: make([]result, len(nodes)),
	}
	c.memory, _ = s.plugin(of, memory.Name).(*memory.Memory)
	if constraint.HasRequired(pod) {
		c.required = constraint.CompileRequired(pod)
	}
	if err := c.preFilter(ctx); err != nil {
		return nil, err
	}
	return c, c.filter(ctx)
}

// preFilter asks every PreFilter plugin, and adds up what they say as the framework does
// (k8s.io/kubernetes pkg/scheduler/framework/runtime/framework.go, RunPreFilterPlugins), which does not ask those behind one
// that rejects the pod for good.
func (c *cycle) preFilter(ctx context.Context) error {
	rejected := map[string]*fwk.Status{}
	var merged *fwk.PreFilterResult
	final := false
	for _, named := range c.of.ListPlugins().PreFilter.Enabled {
		plugin, ok := c.scheduler.plugin(c.of, named.Name).(fwk.PreFilterPlugin)
		if !ok {
			return fmt.Errorf("plugin %s cannot be asked by itself", named.Name)
		}
		nodes, status := plugin.PreFilter(ctx, c.state, c.pod, c.nodes)
		switch {
		case status.IsSkip():
			c.skipped.Insert(named.Name)
			continue
		case !status.IsSuccess():
			status = status.Clone()
			status.SetPlugin(named.Name)
			rejected[named.Name] = status
			if !final && (c.stopped == nil || status.Code() != fwk.Unschedulable) {
				c.stopped = status
			}
			final = final || status.Code() != fwk.Unschedulable
			continue
		case final:
			continue
		}
		if !nodes.AllNodes() {
			c.cutting.Insert(named.Name)
			c.cutBy[named.Name] = nodes.NodeNames
		}
		if merged = merged.Merge(nodes); !merged.AllNodes() && len(merged.NodeNames) == 0 {
			c.stopped, c.cutToNothing, final = c.nothingLeft(), true, true
		}
	}
	if merged != nil {
		c.allowed = merged.NodeNames
	}
	c.state.SetSkipFilterPlugins(c.skipped)
	return c.collectFilters(rejected)
}

// collectFilters takes the filter plugins that have something to say, those with what their PreFilter said of all nodes. That
// no node matches is told of each by Filter of node affinity, which needs no more than the pod.
func (c *cycle) collectFilters(rejected map[string]*fwk.Status) error {
	for _, named := range c.of.ListPlugins().Filter.Enabled {
		if c.skipped.Has(named.Name) {
			continue
		}
		plugin, ok := c.scheduler.plugin(c.of, named.Name).(fwk.FilterPlugin)
		if !ok {
			return fmt.Errorf("plugin %s cannot be asked by itself", named.Name)
		}
		everywhere := rejected[named.Name]
		affinity := named.Name == nodeaffinity.Name || named.Name == names.NodeAffinity
		if affinity && everywhere.Message() != nodeaffinity.ErrReasonConflict {
			everywhere = nil
		}
		c.filters = append(c.filters, filter{plugin, everywhere})
	}
	return nil
}

// nothingLeft is what the framework says when PreFilter leaves no node.
func (c *cycle) nothingLeft() *fwk.Status {
	names := sets.List(c.cutting)
	if len(names) == 1 {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, fmt.Sprintf("node(s) didn't satisfy plugin %v", names[0])).WithPlugin(names[0])
	}
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, fmt.Sprintf("node(s) didn't satisfy plugin(s) %v simultaneously", names)).WithPlugin(strings.Join(names, ", "))
}

// feasible returns the nodes that are left.
func (c *cycle) feasible() []fwk.NodeInfo {
	var nodes []fwk.NodeInfo
	for i := range c.results {
		if c.results[i].counts == nil {
			nodes = append(nodes, c.nodes[i])
		}
	}
	return nodes
}

// score runs PreScore and Score. The best comes first, and of equals the one whose name does. With an error come the nodes
// without scores.
func (c *cycle) score(ctx context.Context, nodes []fwk.NodeInfo) ([]fwk.NodePluginScores, error) {
	if len(nodes) == 0 {
		return nil, nil
	}
	status := c.of.RunPreScorePlugins(ctx, c.state, c.pod, nodes)
	var scores []fwk.NodePluginScores
	if status.IsSuccess() {
		scores, status = c.of.RunScorePlugins(ctx, c.state, c.pod, nodes)
	}
	if !status.IsSuccess() {
		scores = make([]fwk.NodePluginScores, len(nodes))
		for i, node := range nodes {
			scores[i].Name = node.Node().Name
		}
	}
	slices.SortFunc(scores, func(a, b fwk.NodePluginScores) int {
		return cmp.Or(cmp.Compare(b.TotalScore, a.TotalScore), strings.Compare(a.Name, b.Name))
	})
	return scores, status.AsError()
}

// message is what the scheduler writes of a pod that finds no node, but for what PostFilter plugins add. Where a plugin fails, that is
// all it writes (k8s.io/kubernetes pkg/scheduler/framework/runtime/framework.go, RunPreFilterPlugins and RunFilterPlugins).
func (c *cycle) message() string {
	failure := framework.FitError{Pod: c.pod, NumAllNodes: len(c.nodes), Diagnosis: framework.Diagnosis{NodeToStatus: framework.NewDefaultNodeToStatus()}}
	if c.stopped.Code() == fwk.Error {
		return fmt.Sprintf("running PreFilter plugin %q: %s", c.stopped.Plugin(), c.stopped.Message())
	}
	if c.stopped != nil {
		failure.Diagnosis.NodeToStatus.SetAbsentNodesStatus(c.stopped)
		failure.Diagnosis.PreFilterMsg = c.stopped.Message()
		return failure.Error()
	}
	for i := range c.results {
		name := c.nodes[i].Node().Name
		switch counts := c.results[i].counts; {
		case c.allowed != nil && !c.allowed.Has(name):
			failure.Diagnosis.NodeToStatus.SetAbsentNodesStatus(counts)
		case counts.Code() == fwk.Error:
			return fmt.Sprintf("running %q filter plugin: %s", counts.Plugin(), counts.Message())
		case counts != nil:
			failure.Diagnosis.NodeToStatus.Set(name, counts)
		}
	}
	return failure.Error()
}
