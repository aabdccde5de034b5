// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	metricsclient "k8s.io/metrics/pkg/client/clientset/versioned/typed/metrics/v1beta1"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// maxClockSkew is how far ahead of our clock a sample's may be before it is refused.
const maxClockSkew = time.Minute

// MetricsAPI reads metrics.k8s.io, which metrics-server and others serve: two lists a read.
type MetricsAPI struct {
	client metricsclient.MetricsV1beta1Interface
	clock  clock.PassiveClock
}

var _ Source = &MetricsAPI{}

// NewMetricsAPI returns a source that reads through the API server that config points at.
func NewMetricsAPI(config *rest.Config) (*MetricsAPI, error) {
	client, err := metricsclient.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("metrics.k8s.io client: %w", err)
	}
	return NewMetricsAPIFor(client, clock.RealClock{}), nil
}

// NewMetricsAPIFor returns a source that reads through client; clock tells what lies in the future.
func NewMetricsAPIFor(client metricsclient.MetricsV1beta1Interface, clock clock.PassiveClock) *MetricsAPI {
	return &MetricsAPI{client: client, clock: clock}
}

// Read lists the metrics of all nodes and pods. Entries that cannot be true (negative, without a time, in the future) are
// left out: what they are about is unknown.
func (m *MetricsAPI) Read(ctx context.Context) (*sample.Set, error) {
	nodes, err := m.client.NodeMetricses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list nodes of metrics.k8s.io: %w", err)
	}
	pods, err := m.client.PodMetricses(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list pods of metrics.k8s.io: %w", err)
	}
	latest := m.clock.Now().Add(maxClockSkew)
	set := &sample.Set{
		Nodes: make(map[string]sample.Node, len(nodes.Items)),
		Pods:  make(map[types.NamespacedName]sample.Pod, len(pods.Items)),
	}
	for i := range nodes.Items {
		item := &nodes.Items[i]
		memory, ok := item.Usage[corev1.ResourceMemory]
		if !ok {
			continue
		}
		if measured, ok := plausible(memory.Value(), item.Timestamp.Time, latest); ok {
			set.Nodes[item.Name] = sample.Node{Measurement: measured}
		}
	}
	for i := range pods.Items {
		item := &pods.Items[i]
		bytes, ok := podBytes(item)
		if !ok {
			continue
		}
		if measured, ok := plausible(bytes, item.Timestamp.Time, latest); ok {
			set.Pods[types.NamespacedName{Namespace: item.Namespace, Name: item.Name}] = sample.Pod{Measurement: measured}
		}
	}
	return set, nil
}

// podBytes adds up the pod's containers. A pod of which a container is not measured, or none is there, is not measured.
func podBytes(pod *metricsv1beta1.PodMetrics) (int64, bool) {
	var sum int64
	for i := range pod.Containers {
		memory, ok := pod.Containers[i].Usage[corev1.ResourceMemory]
		if !ok || memory.Sign() < 0 {
			return 0, false
		}
		sum += memory.Value()
	}
	return sum, len(pod.Containers) > 0
}

func plausible(bytes int64, taken, latest time.Time) (sample.Measurement, bool) {
	ok := bytes >= 0 && !taken.IsZero() && !taken.After(latest)
	return sample.Measurement{Bytes: bytes, Time: taken}, ok
}
