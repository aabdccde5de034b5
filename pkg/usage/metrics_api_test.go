// SPDX-License-Identifier: Apache-2.0

package usage_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	metricsfake "k8s.io/metrics/pkg/client/clientset/versioned/fake"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func memory(bytes int64) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(bytes, resource.BinarySI)}
}

func nodeMetrics(name string, taken time.Time, usage corev1.ResourceList) metricsv1beta1.NodeMetrics {
	return metricsv1beta1.NodeMetrics{ObjectMeta: metav1.ObjectMeta{Name: name}, Timestamp: metav1.NewTime(taken), Usage: usage}
}

func podMetrics(name string, containers ...corev1.ResourceList) metricsv1beta1.PodMetrics {
	metrics := metricsv1beta1.PodMetrics{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Timestamp: metav1.NewTime(now)}
	for _, usage := range containers {
		metrics.Containers = append(metrics.Containers, metricsv1beta1.ContainerMetrics{Usage: usage})
	}
	return metrics
}

// read lets the source read the given metrics. The fake client cannot list what is put into its tracker under the
// resource names of metrics.k8s.io, so it is told what to answer.
func read(t *testing.T, nodes []metricsv1beta1.NodeMetrics, pods []metricsv1beta1.PodMetrics, failing string) (*sample.Set, error) {
	t.Helper()
	client := metricsfake.NewSimpleClientset()
	client.PrependReactor("list", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if action.GetResource().Resource == failing {
			return true, nil, errors.New("the server is currently unable to handle the request")
		}
		if action.GetResource().Resource == "nodes" {
			return true, &metricsv1beta1.NodeMetricsList{Items: nodes}, nil
		}
		return true, &metricsv1beta1.PodMetricsList{Items: pods}, nil
	})
	return usage.NewMetricsAPIFor(client.MetricsV1beta1(), clocktesting.NewFakePassiveClock(now)).Read(t.Context())
}

func TestReadKeepsWhatCanBeTrue(t *testing.T) {
	earlier := now.Add(-20 * time.Second)
	got, err := read(t, []metricsv1beta1.NodeMetrics{
		nodeMetrics("good", earlier, memory(1000)),
		nodeMetrics("negative", earlier, memory(-1)),
		nodeMetrics("without-memory", earlier, corev1.ResourceList{}),
		nodeMetrics("without-time", time.Time{}, memory(1000)),
		nodeMetrics("from-the-future", now.Add(2*time.Minute), memory(1000)),
		nodeMetrics("clock-a-little-ahead", now.Add(30*time.Second), memory(1000)),
	}, []metricsv1beta1.PodMetrics{
		podMetrics("two-containers", memory(100), memory(200)),
		podMetrics("a-container-is-not-measured", memory(100), corev1.ResourceList{}),
		podMetrics("no-containers"),
		podMetrics("a-negative-container", memory(100), memory(-50)),
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	want := &sample.Set{
		Nodes: map[string]sample.Node{
			"good":                 {Measurement: sample.Measurement{Bytes: 1000, Time: earlier}},
			"clock-a-little-ahead": {Measurement: sample.Measurement{Bytes: 1000, Time: now.Add(30 * time.Second)}},
		},
		Pods: map[types.NamespacedName]sample.Pod{
			{Namespace: "default", Name: "two-containers"}: {Measurement: sample.Measurement{Bytes: 300, Time: now}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
}

func TestAFailedListIsAnErrorAndNotAnEmptySet(t *testing.T) {
	for _, resource := range []string{"nodes", "pods"} {
		t.Run(resource, func(t *testing.T) {
			if got, err := read(t, nil, nil, resource); err == nil || got != nil {
				t.Errorf("Read = %v, %v, want an error and nothing", got, err)
			}
		})
	}
}
