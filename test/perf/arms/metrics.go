// SPDX-License-Identifier: Apache-2.0

package arms

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/wait"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	metricsscheme "k8s.io/metrics/pkg/client/clientset/versioned/scheme"
)

const (
	// readLimit is more than the longest interval of an arm: Trimaran reads every 30 seconds.
	readLimit = 45 * time.Second
	// settled is a little more than HeadroomMemory takes to make a book of what it read.
	settled = 2 * time.Second
)

// Metrics serves what a cluster's metrics-server would, and the load watcher's report for Trimaran: a quarter of
// each node's memory in use, and 50Mi by each pod.
type Metrics struct {
	server *httptest.Server

	mutex sync.Mutex
	nodes []corev1.Node
	pods  []metricsv1beta1.PodMetrics
	reads atomic.Int64 // of nodes, completed while all nodes were known
}

// NewMetrics returns a server on loopback. Close ends it.
func NewMetrics() *Metrics {
	m := &Metrics{}
	m.server = httptest.NewServer(m)
	return m
}

// URL is the address of metrics.k8s.io and, at /watcher, of the load watcher's report.
func (m *Metrics) URL() string { return m.server.URL }

// Close ends the server.
func (m *Metrics) Close() { m.server.Close() }

// SetNodes says which nodes there are.
func (m *Metrics) SetNodes(nodes []corev1.Node) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.nodes = nodes
}

// AddPod adds a pod that was bound.
func (m *Metrics) AddPod(pod *corev1.Pod) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.pods = append(m.pods, metricsv1beta1.PodMetrics{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace},
		Containers: []metricsv1beta1.ContainerMetrics{{Name: pod.Spec.Containers[0].Name, Usage: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("50Mi"),
		}}},
	})
}

// AwaitRead waits until the nodes were read and the reader had time to make use of it.
func (m *Metrics) AwaitRead(ctx context.Context) error {
	before := m.reads.Load()
	if err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, readLimit, true, func(context.Context) (bool, error) {
		return m.reads.Load() > before, nil
	}); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(settled):
		return nil
	}
}

// ServeHTTP answers with the metrics of nodes or pods, or with the report.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	m.mutex.Lock()
	nodes, pods := m.nodes, slices.Clip(m.pods)
	m.mutex.Unlock()
	var err error
	switch {
	case strings.HasSuffix(request.URL.Path, "/watcher"):
		w.Header().Set("Content-Type", runtime.ContentTypeJSON)
		err = json.NewEncoder(w).Encode(loadReport(nodes))
	case strings.HasSuffix(request.URL.Path, "/nodes"):
		err = encode(w, request, nodeMetrics(nodes))
	default:
		err = encode(w, request, podMetrics(pods))
	}
	if err != nil {
		return // the reader went away
	}
	if len(nodes) > 0 && !strings.HasSuffix(request.URL.Path, "/pods") {
		m.reads.Add(1)
	}
}

// encode answers as metrics-server does: by protobuf if that is accepted, and else by JSON.
func encode(w http.ResponseWriter, request *http.Request, list runtime.Object) error {
	if !strings.Contains(request.Header.Get("Accept"), runtime.ContentTypeProtobuf) {
		w.Header().Set("Content-Type", runtime.ContentTypeJSON)
		return json.NewEncoder(w).Encode(list)
	}
	w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
	return protobuf.NewSerializer(metricsscheme.Scheme, metricsscheme.Scheme).Encode(list, w)
}

func nodeMetrics(nodes []corev1.Node) *metricsv1beta1.NodeMetricsList {
	list := &metricsv1beta1.NodeMetricsList{TypeMeta: metav1.TypeMeta{Kind: "NodeMetricsList", APIVersion: "metrics.k8s.io/v1beta1"}}
	for i := range nodes {
		quarter := resource.NewQuantity(nodes[i].Status.Capacity.Memory().Value()/4, resource.BinarySI)
		list.Items = append(list.Items, metricsv1beta1.NodeMetrics{
			ObjectMeta: metav1.ObjectMeta{Name: nodes[i].Name}, Timestamp: metav1.Now(), Window: metav1.Duration{Duration: 15 * time.Second},
			Usage: corev1.ResourceList{corev1.ResourceMemory: *quarter, corev1.ResourceCPU: resource.MustParse("1")},
		})
	}
	return list
}

func podMetrics(pods []metricsv1beta1.PodMetrics) *metricsv1beta1.PodMetricsList {
	list := &metricsv1beta1.PodMetricsList{TypeMeta: metav1.TypeMeta{Kind: "PodMetricsList", APIVersion: "metrics.k8s.io/v1beta1"}}
	list.Items = append(list.Items, pods...)
	for i := range list.Items {
		list.Items[i].Timestamp = metav1.Now()
		list.Items[i].Window.Duration = 15 * time.Second
	}
	return list
}

// loadReport is the answer of load-watcher: per node the mean and deviation of CPU and memory, in percent of capacity.
func loadReport(nodes []corev1.Node) any {
	now := time.Now().Unix()
	report := map[string]any{}
	for i := range nodes {
		report[nodes[i].Name] = map[string]any{"metrics": []any{
			map[string]any{"name": "cpu", "type": "CPU", "operator": "AVG", "rollup": "15m", "value": 12.5},
			map[string]any{"name": "cpu", "type": "CPU", "operator": "STD", "rollup": "15m", "value": 3},
			map[string]any{"name": "memory", "type": "Memory", "operator": "AVG", "rollup": "15m", "value": 25},
			map[string]any{"name": "memory", "type": "Memory", "operator": "STD", "rollup": "15m", "value": 2},
		}}
	}
	return map[string]any{
		"timestamp": now, "window": map[string]any{"duration": "15m", "start": now - 900, "end": now},
		"source": "bench", "data": map[string]any{"NodeMetricsMap": report},
	}
}
