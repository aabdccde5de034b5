// SPDX-License-Identifier: Apache-2.0

package loadwatch

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	metricsclient "k8s.io/metrics/pkg/client/clientset/versioned"
)

// MetricsAPI reads metrics.k8s.io. It leaves nodes out that have no measurement or no capacity.
func MetricsAPI(client kubernetes.Interface, metrics metricsclient.Interface) Read {
	return func(ctx context.Context) ([]Reading, error) {
		nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return nil, fmt.Errorf("list nodes: %w", err)
		}
		capacities := make(map[string]corev1.ResourceList, len(nodes.Items))
		for i := range nodes.Items {
			capacities[nodes.Items[i].Name] = nodes.Items[i].Status.Capacity
		}
		measured, err := metrics.MetricsV1beta1().NodeMetricses().List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("list node metrics: %w", err)
		}
		readings := make([]Reading, 0, len(measured.Items))
		for i := range measured.Items {
			item := &measured.Items[i]
			capacity := capacities[item.Name]
			if capacity.Cpu().Sign() <= 0 || capacity.Memory().Sign() <= 0 {
				continue
			}
			readings = append(readings, Reading{
				Node: item.Name, Time: item.Timestamp.Time,
				CPU:    100 * item.Usage.Cpu().AsApproximateFloat64() / capacity.Cpu().AsApproximateFloat64(),
				Memory: 100 * item.Usage.Memory().AsApproximateFloat64() / capacity.Memory().AsApproximateFloat64(),
			})
		}
		return readings, nil
	}
}
