// SPDX-License-Identifier: Apache-2.0

package ledger_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

const nodeCount, podsPerNode, podsPerWorkload = 5000, 30, 20

// crowd is 5,000 nodes with 30 pods each, which an informer has in any case.
func crowd() (nodes []*corev1.Node, pods []*corev1.Pod) {
	for i := range nodeCount {
		name := fmt.Sprint("node-", i)
		nodes = append(nodes, node(name))
		for j := range podsPerNode {
			made := pod(fmt.Sprint("pod-", i, "-", j), time.Hour)
			made.Spec.NodeName, made.ResourceVersion = name, "1"
			made.Labels = map[string]string{"pod-template-hash": "7c9d8f6b5"}
			made.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: fmt.Sprintf("workload-%d-7c9d8f6b5", len(pods)/podsPerWorkload), Controller: new(true)}}
			pods = append(pods, made)
		}
	}
	return nodes, pods
}

// measured has all nodes and pods, measured at the time.
func measured(nodes []*corev1.Node, pods []*corev1.Pod, at time.Time) *sample.Set {
	set := &sample.Set{Nodes: map[string]sample.Node{}, Pods: map[types.NamespacedName]sample.Pod{}}
	for _, node := range nodes {
		set.Nodes[node.Name] = sample.Node{Measurement: sample.Measurement{Bytes: 2000 * mi, Time: at}}
	}
	for _, pod := range pods {
		set.Pods[types.NamespacedName{Namespace: "default", Name: pod.Name}] = sample.Pod{Measurement: sample.Measurement{Bytes: 50 * mi, Time: at}}
	}
	return set
}

// BenchmarkBuild makes the book of 5,000 nodes with 30 measured pods each from a set of new samples.
func BenchmarkBuild(b *testing.B) {
	nodes, pods := crowd()
	builder := ledger.NewBuilder(options)
	input := ledger.Input{Now: now, Nodes: nodes, Pods: pods, Samples: measured(nodes, pods, now)}
	builder.Build(input) // the first one makes the acquaintance of all pods
	b.ReportAllocs()
	for b.Loop() {
		builder.Build(input)
	}
}

// BenchmarkLearningBuild is the same while what 7,500 workloads hold is learned, and tells what is held in memory for all of that: the
// samples, what is remembered of pods, what was learned, and two books, of which the older one may still be read.
func BenchmarkLearningBuild(b *testing.B) {
	nodes, pods := crowd()
	before := heap()
	options := options
	options.Learner = forecast.NewLearner(options.Estimator)
	builder := ledger.NewBuilder(options)
	input := ledger.Input{Now: now, Nodes: nodes, Pods: pods, Samples: measured(nodes, pods, now)}
	older := builder.Build(input)
	newer := builder.Build(input)
	held := heap() - before
	runtime.KeepAlive(older)
	runtime.KeepAlive(newer)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer() // Whoever reads samples makes the set.
		input.Now = input.Now.Add(15 * time.Second)
		input.Samples = measured(nodes, pods, input.Now)
		b.StartTimer()
		builder.Build(input)
	}
	b.ReportMetric(float64(held)/float64(mi), "MiB-held")
}

// heap is what is held on the heap, in bytes.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
