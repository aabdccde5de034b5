// SPDX-License-Identifier: Apache-2.0

package constraint

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
)

type label struct{ key, value string }

// Required is what a pod requires of its node: every label of spec.nodeSelector AND one of the terms of
// requiredDuringSchedulingIgnoredDuringExecution.
type Required struct {
	selector []label
	affinity *Terms // nil: no required affinity
}

// CompileRequired compiles the pod's nodeSelector and required node affinity.
func CompileRequired(pod *corev1.Pod) *Required {
	required := &Required{}
	for key, value := range pod.Spec.NodeSelector {
		required.selector = append(required.selector, label{key, value})
	}
	// In one order always: what does not hold first is named.
	slices.SortFunc(required.selector, func(a, b label) int { return strings.Compare(a.key, b.key) })
	if selector := RequiredSelector(pod); selector != nil {
		required.affinity = CompileTerms(selector)
	}
	return required
}

// HasRequired reports whether the pod requires anything of its node's labels or fields.
func HasRequired(pod *corev1.Pod) bool {
	return len(pod.Spec.NodeSelector) != 0 || RequiredSelector(pod) != nil
}

// RequiredSelector returns the required node affinity of a pod, or nil.
func RequiredSelector(pod *corev1.Pod) *corev1.NodeSelector {
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity == nil {
		return nil
	}
	return pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
}

// Match reports whether the node is one that the pod may run on.
func (r *Required) Match(node *corev1.Node) bool {
	return r.matchSelector(node) && (r.affinity == nil || r.affinity.Match(node))
}

// Verdict is Match that also says when faulty terms may be the reason for a mismatch: the error is set only if the
// nodeSelector matches, no term does, and some term is faulty.
func (r *Required) Verdict(node *corev1.Node) (bool, error) {
	if !r.matchSelector(node) {
		return false, nil
	}
	if r.affinity == nil || r.affinity.Match(node) {
		return true, nil
	}
	return false, r.affinity.Faults()
}

func (r *Required) matchSelector(node *corev1.Node) bool {
	for _, wanted := range r.selector {
		if found, ok := node.Labels[wanted.key]; !ok || found != wanted.value {
			return false
		}
	}
	return true
}

// NodeNames returns the only nodes that the pod's required affinity can match because every one of its terms names
// nodes by metadata.name. all is true when some term does not, or there are no terms: then any node may match. An empty
// set with all false means that each term contradicts itself.
func NodeNames(pod *corev1.Pod) (names sets.Set[string], all bool) {
	selector := RequiredSelector(pod)
	if selector == nil || len(selector.NodeSelectorTerms) == 0 {
		return nil, true
	}
	names = sets.New[string]()
	for _, term := range selector.NodeSelectorTerms {
		var ofTerm sets.Set[string]
		for _, requirement := range term.MatchFields {
			if requirement.Key != metav1.ObjectNameField || requirement.Operator != corev1.NodeSelectorOpIn {
				continue
			}
			if values := sets.New(requirement.Values...); ofTerm == nil {
				ofTerm = values
			} else {
				ofTerm = ofTerm.Intersection(values)
			}
		}
		if ofTerm == nil {
			return nil, true
		}
		names = names.Union(ofTerm)
	}
	return names, false
}
