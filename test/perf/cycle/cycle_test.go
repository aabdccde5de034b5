// SPDX-License-Identifier: Apache-2.0

package cycle

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/kubernetes/pkg/scheduler/metrics"

	"github.com/headroom-dev/headroom/test/perf"
	"github.com/headroom-dev/headroom/test/perf/load"
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
// node, or to find that there is none, and its ratio to the stock arm's (below 1 is faster).
func BenchmarkChoose(b *testing.B) {
	config := os.Getenv("CONFIG")
	if config == "" {
		config = shipped
	}
	arms := []perf.Arm{perf.Stock, perf.Headroom}
	tooLarge := func(pod *corev1.Pod) {
		pod.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU] = resource.MustParse("200")
	}
	for _, workload := range []struct {
		name, pod string
		nodes     int
		change    func(*corev1.Pod)
	}{
		{"basic", "basic", 5000, nil},
		{"selective", "selective", 1000, nil},
		{"selective", "selective", 5000, nil},
		{"selective", "selective", 15000, nil},
		{"zone", "zone", 5000, nil},
		{"preferred", "preferred", 5000, nil},
		{"matches-nothing", "matches-nothing", 5000, nil},
		{"too-large", "too-large", 5000, nil},
		{"too-large-in-zone", "zone", 5000, tooLarge},
		{"too-large-selective", "selective", 5000, tooLarge},
	} {
		b.Run(fmt.Sprintf("%s/%dNodes", workload.name, workload.nodes), func(b *testing.B) {
			nodes := fleet(b, workload.nodes)
			instances := make([]*instance, len(arms))
			for i, arm := range arms {
				instances[i] = newInstance(b, arm, config, nodes, nil)
			}
			pod := template[corev1.Pod](b, "pod-"+workload.pod)
			if workload.change != nil {
				workload.change(pod)
			}
			compare(b, arms, instances, pod)
		})
	}
}

// compare places the pod with all arms in turn.
func compare(b *testing.B, arms []perf.Arm, instances []*instance, pod *corev1.Pod) {
	b.Helper()
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
}

// BenchmarkLoaded is the same on nodes that are in use: 150,000 pods run, and all of them are measured every 15 seconds. What Headroom's plugins
// take is the difference between the arms headroom and config.
func BenchmarkLoaded(b *testing.B) {
	arms := []perf.Arm{perf.Stock, perf.Config, perf.Headroom, perf.LoadVariation}
	nodes := fleet(b, 5000)
	pod := template[corev1.Pod](b, "pod-basic")
	var pods []*corev1.Pod
	for i, node := range nodes {
		for j := range 30 {
			pods = append(pods, load.Running(pod, fmt.Sprintf("running-%d-%d", i, j), node.Name))
		}
	}
	instances := make([]*instance, len(arms))
	for i, arm := range arms {
		instances[i] = newInstance(b, arm, shipped, nodes, pods)
	}
	compare(b, arms, instances, pod)
}
