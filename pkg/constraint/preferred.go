// SPDX-License-Identifier: Apache-2.0

package constraint

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Preferred are the preferred terms of a node affinity; each adds its weight to the score of a node that it matches.
type Preferred struct {
	terms   []term
	weights []int64
}

// CompilePreferred compiles preferred terms. Terms that weigh 0 or are empty are left out, unchecked. A fault in any
// other term is an error that names its field.
func CompilePreferred(terms []corev1.PreferredSchedulingTerm) (*Preferred, error) {
	compiled := &Preferred{}
	var faults []error
	for i := range terms {
		if terms[i].Weight == 0 || isEmpty(&terms[i].Preference) {
			continue
		}
		next := compileTerm(&terms[i].Preference, field.NewPath(fmt.Sprintf("[%d]", i)))
		faults = append(faults, next.faults...)
		compiled.terms = append(compiled.terms, next)
		compiled.weights = append(compiled.weights, int64(terms[i].Weight))
	}
	if len(faults) != 0 {
		return nil, errors.Flatten(errors.NewAggregate(faults))
	}
	return compiled, nil
}

// PreferredTerms returns the pod's preferred terms, or nil.
func PreferredTerms(pod *corev1.Pod) []corev1.PreferredSchedulingTerm {
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity == nil {
		return nil
	}
	return pod.Spec.Affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution
}

// Score returns the sum of the weights of the terms that match the node.
func (p *Preferred) Score(node *corev1.Node) int64 {
	var score int64
	for i := range p.terms {
		if p.terms[i].matches(node) {
			score += p.weights[i]
		}
	}
	return score
}
