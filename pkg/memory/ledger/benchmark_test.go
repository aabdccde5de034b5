// SPDX-License-Identifier: Apache-2.0

package ledger_test

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// BenchmarkBuild makes the book of 5,000 nodes with 30 measured pods each from a set of new samples.
func BenchmarkBuild(b *testing.B) {
	const nodeCount, podsPerNode = 5000, 30
	var nodes []*corev1.Node
	var pods []*corev1.Pod
	set := &sample.Set{Nodes: map[string]sample.Node{}, Pods: map[types.NamespacedName]sample.Pod{}}
	for i := range nodeCount {
		name := fmt.Sprint("node-", i)
		nodes = append(nodes, node(name))
		set.Nodes[name] = sample.Node{Measurement: sample.Measurement{Bytes: 2000 * mi, Time: now}}
		for j := range podsPerNode {
			made := pod(fmt.Sprint("pod-", i, "-", j), time.Hour)
			made.Spec.NodeName, made.ResourceVersion = name, "1"
			pods = append(pods, made)
			set.Pods[types.NamespacedName{Namespace: "default", Name: made.Name}] = sample.Pod{Measurement: sample.Measurement{Bytes: 50 * mi, Time: now}}
		}
	}
	builder := ledger.NewBuilder(options)
	input := ledger.Input{Now: now, Nodes: nodes, Pods: pods, Samples: set}
	builder.Build(input) // the first one makes the acquaintance of all pods
	b.ReportAllocs()
	for b.Loop() {
		builder.Build(input)
	}
}
