// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// replicas places copies of the pod one after another: each counts on its node before the next is placed, as a scheduler
// assumes it. Of nodes that score the same the first by name is taken.
func (s *Scheduler) replicas(ctx context.Context, of framework.Framework, pod *corev1.Pod, wanted int) (*Replicas, error) {
	of.DeleteNominatedPodIfExists(pod) // The room that is kept for it is there for its copies.
	placed := &Replicas{Wanted: wanted, Order: []string{}, Nodes: []NodeCount{}}
	counts := map[string]int{}
	for i := range wanted {
		copied := pod.DeepCopy()
		copied.UID, copied.Name = types.UID(fmt.Sprintf("%s-%d", newUID, i+1)), fmt.Sprintf("%s-copy-%d", pod.Name, i+1)
		copied.Status.NominatedNodeName, copied.Status.ExtendedResourceClaimStatus = "", nil
		problem, err := s.makeClaims(ctx, of, copied)
		if err != nil {
			return nil, err
		}
		if problem != "" {
			placed.Ended = fmt.Sprintf("copy %d is placed nowhere, its resource claims cannot be made: %s", i+1, problem)
			break
		}
		c, err := s.newCycle(ctx, of, copied)
		if err != nil {
			return nil, err
		}
		if failure, ends := c.failure(); ends {
			placed.Ended = fmt.Sprintf("copy %d is placed nowhere: %s", i+1, failure)
			break
		}
		feasible := c.feasible()
		scores, failure := c.score(ctx, feasible)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if failure != nil && c.taken(feasible) == "" {
			placed.Ended = fmt.Sprintf("copy %d fits %s, none of which is chosen: %s", i+1, plural(len(scores), "node"), failure)
			break
		}
		if len(scores) == 0 {
			placed.Causes = c.causes()
			placed.Ended = fmt.Sprintf("copy %d fits none of %s: %s", i+1, plural(len(c.nodes), "node"), causesInWords(placed.Causes))
			break
		}
		if err := s.assume(ctx, c, scores[0].Name); err != nil {
			return nil, err
		}
		placed.Placed++
		placed.Order = append(placed.Order, scores[0].Name)
		counts[scores[0].Name]++
	}
	for node, pods := range counts {
		placed.Nodes = append(placed.Nodes, NodeCount{node, pods})
	}
	slices.SortFunc(placed.Nodes, func(a, b NodeCount) int { return cmp.Or(b.Pods-a.Pods, strings.Compare(a.Node, b.Node)) })
	return placed, nil
}

// assume counts the pod of a cycle on a node from now on.
func (s *Scheduler) assume(ctx context.Context, c *cycle, node string) error {
	assumed := c.pod.DeepCopy()
	assumed.Spec.NodeName = node
	if status := c.of.RunReservePluginsReserve(ctx, c.state, assumed, node); !status.IsSuccess() {
		return fmt.Errorf("reserve %s on node %s: %w", assumed.Name, node, status.AsError())
	}
	if err := s.scheduler.Cache.AssumePod(klog.FromContext(ctx), assumed); err != nil {
		return err
	}
	return s.refresh(ctx)
}

// causesInWords is how many nodes each cause keeps out.
func causesInWords(causes []Cause) string {
	words := make([]string, len(causes))
	for i, cause := range causes {
		words[i] = fmt.Sprintf("%d by %s (%s)", cause.Nodes, cause.Plugin, cause.Reason)
	}
	return strings.Join(words, ", ")
}
