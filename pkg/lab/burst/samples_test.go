// SPDX-License-Identifier: Apache-2.0

package burst

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	metricsfake "k8s.io/metrics/pkg/client/clientset/versioned/fake"
)

func TestOnlyCompleteScrapesOfTheSteadyLoadCount(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var nodes []time.Duration // after began, of each sample
	pods := 0
	metrics := metricsfake.NewSimpleClientset()
	metrics.PrependReactor("list", "nodes", func(clienttesting.Action) (bool, runtime.Object, error) {
		list := &metricsv1beta1.NodeMetricsList{}
		for _, after := range nodes {
			list.Items = append(list.Items, metricsv1beta1.NodeMetrics{Timestamp: metav1.NewTime(began.Add(after))})
		}
		return true, list, nil
	})
	metrics.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, &metricsv1beta1.PodMetricsList{Items: make([]metricsv1beta1.PodMetrics, pods)}, nil
	})
	const s = time.Second
	scrapes := &scrapes{metrics: metrics, nodes: 2, pods: 3, settled: began.Add(30 * s), resolution: 60 * s}
	for _, step := range []struct {
		name  string
		nodes []time.Duration
		pods  int
		want  int
	}{
		{"nothing yet", nil, 0, 0},
		{"one node is missing", []time.Duration{40 * s}, 3, 0},
		{"one node was measured before", []time.Duration{40 * s, 29 * s}, 3, 0},
		{"a pod is missing", []time.Duration{40 * s, 41 * s}, 2, 0},
		{"complete", []time.Duration{40 * s, 41 * s}, 3, 1},
		{"the same again", []time.Duration{40 * s, 41 * s}, 3, 1},
		{"the next is under way", []time.Duration{40 * s, 101 * s}, 3, 1},
		{"the next", []time.Duration{100 * s, 101 * s}, 3, 2},
	} {
		nodes, pods = step.nodes, step.pods
		if err := scrapes.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if scrapes.seen != step.want {
			t.Errorf("%s: %d scrapes, want %d", step.name, scrapes.seen, step.want)
		}
	}
	for _, test := range []struct {
		after   time.Duration
		scrapes int
		want    bool
		left    time.Duration
	}{
		{140 * s, 2, false, 6 * s},
		{146 * s, 2, true, 0},
		{146 * s, 3, false, 60 * s},
	} {
		now := began.Add(test.after)
		if got := scrapes.ready(now, test.scrapes, 45*s); got != test.want {
			t.Errorf("after %s, %d scrapes: ready = %v, want %v", test.after, test.scrapes, got, test.want)
		}
		if got := scrapes.left(now, test.scrapes, 45*s); got != test.left {
			t.Errorf("after %s, %d scrapes: %s left, want %s", test.after, test.scrapes, got, test.left)
		}
	}
}
