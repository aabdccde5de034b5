// SPDX-License-Identifier: Apache-2.0

package constraint_test

import (
	"fmt"
	"runtime"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/headroom-dev/headroom/pkg/constraint"
)

// fleet returns nodes with so many labels each: of ten nodes the disktype is ssd, and one label is different on every node.
func fleet(count, labels int) []*corev1.Node {
	nodes := make([]*corev1.Node, count)
	for i := range nodes {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", i), Labels: map[string]string{
			corev1.LabelHostname: fmt.Sprintf("node-%d", i), corev1.LabelTopologyZone: fmt.Sprintf("zone%d", i%3), "disktype": "hdd",
		}}}
		if i%(count/10) == 0 {
			node.Labels["disktype"] = "ssd"
		}
		for j := len(node.Labels); j < labels; j++ {
			node.Labels[fmt.Sprintf("example.com/label-%d", j)] = fmt.Sprintf("value-%d", i%(j*7))
		}
		nodes[i] = node
	}
	return nodes
}

func affine() *corev1.Pod {
	pod := requiring(corev1.NodeSelectorTerm{MatchExpressions: append(
		expression(corev1.LabelTopologyZone, corev1.NodeSelectorOpIn, "zone1", "zone2").MatchExpressions,
		expression("disktype", corev1.NodeSelectorOpNotIn, "nvme").MatchExpressions...)})
	pod.Spec.NodeSelector = map[string]string{"disktype": "ssd"}
	return pod
}

func BenchmarkMatch(b *testing.B) {
	nodes := fleet(1000, 15)
	ours, theirs := constraint.CompileRequired(affine()), nodeaffinity.GetRequiredNodeAffinity(affine())
	b.Run("headroom", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			ours.Match(nodes[i%len(nodes)])
		}
	})
	b.Run("component-helpers", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			_, _ = theirs.Match(nodes[i%len(nodes)])
		}
	})
}

func BenchmarkIndex(b *testing.B) {
	for _, count := range []int{1000, 5000, 15000} {
		nodes := fleet(count, 30)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		index := constraint.NewIndex()
		index.Sync(nodes)
		runtime.GC()
		runtime.ReadMemStats(&after)
		required := constraint.CompileRequired(selecting("disktype=ssd"))
		b.Run(fmt.Sprintf("walk/%d", count), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, node := range nodes {
					required.Match(node)
				}
			}
		})
		b.Run(fmt.Sprintf("find/%d", count), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if names, ok := index.Find(required, nil, 100); !ok || len(names) != 10 {
					b.Fatal(len(names))
				}
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "index-MiB")
		})
		b.Run(fmt.Sprintf("sync/%d", count), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				index.Sync(nodes)
			}
		})
		b.Run(fmt.Sprintf("diagnose/%d", count), func(b *testing.B) {
			b.ReportAllocs()
			nothing := constraint.CompileRequired(selecting("disktype=tape"))
			for b.Loop() {
				_ = constraint.Diagnose(nothing, nil, index).Message()
			}
		})
	}
}
