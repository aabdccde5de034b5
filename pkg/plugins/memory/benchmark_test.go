// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// largeFleet has a book of 5,000 nodes, each of which holds so many bytes.
func largeFleet(held func(node int) int64) *fleet {
	fleet := newFleet(nil)
	for i := range 5000 {
		fleet.node(fmt.Sprintf("node-%d-with-a-name-of-usual-length", i), held(i), 0)
	}
	fleet.publish()
	return fleet
}

func everyTenth(i int, its, others int64) int64 {
	if i%10 == 0 {
		return its
	}
	return others
}

// BenchmarkCalls measures Filter and Score on 5,000 nodes, of which every tenth is too full for the pod, call by call.
func BenchmarkCalls(b *testing.B) {
	fleet := largeFleet(func(i int) int64 { return everyTenth(i, 3800*mi, 1000*mi) })
	infos, pod, state, ctx := fleet.infos(), newPod("new", 500*mi), framework.NewCycleState(), b.Context()
	fleet.plugin.PreFilter(ctx, state, pod, infos)
	fleet.plugin.PreScore(ctx, state, pod, infos)
	for _, call := range []struct {
		name string
		call func(fwk.NodeInfo)
	}{
		{"Filter", func(node fwk.NodeInfo) { fleet.plugin.Filter(ctx, state, pod, node) }},
		{"Score", func(node fwk.NodeInfo) { _, _ = fleet.plugin.Score(ctx, state, pod, node) }},
	} {
		b.Run(call.name, func(b *testing.B) {
			b.ReportAllocs()
			took := make([]time.Duration, 0, 1<<20)
			i := 0
			for b.Loop() {
				began := time.Now()
				call.call(infos[i])
				if len(took) < cap(took) {
					took = append(took, time.Since(began))
				}
				if i++; i == len(infos) {
					i = 0
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns")
			b.ReportMetric(float64(took[len(took)/2]), "median-ns")
		})
	}
}

// BenchmarkNormalize measures NormalizeScore of 500 of 5,000 nodes, another 500 each time, as a scheduler looks for: with a pod that is
// expected to hold the same all day, and with one that holds more in some hours.
func BenchmarkNormalize(b *testing.B) {
	fleet := largeFleet(func(i int) int64 { return int64(i%3000) * mi })
	infos, pod, ctx := fleet.infos(), newPod("new", 500*mi), b.Context()
	for _, course := range []string{"even", "by the hour"} {
		b.Run(course, func(b *testing.B) {
			cycle := framework.NewCycleState()
			fleet.plugin.PreFilter(ctx, cycle, pod, infos)
			if state, _ := fleet.plugin.latest.Read(cycle); course != "even" {
				state.flat, state.course[9] = false, 2*state.course[9]
			}
			scores, first := make(fwk.NodeScoreList, 500), 0
			b.ReportAllocs()
			for b.Loop() {
				nodes := infos[first : first+len(scores)]
				for i, node := range nodes {
					scores[i] = fwk.NodeScore{Name: node.Node().Name}
				}
				fleet.plugin.PreScore(ctx, cycle, pod, nodes)
				fleet.plugin.NormalizeScore(ctx, cycle, pod, scores)
				first = (first + len(scores)) % len(infos)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(scores)), "ns/node")
		})
	}
}

// BenchmarkWake looks through 2,000 pods that wait, by a new book of 5,000 nodes: pods of 100 workloads, of which none fits anywhere,
// and as many that would fit 500 nodes that they may not use.
func BenchmarkWake(b *testing.B) {
	fleet := largeFleet(func(i int) int64 { return everyTenth(i, 2000*mi, 3800*mi) })
	waiting := fleet.plugin.waiting
	node := &corev1.Node{}
	waiting.node = func(string) *corev1.Node { return node }
	var pods []*corev1.Pod
	for i := range 2000 {
		pod := newPod(fmt.Sprintf("pod-%d", i), 3000*mi+int64(i/20%50)*mi)
		if i%2 == 0 {
			pod = newPod(fmt.Sprintf("pod-%d", i), 500*mi+int64(i/20%50)*mi)
			pod.Spec.NodeSelector = map[string]string{"disktype": "ssd"}
		}
		pods = append(pods, pod)
	}
	for b.Loop() {
		b.StopTimer()
		before := fleet.plugin.books.current()
		for _, pod := range pods {
			waiting.add(pod, fleet.plugin.prior.Demand(pod).FirmBytes, before)
		}
		fleet.publish()
		b.StartTimer()
		if woken := waiting.wake(logr.Discard(), fleet.plugin.books.current()); woken != 0 {
			b.Fatalf("%d pods woken, want none", woken)
		}
	}
}
