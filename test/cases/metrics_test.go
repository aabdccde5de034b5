// SPDX-License-Identifier: Apache-2.0

package cases_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
)

// metricsAPI serves metrics.k8s.io for nodes that say what they hold, and for their pods; of other nodes there are none.
type metricsAPI struct{ client kubernetes.Interface }

func (m *metricsAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	pods, err := m.client.CoreV1().Pods(metav1.NamespaceAll).List(r.Context(), metav1.ListOptions{})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	nodes, err := m.client.CoreV1().Nodes().List(r.Context(), metav1.ListOptions{})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var answer any = nodeMetrics(nodes.Items, pods.Items)
	if strings.HasSuffix(r.URL.Path, "/pods") {
		answer = podMetrics(pods.Items)
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func nodeMetrics(nodes []corev1.Node, pods []corev1.Pod) *metricsv1beta1.NodeMetricsList {
	list := &metricsv1beta1.NodeMetricsList{TypeMeta: metav1.TypeMeta{Kind: "NodeMetricsList", APIVersion: "metrics.k8s.io/v1beta1"}}
	for _, node := range nodes {
		text, said := node.Annotations[cluster.SystemMemoryAnnotation]
		if !said {
			continue
		}
		used := resource.MustParse(text)
		for _, pod := range pods {
			if pod.Spec.NodeName == node.Name {
				used.Add(podUsage(&pod))
			}
		}
		list.Items = append(list.Items, metricsv1beta1.NodeMetrics{
			ObjectMeta: metav1.ObjectMeta{Name: node.Name}, Timestamp: metav1.Now(), Window: metav1.Duration{Duration: time.Second},
			Usage: corev1.ResourceList{corev1.ResourceMemory: used, corev1.ResourceCPU: resource.MustParse("10m")},
		})
	}
	return list
}

func podMetrics(pods []corev1.Pod) *metricsv1beta1.PodMetricsList {
	list := &metricsv1beta1.PodMetricsList{TypeMeta: metav1.TypeMeta{Kind: "PodMetricsList", APIVersion: "metrics.k8s.io/v1beta1"}}
	for _, pod := range pods {
		if pod.Spec.NodeName == "" {
			continue
		}
		list.Items = append(list.Items, metricsv1beta1.PodMetrics{
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace}, Timestamp: metav1.Now(),
			Window: metav1.Duration{Duration: time.Second},
			Containers: []metricsv1beta1.ContainerMetrics{{Name: pod.Spec.Containers[0].Name, Usage: corev1.ResourceList{
				corev1.ResourceMemory: podUsage(&pod), corev1.ResourceCPU: resource.MustParse("10m"),
			}}},
		})
	}
	return list
}

// podUsage is what a pod holds: what it says, or what the local cluster's pods hold that say nothing.
func podUsage(pod *corev1.Pod) resource.Quantity {
	if text, said := pod.Annotations[cluster.UsageMemoryAnnotation]; said {
		return resource.MustParse(text)
	}
	return resource.MustParse("1Mi")
}
