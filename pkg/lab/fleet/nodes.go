// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"io"
	"math"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/headroom-dev/headroom/pkg/lab/table"
)

// Columns of the node file. What else it has (GPUs, for one) is ignored.
const (
	nodeColumn     = "node"
	cpuColumn      = "cpu_milli"
	capacityColumn = "memory_bytes"
)

const (
	// subdomain is what a name is.
	subdomain = "a DNS-1123 subdomain"
	// evictionHard is the kubelet's default memory.available threshold, in bytes: the kubelet takes it off what pods may
	// request, and nothing else unless it is configured to.
	evictionHard = 100 << 20
)

// Node is a row of the node file.
type Node struct {
	// Name is a DNS-1123 subdomain of at most 63 characters.
	Name string
	// CPUMilli is the CPU capacity in thousandths of a core, at least 1.
	CPUMilli int64
	// MemoryBytes is the memory capacity in bytes, more than the kubelet's eviction threshold of 100Mi.
	MemoryBytes int64
}

// ReadNodesFile reads nodes from a CSV file, decompressed if its name ends in .gz. See ReadNodes.
func ReadNodesFile(path string) ([]Node, error) { return table.ReadFile(path, ReadNodes) }

// ReadNodes reads nodes from CSV with the columns node, cpu_milli and memory_bytes. file is what errors call the source:
// they read file:line:column, where column is the number of the CSV field. There is at least one node, and none twice.
func ReadNodes(file string, r io.Reader) ([]Node, error) {
	t, err := table.New(file, r, nodeColumn, cpuColumn, capacityColumn)
	if err != nil {
		return nil, err
	}
	var cpuSum, memorySum int64
	seen := map[string]int{}
	return table.Rows(t, "node", func(row table.Row) (Node, error) {
		node, err := readNode(row, seen)
		if err != nil {
			return Node{}, err
		}
		if cpuSum, err = row.Add(cpuColumn, cpuSum, node.CPUMilli); err != nil {
			return Node{}, err
		}
		memorySum, err = row.Add(capacityColumn, memorySum, node.MemoryBytes)
		return node, err
	})
}

func readNode(row table.Row, seen map[string]int) (Node, error) {
	var node Node
	var err error
	if node.Name, err = row.Name(nodeColumn, subdomain, seen, validateNodeName); err != nil {
		return Node{}, err
	}
	if node.CPUMilli, err = row.Integer(cpuColumn, 1, math.MaxInt64); err != nil {
		return Node{}, err
	}
	node.MemoryBytes, err = row.Integer(capacityColumn, evictionHard+1, math.MaxInt64)
	return node, err
}

// validateNodeName also keeps the label with the node's name valid, which a kubelet sets.
func validateNodeName(name string) []string {
	return append(validation.IsDNS1123Subdomain(name), validation.IsValidLabelValue(name)...)
}

// allocatableBytes is the memory that pods may request.
func (n Node) allocatableBytes() int64 { return n.MemoryBytes - evictionHard }

// object is the node as the cluster gets it.
func (n Node) object() *corev1.Node {
	resources := func(memory int64) corev1.ResourceList {
		return corev1.ResourceList{
			corev1.ResourceCPU:    *resource.NewMilliQuantity(n.CPUMilli, resource.DecimalSI),
			corev1.ResourceMemory: *resource.NewQuantity(memory, resource.BinarySI),
		}
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: n.Name},
		Status:     corev1.NodeStatus{Capacity: resources(n.MemoryBytes), Allocatable: resources(n.allocatableBytes())},
	}
}
