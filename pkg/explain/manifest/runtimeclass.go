// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

var errOverhead = errors.New("the API server refuses it: it has an overhead that is not the one of its runtime class")

// run gives a pod what its runtime class says: the overhead, and where and beside which taints it runs.
func run(spec *corev1.PodSpec, class *nodev1.RuntimeClass) error {
	var overhead corev1.ResourceList
	if class.Overhead != nil {
		overhead = class.Overhead.PodFixed
	}
	if len(spec.Overhead) > 0 && !equality.Semantic.DeepEqual(spec.Overhead, overhead) {
		return errOverhead
	}
	spec.Overhead = overhead
	if class.Scheduling == nil {
		return nil
	}
	selector := maps.Clone(spec.NodeSelector)
	if selector == nil {
		selector = map[string]string{}
	}
	for _, key := range slices.Sorted(maps.Keys(class.Scheduling.NodeSelector)) {
		value := class.Scheduling.NodeSelector[key]
		if own, has := selector[key]; has && own != value {
			return fmt.Errorf("the API server refuses it: its node selector wants %s=%s, that of its runtime class %q wants %s=%s", key, own, class.Name, key, value)
		}
		selector[key] = value
	}
	spec.NodeSelector = selector
	for i := range class.Scheduling.Tolerations {
		if !slices.ContainsFunc(spec.Tolerations, func(own corev1.Toleration) bool {
			return equality.Semantic.DeepEqual(own, class.Scheduling.Tolerations[i])
		}) {
			spec.Tolerations = append(slices.Clip(spec.Tolerations), class.Scheduling.Tolerations[i])
		}
	}
	return nil
}
