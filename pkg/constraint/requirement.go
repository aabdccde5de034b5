// SPDX-License-Identifier: Apache-2.0

package constraint

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// labelOperator translates the operators that matchExpressions may use.
func labelOperator(operator corev1.NodeSelectorOperator) (selection.Operator, bool) {
	switch operator {
	case corev1.NodeSelectorOpIn:
		return selection.In, true
	case corev1.NodeSelectorOpNotIn:
		return selection.NotIn, true
	case corev1.NodeSelectorOpExists:
		return selection.Exists, true
	case corev1.NodeSelectorOpDoesNotExist:
		return selection.DoesNotExist, true
	case corev1.NodeSelectorOpGt:
		return selection.GreaterThan, true
	case corev1.NodeSelectorOpLt:
		return selection.LessThan, true
	default:
		return "", false
	}
}

// compileLabels turns matchExpressions into label requirements; every fault names its field.
func compileLabels(expressions []corev1.NodeSelectorRequirement, path *field.Path) (labels.Requirements, []error) {
	requirements := make(labels.Requirements, 0, len(expressions))
	var faults []error
	for i, expression := range expressions {
		at := path.Index(i)
		operator, ok := labelOperator(expression.Operator)
		if !ok {
			faults = append(faults, field.NotSupported(at.Child("operator"), expression.Operator, []corev1.NodeSelectorOperator{
				corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpExists,
				corev1.NodeSelectorOpDoesNotExist, corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt,
			}))
			continue
		}
		requirement, err := labels.NewRequirement(expression.Key, operator, expression.Values, field.WithPath(at))
		if err != nil {
			faults = append(faults, err)
			continue
		}
		requirements = append(requirements, *requirement)
	}
	return requirements, faults
}

// fieldRequirement is one entry of matchFields. Only metadata.name exists on a node: any other field reads as "".
type fieldRequirement struct {
	key     string
	value   string
	negated bool
}

func (r fieldRequirement) matches(nodeName string) bool {
	found := ""
	if r.key == metav1.ObjectNameField {
		found = nodeName
	}
	return (found == r.value) != r.negated
}

// nodeName returns the only node name that the requirement matches, if it is of that kind.
func (r fieldRequirement) nodeName() (string, bool) {
	return r.value, r.key == metav1.ObjectNameField && !r.negated
}

// compileFields turns matchFields into field requirements: In and NotIn with exactly one value, as the API validates.
func compileFields(expressions []corev1.NodeSelectorRequirement, path *field.Path) ([]fieldRequirement, []error) {
	requirements := make([]fieldRequirement, 0, len(expressions))
	var faults []error
	for i, expression := range expressions {
		at := path.Index(i)
		switch expression.Operator {
		case corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn:
			if len(expression.Values) != 1 {
				faults = append(faults, field.Invalid(at.Child("values"), expression.Values, "must have one element"))
				continue
			}
			requirements = append(requirements, fieldRequirement{
				key:     expression.Key,
				value:   expression.Values[0],
				negated: expression.Operator == corev1.NodeSelectorOpNotIn,
			})
		default:
			faults = append(faults, field.NotSupported(at.Child("operator"), expression.Operator,
				[]corev1.NodeSelectorOperator{corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn}))
		}
	}
	return requirements, faults
}
