// SPDX-License-Identifier: Apache-2.0

package cycle

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/scheduler/metrics"

	"github.com/headroom-dev/headroom/test/perf"
)

const (
	shipped = "scheduler-config-replace.yaml"
	zones   = 3
	ssd     = 10 // nodes with disktype=ssd
)

func TestMain(m *testing.M) {
	metrics.Register()
	m.Run()
}

// fleet returns nodes as the harness makes them.
func fleet(b *testing.B, count int) []*corev1.Node {
	b.Helper()
	nodes := make([]*corev1.Node, count)
	for i := range nodes {
		name := "node"
		if i < ssd {
			name = "node-ssd"
		}
		node := template[corev1.Node](b, name)
		node.Name = fmt.Sprintf("node-%d-with-a-name-of-usual-length", i)
		node.Labels[corev1.LabelTopologyZone] = fmt.Sprintf("zone%d", i%zones+1)
		node.Labels[corev1.LabelHostname] = node.Name
		node.Status.Allocatable = node.Status.Capacity
		nodes[i] = node
	}
	return nodes
}

// BenchmarkChoose schedules the same pods with all arms, a pod with each in turn, and reports the median time to choose a
// node and its ratio to the stock arm's (below 1 is faster).
func BenchmarkChoose(b *testing.B) {
	config := os.Getenv("CONFIG")
	if config == "" {
		config = shipped
	}
	arms := []perf.Arm{perf.Stock, perf.Headroom}
	for _, workload := range []struct {
		pod   string
		nodes int
	}{
		{"basic", 5000},
		{"selective", 1000},
		{"selective", 5000},
		{"zone", 5000},
		{"preferred", 5000},
		{"matches-nothing", 5000},
		{"too-large", 5000},
	} {
		b.Run(fmt.Sprintf("%s/%dNodes", workload.pod, workload.nodes), func(b *testing.B) {
			nodes := fleet(b, workload.nodes)
			instances := make([]*instance, len(arms))
			for i, arm := range arms {
				instances[i] = newInstance(b, arm, config, nodes)
			}
			pod := template[corev1.Pod](b, "pod-"+workload.pod)
			for number := range 50 { // until caches and pools are warm
				for _, instance := range instances {
					instance.place(pod, -number-1)
				}
			}
			b.ResetTimer()
			times := make([][]time.Duration, len(arms))
			number := 0
			for b.Loop() {
				for i, instance := range instances {
					times[i] = append(times[i], instance.place(pod, number))
				}
				number++
			}
			b.ReportMetric(0, "ns/op")
			var stock float64
			for i, arm := range arms {
				slices.Sort(times[i])
				median := float64(times[i][len(times[i])/2]) / float64(time.Microsecond)
				b.ReportMetric(median, string(arm)+"-us")
				if arm == perf.Stock {
					stock = median
				} else {
					b.ReportMetric(median/stock, string(arm)+"/stock")
				}
			}
		})
	}
}
