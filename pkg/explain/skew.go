// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"
)

// skew says which nodes count in the pod's spread constraints and how many pods each domain has, since a node that the pod may
// not go to counts or not by nodeAffinityPolicy and nodeTaintsPolicy
// (k8s.io/kubernetes pkg/scheduler/framework/plugins/podtopologyspread).
func (c *cycle) skew() string {
	hard := slices.DeleteFunc(slices.Clone(c.pod.Spec.TopologySpreadConstraints), func(spread corev1.TopologySpreadConstraint) bool {
		return spread.WhenUnsatisfiable != corev1.DoNotSchedule
	})
	var parts []string
	for i := range hard {
		selector, err := selectorOf(&hard[i], c.pod.Labels)
		if err != nil {
			continue
		}
		pods, counted := map[string]int{}, 0
		for _, node := range c.nodes {
			if c.counts(node.Node(), &hard[i], hard) {
				counted++
				pods[node.Node().Labels[hard[i].TopologyKey]] += matching(node, selector, c.pod.Namespace)
			}
		}
		parts = append(parts, fmt.Sprintf("%s, maxSkew %d: %s", hard[i].TopologyKey, hard[i].MaxSkew, c.spreadInWords(&hard[i], pods, counted)))
	}
	return strings.Join(parts, "; ")
}

// spreadShortfall names the labels that the node lacks, which no skew makes up for.
func (c *cycle) spreadShortfall(node fwk.NodeInfo, plain shortfall) shortfall {
	var lacking []string
	for i := range c.pod.Spec.TopologySpreadConstraints {
		spread := &c.pod.Spec.TopologySpreadConstraints[i]
		if _, labelled := node.Node().Labels[spread.TopologyKey]; !labelled && spread.WhenUnsatisfiable == corev1.DoNotSchedule {
			lacking = append(lacking, spread.TopologyKey)
		}
	}
	const softer = "set whenUnsatisfiable: ScheduleAnyway"
	if len(lacking) == 0 {
		plain.change = "raise maxSkew, or " + softer
		return plain
	}
	plain.missing = "a label to spread by: " + strings.Join(lacking, ", ")
	plain.change = fmt.Sprintf("kubectl label node %s %s=VALUE, or %s", node.Node().Name, strings.Join(lacking, "=VALUE "), softer)
	return plain
}

func (c *cycle) spreadInWords(spread *corev1.TopologySpreadConstraint, pods map[string]int, counted int) string {
	if counted == 0 {
		return "no node that counts has this label"
	}
	words := domains(pods)
	if least := spread.MinDomains; least != nil && len(pods) < int(*least) {
		words += fmt.Sprintf("; the least counts as 0, since there are %d of minDomains %d", len(pods), *least)
	}
	return fmt.Sprintf("%s; %d of %d nodes count", words, counted, len(c.nodes))
}

// counts reports whether a node counts for one of the hard constraints: it needs the labels of all of them.
func (c *cycle) counts(node *corev1.Node, spread *corev1.TopologySpreadConstraint, hard []corev1.TopologySpreadConstraint) bool {
	for i := range hard {
		if _, labelled := node.Labels[hard[i].TopologyKey]; !labelled {
			return false
		}
	}
	honor := corev1.NodeInclusionPolicyHonor
	if ptr.Deref(spread.NodeAffinityPolicy, honor) == honor && c.required != nil && !c.required.Match(node) {
		return false
	}
	return len(c.taints(node)) == 0 || ptr.Deref(spread.NodeTaintsPolicy, corev1.NodeInclusionPolicyIgnore) != honor
}

// selectorOf is the constraint's selector and the pod's own values of matchLabelKeys, which the API server adds to pods that are
// in the cluster.
func selectorOf(spread *corev1.TopologySpreadConstraint, own map[string]string) (labels.Selector, error) {
	selector, err := metav1.LabelSelectorAsSelector(spread.LabelSelector)
	if err != nil {
		return nil, err
	}
	if _, selectable := selector.Requirements(); !selectable {
		return selector, nil
	}
	for _, key := range spread.MatchLabelKeys {
		if value, ok := own[key]; ok {
			requirement, err := labels.NewRequirement(key, selection.Equals, []string{value})
			if err != nil {
				return nil, err
			}
			selector = selector.Add(*requirement)
		}
	}
	return selector, nil
}

// matching counts the pods of a node that a selector selects; one that asks for nothing selects none.
func matching(node fwk.NodeInfo, selector labels.Selector, namespace string) int {
	count := 0
	for _, other := range node.GetPods() {
		pod := other.GetPod()
		if !selector.Empty() && pod.Namespace == namespace && pod.DeletionTimestamp == nil && selector.Matches(labels.Set(pod.Labels)) {
			count++
		}
	}
	return count
}

// mostDomains is how many domains are named.
const mostDomains = 6

func domains(pods map[string]int) string {
	names := slices.SortedFunc(maps.Keys(pods), func(a, b string) int {
		if pods[a] != pods[b] {
			return pods[a] - pods[b]
		}
		return strings.Compare(a, b)
	})
	var words []string
	for _, name := range names[:min(len(names), mostDomains)] {
		words = append(words, fmt.Sprintf("%s has %d", name, pods[name]))
	}
	if more := len(names) - mostDomains; more > 0 {
		words = append(words, fmt.Sprintf("%d more", more))
	}
	return strings.Join(words, ", ")
}
