// SPDX-License-Identifier: Apache-2.0

package arms

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
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

	"github.com/headroom-dev/headroom/test/perf"
)

const (
	// interval is how long a sample is of, as metrics-server's are by default.
	interval = 15 * time.Second
	// readLimit is more than the longest interval of an arm: Trimaran reads every 30 seconds.
	readLimit = 45 * time.Second
	// settled is a little more than HeadroomMemory takes to make a book of what it read.
	settled = 2 * time.Second
)

// Metrics serves what a cluster's metrics-server would, and the load watcher's report for Trimaran: a quarter of
// each node's memory in use, and 50Mi by each pod.
type Metrics struct {
	server *httptest.Server
	pods   podList

	mutex sync.Mutex
	nodes []corev1.Node
	named int // how many nodes the last list of them had

	// Completed while all nodes were known: lists of pods that followed one of nodes, and reports.
	lists, reports atomic.Int64
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
func (m *Metrics) AddPod(pod *corev1.Pod) error { return m.pods.add(pod) }

// AwaitRead waits until an arm has read all that it reads, if anything, and had time to make use of it.
func (m *Metrics) AwaitRead(ctx context.Context, arm perf.Arm) error {
	var reads *atomic.Int64
	switch arm {
	case perf.Headroom:
		reads = &m.lists
	case perf.LoadVariation:
		reads = &m.reports
	default:
		return nil
	}
	before := reads.Load()
	if err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, readLimit, true, func(context.Context) (bool, error) {
		return reads.Load() > before, nil
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
	nodes := m.nodes
	m.mutex.Unlock()
	switch {
	case strings.HasSuffix(request.URL.Path, "/watcher"):
		w.Header().Set("Content-Type", runtime.ContentTypeJSON)
		if err := json.NewEncoder(w).Encode(loadReport(nodes)); err == nil && len(nodes) > 0 {
			m.reports.Add(1)
		}
	case !strings.Contains(request.Header.Get("Accept"), runtime.ContentTypeProtobuf):
		http.Error(w, "only protobuf is served", http.StatusNotAcceptable)
	case strings.HasSuffix(request.URL.Path, "/nodes"):
		w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
		if err := protobuf.NewSerializer(metricsscheme.Scheme, metricsscheme.Scheme).Encode(nodeMetrics(nodes), w); err == nil {
			m.mutex.Lock()
			m.named = len(nodes)
			m.mutex.Unlock()
		}
	default:
		w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
		err := m.pods.send(w, time.Now())
		m.mutex.Lock()
		whole := m.named > 0 && m.named == len(m.nodes)
		m.mutex.Unlock()
		if err == nil && whole {
			m.lists.Add(1)
		}
	}
}

func nodeMetrics(nodes []corev1.Node) *metricsv1beta1.NodeMetricsList {
	list := &metricsv1beta1.NodeMetricsList{TypeMeta: metav1.TypeMeta{Kind: "NodeMetricsList", APIVersion: "metrics.k8s.io/v1beta1"}}
	for i := range nodes {
		quarter := resource.NewQuantity(nodes[i].Status.Capacity.Memory().Value()/4, resource.BinarySI)
		list.Items = append(list.Items, metricsv1beta1.NodeMetrics{
			ObjectMeta: metav1.ObjectMeta{Name: nodes[i].Name}, Timestamp: metav1.Now(), Window: metav1.Duration{Duration: interval},
			Usage: corev1.ResourceList{corev1.ResourceMemory: *quarter, corev1.ResourceCPU: resource.MustParse("1")},
		})
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
