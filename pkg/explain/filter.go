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
	r.statuses = make([]*fwk.Status, len(c.filters))
	first := c.ask(ctx, r, state, with)
	if nominated {
		if second := c.ask(ctx, r, c.state, node); first == nil {
			first = second
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

// ask asks every filter about a node and returns the first rejection.
func (c *cycle) ask(ctx context.Context, r *result, state fwk.CycleState, node fwk.NodeInfo) (first *fwk.Status) {
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
		if first == nil {
			first = status
		}
		if r.statuses[j] == nil {
			r.statuses[j] = status
		}
	}
	return first
}

// nominated returns the node and the state with the pods that are nominated to the node and go before this one.
func (c *cycle) nominated(ctx context.Context, node fwk.NodeInfo) (with fwk.NodeInfo, state fwk.CycleState, some bool, err error) {
	with, state = node, c.state
	for _, other := range c.of.NominatedPodsForNode(node.Node().Name) {
		if other.GetPod().UID == c.pod.UID || resourcehelper.PodPriority(other.GetPod()) < resourcehelper.PodPriority(c.pod) {
			continue
		}
		if !some {
			with, state, some = node.Snapshot(), c.state.Clone(), true
		}
		with.AddPodInfo(other)
		if status := c.of.RunPreFilterExtensionAddPod(ctx, state, c.pod, other, with); !status.IsSuccess() {
			return nil, nil, false, fmt.Errorf("pod %s/%s, nominated to node %s: %w", other.GetPod().Namespace, other.GetPod().Name, node.Node().Name, status.AsError())
		}
	}
	return with, state, some, nil
}
