// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	resourcehelper "k8s.io/component-helpers/scheduling/corev1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/defaultpreemption"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

	"github.com/headroom-dev/headroom/pkg/memory/quantity"
)

// Preemption is what the scheduler would do for a pod that fits nowhere: end pods of lower priority on one node, or nothing.
type Preemption struct {
	// Node is where pods would be preempted, "" if nowhere, and Preempted are those pods, the most important first.
	Node      string      `json:"node,omitempty"`
	Preempted []Preempted `json:"preempted,omitempty"`
	// ViolatesBudgets is how many of them a PodDisruptionBudget does not let go. The scheduler avoids that where it can.
	ViolatesBudgets int `json:"violatesBudgets,omitempty"`
	// Asked is how many nodes are rejected for something that pods may give back, and Helps on how many of them it would do.
	Asked int `json:"asked"`
	Helps int `json:"helps"`
	// Refused says why it does not help on the others, the most frequent reason first.
	Refused []RefusedPreemption `json:"refused,omitempty"`
	// Text is all that in one sentence.
	Text string `json:"text"`
}

// Preempted is a pod that would be ended for another.
type Preempted struct {
	Pod      PodName `json:"pod"`
	Priority int32   `json:"priority"`
	// HeldBytes is missing where it was not measured.
	HeldBytes *int64 `json:"heldBytes,omitempty"`
}

// RefusedPreemption is why preempting pods does not help on so many nodes.
type RefusedPreemption struct {
	Nodes  int    `json:"nodes"`
	Reason string `json:"reason"`
}

// preemption lets the profile's DefaultPreemption choose on all nodes, and ends no pod. It is nil where the profile preempts
// nobody. The scheduler itself compares a tenth of the nodes, at least a hundred (DefaultPreemptionArgs).
func (c *cycle) preemption(ctx context.Context) *Preemption {
	plugin, ok := c.scheduler.plugin(c.of, names.DefaultPreemption).(*defaultpreemption.DefaultPreemption)
	if !ok {
		return nil
	}
	nodes, nominated := c.preemptible()
	p := &Preemption{Asked: len(nodes)}
	if len(nodes) == 0 {
		p.Text = "cannot help: no node is rejected for something that pods of lower priority hold"
		return p
	}
	if eligible, message := plugin.PodEligibleToPreemptOthers(ctx, c.pod, nominated); !eligible {
		p.Text = "is not tried: the pod is " + strings.TrimSuffix(message, ".")
		return p
	}
	budgets, err := plugin.Evaluator.PdbLister.List(labels.Everything())
	if err != nil {
		p.Text = fmt.Sprintf("cannot be told: list PodDisruptionBudgets: %v", err)
		return p
	}
	every := int32(len(nodes)) //nolint:gosec // a cluster has fewer nodes
	candidates, statuses, err := plugin.Evaluator.DryRunPreemption(ctx, c.state, c.pod, nodes, budgets, 0, every)
	if p.Helps = len(candidates); p.Helps == 0 && err != nil {
		p.Text = fmt.Sprintf("cannot be told: %v", err)
		return p
	}
	p.Refused = refused(nodes, statuses)
	if chosen := plugin.Evaluator.SelectCandidate(ctx, candidates); chosen != nil {
		p.Node, p.ViolatesBudgets = chosen.Name(), int(chosen.Victims().NumPDBViolations)
		for _, pod := range chosen.Victims().Pods {
			p.Preempted = append(p.Preempted, c.scheduler.preempted(pod))
		}
	}
	p.Text = p.sentence()
	return p
}

// preemptible returns the nodes that are rejected for something that may end with pods, and the verdict on the node that the
// pod is nominated to.
func (c *cycle) preemptible() (nodes []fwk.NodeInfo, nominated *fwk.Status) {
	for i := range c.results {
		counts := c.results[i].counts
		if counts.Code() == fwk.Unschedulable {
			nodes = append(nodes, c.nodes[i])
		}
		if c.name(i) == c.pod.Status.NominatedNodeName {
			nominated = counts
		}
	}
	return nodes, nominated
}

// refused counts the nodes on which preemption does not help, by reason.
func refused(nodes []fwk.NodeInfo, statuses *framework.NodeToStatus) []RefusedPreemption {
	counts := map[string]int{}
	for _, node := range nodes {
		status := statuses.Get(node.Node().Name)
		if status.Code() != fwk.Unschedulable && status.Code() != fwk.UnschedulableAndUnresolvable || len(status.Reasons()) == 0 {
			continue
		}
		counts[strings.Join(plainReasons(status.Reasons()), " and ")]++
	}
	var all []RefusedPreemption
	for reason, nodes := range counts {
		all = append(all, RefusedPreemption{nodes, reason})
	}
	slices.SortFunc(all, func(a, b RefusedPreemption) int { return cmp.Or(b.Nodes-a.Nodes, strings.Compare(a.Reason, b.Reason)) })
	return all
}

func (s *Scheduler) preempted(pod *corev1.Pod) Preempted {
	made := Preempted{Pod: PodName{pod.Namespace, pod.Name}, Priority: resourcehelper.PodPriority(pod)}
	if measured := s.measured(pod); !measured.Time.IsZero() {
		made.HeldBytes = &measured.Bytes
	}
	return made
}

// mostPreempted is how many pods a sentence names.
const mostPreempted = 3

func (p *Preemption) sentence() string {
	if p.Node == "" {
		reasons := make([]string, len(p.Refused))
		for i, refusal := range p.Refused {
			reasons[i] = fmt.Sprintf("%d %s", refusal.Nodes, refusal.Reason)
		}
		return fmt.Sprintf("helps nowhere: of %s where pods might make room, %s", plural(p.Asked, "node"), strings.Join(reasons, ", "))
	}
	var pods []string
	for _, pod := range p.Preempted[:min(len(p.Preempted), mostPreempted)] {
		words := fmt.Sprintf("%s (priority %d", pod.Pod, pod.Priority)
		if pod.HeldBytes != nil {
			words += ", holds " + quantity.InWords(*pod.HeldBytes)
		}
		pods = append(pods, words+")")
	}
	if more := len(p.Preempted) - len(pods); more > 0 {
		pods = append(pods, fmt.Sprintf("%d more", more))
	}
	text := fmt.Sprintf("would end %s on %s, one of %s where that makes room", strings.Join(pods, ", "), p.Node, plural(p.Helps, "node"))
	if p.Helps == 1 {
		text = fmt.Sprintf("would end %s on %s, the only node where that makes room", strings.Join(pods, ", "), p.Node)
	}
	if p.ViolatesBudgets > 0 {
		text += fmt.Sprintf("; a PodDisruptionBudget forbids that of %d", p.ViolatesBudgets)
	}
	return text
}
