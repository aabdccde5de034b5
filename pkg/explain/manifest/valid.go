// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"regexp"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

// placing matches the fields by which a pod is placed. A sketch may lack the others, such as an image.
var placing = regexp.MustCompile(`^(labels|spec\.(affinity|nodeSelector|tolerations|topologySpreadConstraints|schedulingGates|overhead|resources|resourceClaims|` +
	`(initContainers|containers)\[\d+\]\.resources))($|[.\[])`)

// check returns why the API server would not take the pod for something by which it is placed: no scheduler would see it. The pod
// has its defaults.
func check(pod *corev1.Pod) error {
	internal, err := internalOf(pod)
	if err != nil {
		return err
	}
	template := &core.PodTemplateSpec{ObjectMeta: internal.ObjectMeta, Spec: internal.Spec}
	var faults field.ErrorList
	for _, fault := range validation.ValidatePodTemplateSpec(template, nil, podutil.GetValidationOptionsFromPodTemplate(template, nil)) {
		if placing.MatchString(fault.Field) {
			faults = append(faults, fault)
		}
	}
	if err := faults.ToAggregate(); err != nil {
		return fmt.Errorf("the API server refuses it: %w", err)
	}
	return nil
}

// internalOf returns the pod as the API server's own code has it.
func internalOf(pod *corev1.Pod) (*core.Pod, error) {
	internal := &core.Pod{}
	if err := legacyscheme.Scheme.Convert(pod, internal, nil); err != nil {
		return nil, fmt.Errorf("convert the pod: %w", err)
	}
	return internal, nil
}
