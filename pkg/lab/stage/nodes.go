// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// NodesSpec describes the equal nodes of a pool. Node i is called <pool>-i, counted from 1.
type NodesSpec struct {
	Count  int               `json:"count"`
	CPU    resource.Quantity `json:"cpu"`
	Memory resource.Quantity `json:"memory"`
	// Reserved is kubeReserved and systemReserved together; EvictionHard the hard threshold of memory.available.
	Reserved     resource.Quantity `json:"reserved"`
	EvictionHard resource.Quantity `json:"evictionHard"`
	// SystemMemory is what is held outside pods.
	SystemMemory resource.Quantity `json:"systemMemory"`
	Labels       []NodeLabels      `json:"labels,omitempty"`
}

// NodeLabels gives labels to some of a pool's nodes, by number.
type NodeLabels struct {
	Nodes  []int             `json:"nodes"`
	Labels map[string]string `json:"labels"`
}

// Validate returns what is wrong with the fields below path.
func (n NodesSpec) Validate(path *field.Path) field.ErrorList {
	var faults field.ErrorList
	if n.Count < 1 {
		faults = append(faults, field.Invalid(path.Child("count"), n.Count, "must be at least 1"))
	}
	faults = append(faults, Positive(path.Child("cpu"), n.CPU)...)
	faults = append(faults, Positive(path.Child("memory"), n.Memory)...)
	for _, part := range []struct {
		name     string
		quantity resource.Quantity
	}{{"reserved", n.Reserved}, {"systemMemory", n.SystemMemory}} {
		if part.quantity.Sign() < 0 {
			faults = append(faults, field.Invalid(path.Child(part.name), part.quantity.String(), "must not be negative"))
		}
	}
	faults = append(faults, Positive(path.Child("evictionHard"), n.EvictionHard)...)
	if allocatable := n.Allocatable(); allocatable.Sign() <= 0 {
		faults = append(faults, field.Invalid(path.Child("reserved"), n.Reserved.String(), "with evictionHard it leaves nothing of memory for pods"))
	}
	for i, labels := range n.Labels {
		for _, number := range labels.Nodes {
			if number < 1 || number > n.Count {
				faults = append(faults, field.Invalid(path.Child("labels").Index(i).Child("nodes"), number, fmt.Sprintf("must be from 1 to %d", n.Count)))
			}
		}
	}
	return faults
}

// Positive returns a fault unless the quantity is more than 0.
func Positive(path *field.Path, quantity resource.Quantity) field.ErrorList {
	if quantity.Sign() <= 0 {
		return field.ErrorList{field.Invalid(path, quantity.String(), "must be more than 0")}
	}
	return nil
}

// Allocatable is the memory that a node offers to pods, in bytes.
func (n NodesSpec) Allocatable() resource.Quantity {
	allocatable := n.Memory.DeepCopy()
	allocatable.Sub(n.Reserved)
	allocatable.Sub(n.EvictionHard)
	return allocatable
}

// ThresholdBytes is the working set of a node, its system included, from which on its kubelet evicts: the lower one of the
// machine's own threshold and the one of the cgroup that all pods are in.
func (n NodesSpec) ThresholdBytes() int64 {
	allocatable := n.Allocatable()
	return min(n.Memory.Value()-n.EvictionHard.Value(), allocatable.Value()+n.SystemMemory.Value())
}
