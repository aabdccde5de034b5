// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/interpodaffinity"
)

// company is what is known of the pods of nodes that share a label: it is asked for again and again of the nodes of one zone.
type company struct {
	own *framework.PodInfo
	// nodes has the indices of nodes by label and value.
	nodes map[string]map[string][]int
	// found has the first pod that was found for a question in a label's value, "" for none.
	found map[[3]string]string
	// keys are the labels by which pods that are there keep others apart.
	keys []string
}

// interPodShortfall names the terms that do not hold on the node at index i, and the pods that stand in the way.
func (c *cycle) interPodShortfall(i int, status *fwk.Status, plain shortfall) shortfall {
	if c.company == nil {
		own, err := framework.NewPodInfo(c.pod)
		if err != nil {
			return plain
		}
		c.company = &company{own: own, nodes: map[string]map[string][]int{}, found: map[[3]string]string{}, keys: c.keysOfOthers()}
	}
	together, apart := c.company.own.GetRequiredAffinityTerms(), c.company.own.GetRequiredAntiAffinityTerms()
	if slices.ContainsFunc(slices.Concat(together, apart), byNamespaceLabels) { // which are not looked at here
		return plain
	}
	var missing, change []string
	say := func(lacks, helps string) { missing, change = append(missing, lacks), append(change, helps) }
	reasons := status.Reasons()
	if slices.Contains(reasons, interpodaffinity.ErrReasonAffinityRulesNotMatch) {
		c.lacksCompany(i, together, say)
	}
	if slices.Contains(reasons, interpodaffinity.ErrReasonAntiAffinityRulesNotMatch) {
		for at, term := range apart {
			matches := func(info fwk.PodInfo) bool { return term.Matches(info.GetPod(), nil) }
			if other, value, _ := c.inDomain(i, term.TopologyKey, fmt.Sprint("apart ", at), matches); other != "" {
				say(fmt.Sprintf("its anti-affinity to %s keeps it apart from %s in %s=%s", term.Selector, other, term.TopologyKey, value),
					"another "+term.TopologyKey+", or change podAntiAffinity")
			}
		}
	}
	if slices.Contains(reasons, interpodaffinity.ErrReasonExistingAntiAffinityRulesNotMatch) {
		for _, key := range c.company.keys {
			forbids := func(info fwk.PodInfo) bool {
				return slices.ContainsFunc(info.GetRequiredAntiAffinityTerms(), func(term fwk.AffinityTerm) bool {
					return term.TopologyKey == key && term.Matches(c.pod, nil)
				})
			}
			if other, value, _ := c.inDomain(i, key, "forbids", forbids); other != "" {
				say(fmt.Sprintf("the anti-affinity of %s keeps it out of %s=%s", other, key, value), "another "+key+", or change that pod's podAntiAffinity")
			}
		}
	}
	if len(missing) == 0 { // Labels of namespaces decide, for pods that are there.
		return plain
	}
	missing, change = slices.Compact(missing), slices.Compact(change)
	plain.missing, plain.change, plain.size = strings.Join(missing, "; "), strings.Join(change, "; "), float64(len(missing))
	return plain
}

// byNamespaceLabels reports whether labels of namespaces decide whose pods a term is about.
func byNamespaceLabels(term fwk.AffinityTerm) bool {
	requirements, selectable := term.NamespaceSelector.Requirements()
	return selectable && len(requirements) > 0
}

// lacksCompany tells that a node lacks the label of a term, or that no pod of those that share it matches: one has to match all terms
// (k8s.io/kubernetes pkg/scheduler/framework/plugins/interpodaffinity/filtering.go, podMatchesAllAffinityTerms).
func (c *cycle) lacksCompany(i int, terms []fwk.AffinityTerm, say func(lacks, helps string)) {
	words := make([]string, len(terms))
	for at, term := range terms {
		words[at] = term.Selector.String()
	}
	matches := func(info fwk.PodInfo) bool {
		return !slices.ContainsFunc(terms, func(term fwk.AffinityTerm) bool { return !term.Matches(info.GetPod(), nil) })
	}
	for _, term := range terms {
		switch other, value, labelled := c.inDomain(i, term.TopologyKey, "together", matches); {
		case !labelled:
			say("it has no label "+term.TopologyKey, fmt.Sprintf("kubectl label node %s %s=VALUE, or change podAffinity", c.name(i), term.TopologyKey))
		case other == "":
			say(fmt.Sprintf("no pod that matches %s is in %s=%s", strings.Join(words, " and "), term.TopologyKey, value), "such a pod there first, or change podAffinity")
		}
	}
}

// inDomain returns a pod, on the nodes that have the same value of a label as that at index i, which is as asked for, "" if there is none,
// and that value, if there is one. question is asked in the same words for the same pods.
func (c *cycle) inDomain(i int, key, question string, asked func(fwk.PodInfo) bool) (pod, value string, labelled bool) {
	value, labelled = c.nodes[i].Node().Labels[key]
	if !labelled {
		return "", "", false
	}
	at := [3]string{question, key, value}
	if known, ok := c.company.found[at]; ok {
		return known, value, true
	}
	if c.company.nodes[key] == nil {
		c.company.nodes[key] = map[string][]int{}
		for j := range c.nodes {
			if of, ok := c.nodes[j].Node().Labels[key]; ok {
				c.company.nodes[key][of] = append(c.company.nodes[key][of], j)
			}
		}
	}
	for _, j := range c.company.nodes[key][value] {
		if found := slices.IndexFunc(c.nodes[j].GetPods(), asked); found >= 0 {
			other := c.nodes[j].GetPods()[found].GetPod()
			pod = other.Namespace + "/" + other.Name
			break
		}
	}
	c.company.found[at] = pod
	return pod, value, true
}

// keysOfOthers returns the labels by which pods that are there keep others apart.
func (c *cycle) keysOfOthers() []string {
	keys := map[string]bool{}
	for _, node := range c.nodes {
		for _, info := range node.GetPodsWithRequiredAntiAffinity() {
			for _, term := range info.GetRequiredAntiAffinityTerms() {
				keys[term.TopologyKey] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(keys))
}
