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
)

// skew says which nodes count in the pod's spread constraints and how many pods each domain has, since a node that the pod may
// not go to counts or not by nodeAffinityPolicy (k8s.io/kubernetes pkg/scheduler/framework/plugins/podtopologyspread).
func (c *cycle) skew() string {
	var parts []string
	for i := range c.pod.Spec.TopologySpreadConstraints {
		spread := &c.pod.Spec.TopologySpreadConstraints[i]
		selector, err := metav1.LabelSelectorAsSelector(spread.LabelSelector)
		if spread.WhenUnsatisfiable != corev1.DoNotSchedule || err != nil {
			continue
		}
		honored := spread.NodeAffinityPolicy == nil || *spread.NodeAffinityPolicy == corev1.NodeInclusionPolicyHonor
		pods, counted := map[string]int{}, 0
		for _, node := range c.nodes {
			domain, labelled := node.Node().Labels[spread.TopologyKey]
			if !labelled || honored && c.required != nil && !c.required.Match(node.Node()) {
				continue
			}
			counted++
			pods[domain] += 0
			for _, other := range node.GetPods() {
				pod := other.GetPod()
				if pod.Namespace == c.pod.Namespace && pod.DeletionTimestamp == nil && selector.Matches(labelsOf(pod)) {
					pods[domain]++
				}
			}
		}
		words := "no node that counts has this label"
		if counted > 0 {
			words = fmt.Sprintf("%s; %d of %d nodes count", domains(pods), counted, len(c.nodes))
		}
		parts = append(parts, fmt.Sprintf("%s, maxSkew %d: %s", spread.TopologyKey, spread.MaxSkew, words))
	}
	return strings.Join(parts, "; ")
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

func labelsOf(pod *corev1.Pod) labels.Set { return pod.Labels }
