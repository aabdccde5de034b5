// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/helper"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
)

// taintShortfall names every taint that keeps the pod out: to tolerate the first alone would not let it in. A cordon's is left to
// NodeUnschedulable where that speaks of it.
func (c *cycle) taintShortfall(i int, plain shortfall) shortfall {
	node := c.nodes[i].Node()
	var missing, remove, change []string
	for _, taint := range c.taints(node) {
		if taint.Key == corev1.TaintNodeUnschedulable && c.cordoned(i) && !c.cordonAlone(node) {
			continue
		}
		missing = append(missing, taint.ToString())
		switch {
		case taint.Key == corev1.TaintNodeUnschedulable:
			change = append(change, "kubectl uncordon "+node.Name)
		case strings.HasPrefix(taint.Key, "node.kubernetes.io/") && taint.Key != corev1.TaintNodeOutOfService:
			change = append(change, "the node's condition has to end: kubectl describe node "+node.Name)
		default:
			remove = append(remove, taint.Key+":"+string(taint.Effect)+"-")
		}
	}
	if len(missing) == 0 {
		return plain
	}
	plain.missing, plain.size = "a toleration of the taint "+missing[0], float64(len(missing))
	if len(missing) > 1 {
		plain.missing = "tolerations of the taints " + strings.Join(missing, ", ")
	}
	if len(remove) > 0 {
		which := map[bool]string{true: "it", false: "them"}[len(remove) == 1]
		change = append(change, fmt.Sprintf("tolerate %s, or kubectl taint node %s %s", which, node.Name, strings.Join(remove, " ")))
	}
	plain.change = strings.Join(slices.Compact(change), "; ")
	return plain
}

// taints returns those that keep the pod from the node.
func (c *cycle) taints(node *corev1.Node) []corev1.Taint {
	var all []corev1.Taint
	for _, taint := range node.Spec.Taints {
		if _, found := resourcehelper.FindMatchingUntoleratedTaint(logr.Discard(), []corev1.Taint{taint}, c.pod.Spec.Tolerations, helper.DoNotScheduleTaintsFilterFunc(), true); found {
			all = append(all, taint)
		}
	}
	return all
}

// cordoned reports whether NodeUnschedulable rejects the node at index i.
func (c *cycle) cordoned(i int) bool {
	j := c.index(names.NodeUnschedulable)
	return j >= 0 && c.results[i].statuses[j] != nil
}

// repeats reports whether filter j says no more of the node at index i than another one does: Kubernetes taints a node that is cordoned,
// and whoever uncordons it is rid of both.
func (c *cycle) repeats(i, j int) bool {
	if c.filters[j].Name() != names.TaintToleration || !c.cordoned(i) {
		return false
	}
	return c.cordonAlone(c.nodes[i].Node())
}

// cordonAlone reports whether no taint but a cordon's keeps the pod from the node.
func (c *cycle) cordonAlone(node *corev1.Node) bool {
	return !slices.ContainsFunc(c.taints(node), func(taint corev1.Taint) bool { return taint.Key != corev1.TaintNodeUnschedulable })
}
