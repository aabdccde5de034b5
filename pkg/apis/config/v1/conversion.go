// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/conversion"
)

// Convert_Pointer_resource_Quantity_To_resource_Quantity turns an optional quantity into a plain one; nil is zero, which
// only happens where defaulting was not run.
func Convert_Pointer_resource_Quantity_To_resource_Quantity(in **resource.Quantity, out *resource.Quantity, _ conversion.Scope) error { //nolint:revive // the name conversion-gen looks for
	if *in == nil {
		*out = resource.Quantity{}
		return nil
	}
	*out = (*in).DeepCopy()
	return nil
}

// Convert_resource_Quantity_To_Pointer_resource_Quantity is the way back.
func Convert_resource_Quantity_To_Pointer_resource_Quantity(in *resource.Quantity, out **resource.Quantity, _ conversion.Scope) error { //nolint:revive // the name conversion-gen looks for
	quantity := in.DeepCopy()
	*out = &quantity
	return nil
}
