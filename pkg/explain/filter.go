// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/util/sets"
	resourcehelper "k8s.io/component-helpers/scheduling/corev1"
	fwk "k8s.io/kube-scheduler/framework"
)

// filter asks every filter plugin about every node.
func (c *cycle) filter(ctx context.Context) error {
	var mutex sync.Mutex
	var failure error
	c.of.Parallelizer().Until(ctx, len(c.nodes), func(i int) {
		if err := c.judge(ctx, i); err != nil {
			mutex.Lock()
			defer mutex.Unlock()
			failure = err
		}
	}, "explain")
	if failure == nil {
		failure = ctx.Err()
	}
	return failure
}

// judge asks about one node: with the pods nominated to it that go before this one, and without, as the framework does
// (RunFilterPluginsWithNominatedPods). What is said with them counts first.
func (c *cycle) judge(ctx context.Context, i int) error {
	node := c.nodes[i]
	with, state, nominated, err := c.nominated(ctx, node)
	if err != nil {
		return err
	}
	r := &c.results[i]
	statuses, first := c.ask(ctx, state, with)
	r.statuses = statuses
	if len(nominated) > 0 {
		without, second := c.ask(ctx, c.state, node)
		if first == nil {
			first = second
		}
		r.keptFor, r.onlyKept = nominated, make([]bool, len(c.filters))
		for j := range without {
			r.onlyKept[j] = r.statuses[j] != nil && without[j] == nil
			if r.statuses[j] == nil {
				r.statuses[j] = without[j]
			}
		}
	}
	switch {
	case c.stopped != nil:
		r.counts = c.stopped
	case c.allowed != nil && !c.allowed.Has(node.Node().Name):
		r.counts = fwk.NewStatus(fwk.UnschedulableAndUnresolvable, fmt.Sprintf("node(s) didn't satisfy plugin(s) %v", sets.List(c.cutting)))
	default:
		r.counts = first
	}
	return nil
}

// failure returns what a plugin says that fails, and whether that ends the cycle for sure. A filter may fail on a node: the scheduler gives up as soon as it
// comes to such a node (k8s.io/kubernetes pkg/scheduler/schedule_one.go, findNodesThatPassFilters), and does not come to all of them where
// it finds enough others before.
func (c *cycle) failure() (text string, ends bool) {
	if c.stopped.Code() == fwk.Error {
		return fmt.Sprintf("%s fails before any node is looked at, which ends the attempt: %s", c.stopped.Plugin(), c.stopped.Message()), true
	}
	if c.stopped != nil {
		return "", false
	}
	const everyNodeIsTried = 100 // minFeasibleNodesToFind
	for i := range c.results {
		if counts := c.results[i].counts; counts != nil && counts.Code() == fwk.Error {
			text := fmt.Sprintf("%s fails on node %s, which ends the attempt: %s", counts.Plugin(), c.name(i), counts.Message())
			return text, len(c.feasible()) == 0 || len(c.nodes) <= everyNodeIsTried
		}
	}
	return "", false
}

// ask asks every filter about a node and returns what each says, nil where it lets the pod in, and the first rejection.
func (c *cycle) ask(ctx context.Context, state fwk.CycleState, node fwk.NodeInfo) (statuses []*fwk.Status, first *fwk.Status) {
	statuses = make([]*fwk.Status, len(c.filters))
	for j := range c.filters {
		status := c.filters[j].everywhere
		if status == nil {
			status = c.filters[j].Filter(ctx, state, c.pod, node)
		}
		if status.IsSuccess() {
			continue
		}
		status = status.Clone()
		status.SetPlugin(c.filters[j].Name())
		statuses[j] = status
		if first == nil {
			first = status
		}
	}
	return statuses, first
}

// nominated returns the node and the state with the pods that are nominated to the node and go before this one, and their names.
func (c *cycle) nominated(ctx context.Context, node fwk.NodeInfo) (with fwk.NodeInfo, state fwk.CycleState, names []string, err error) {
	with, state = node, c.state
	for _, other := range c.of.NominatedPodsForNode(node.Node().Name) {
		if other.GetPod().UID == c.pod.UID || resourcehelper.PodPriority(other.GetPod()) < resourcehelper.PodPriority(c.pod) {
			continue
		}
		if len(names) == 0 {
			with, state = node.Snapshot(), c.state.Clone()
		}
		names = append(names, other.GetPod().Namespace+"/"+other.GetPod().Name)
		with.AddPodInfo(other)
		if status := c.of.RunPreFilterExtensionAddPod(ctx, state, c.pod, other, with); !status.IsSuccess() {
			return nil, nil, nil, fmt.Errorf("pod %s/%s, nominated to node %s: %w", other.GetPod().Namespace, other.GetPod().Name, node.Node().Name, status.AsError())
		}
	}
	return with, state, names, nil
}
