// SPDX-License-Identifier: Apache-2.0

package arms

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	metricsclient "k8s.io/metrics/pkg/client/clientset/versioned"

	"github.com/headroom-dev/headroom/test/perf"
)

func testPod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "apps"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}},
	}
}

// Kubernetes' own client reads the list that is written by hand here, and every answer is of its own moment.
func TestPodsAreServedAsMetricsServerDoes(t *testing.T) {
	metrics := NewMetrics()
	t.Cleanup(metrics.Close)
	client, err := metricsclient.NewForConfig(&rest.Config{Host: metrics.URL(), ContentConfig: rest.ContentConfig{ContentType: "application/vnd.kubernetes.protobuf"}})
	if err != nil {
		t.Fatal(err)
	}
	for count := range 3 {
		list, err := client.MetricsV1beta1().PodMetricses(metav1.NamespaceAll).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Items) != count {
			t.Fatalf("%d pods, want %d", len(list.Items), count)
		}
		for i, item := range list.Items {
			if want := fmt.Sprintf("apps/pod-%d", i); item.Namespace+"/"+item.Name != want {
				t.Errorf("pod %d = %s/%s, want %s", i, item.Namespace, item.Name, want)
			}
			if age := time.Since(item.Timestamp.Time); age < 0 || age > time.Minute {
				t.Errorf("%s was measured %s ago", item.Name, age)
			}
			if item.Window.Duration != interval {
				t.Errorf("%s: window %s, want %s", item.Name, item.Window.Duration, interval)
			}
			if len(item.Containers) != 1 || item.Containers[0].Name != "main" || item.Containers[0].Usage.Memory().Value() != 50<<20 {
				t.Errorf("%s: containers %v, want main with 50Mi", item.Name, item.Containers)
			}
		}
		if err := metrics.AddPod(testPod(fmt.Sprintf("pod-%d", count))); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTimesOfPodsAreThoseOfTheAnswer(t *testing.T) {
	var list podList
	if err := list.add(testPod("old")); err != nil {
		t.Fatal(err)
	}
	var before, after strings.Builder
	if err := list.send(&before, time.Unix(2_000_000_000, 0)); err != nil {
		t.Fatal(err)
	}
	if err := list.send(&after, time.Unix(2_000_000_015, 0)); err != nil {
		t.Fatal(err)
	}
	if before.Len() != after.Len() || before.String() == after.String() {
		t.Errorf("answers of two moments: %d and %d bytes, equal: %t", before.Len(), after.Len(), before.String() == after.String())
	}
}

// What is read before all nodes are known, or a list of pods that no list of nodes went before, is not what a benchmark waits for.
func TestAnArmIsAwaitedUntilItReadAllNodes(t *testing.T) {
	metrics := NewMetrics()
	t.Cleanup(metrics.Close)
	read := func(path string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, metrics.URL()+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", "application/vnd.kubernetes.protobuf")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	counted := func(want int64, when string) {
		t.Helper()
		if got := metrics.lists.Load(); got != want {
			t.Errorf("%s: %d lists, want %d", when, got, want)
		}
	}
	read("/nodes")
	read("/pods")
	counted(0, "no nodes yet")
	metrics.SetNodes([]corev1.Node{{ObjectMeta: metav1.ObjectMeta{Name: "node"}}})
	read("/pods")
	counted(0, "pods of a list that began before there were nodes")
	read("/nodes")
	read("/pods")
	counted(1, "nodes and pods")
	metrics.SetNodes(make([]corev1.Node, 2))
	read("/pods")
	counted(1, "pods, when there are more nodes than were listed")

	if err := metrics.AwaitRead(t.Context(), perf.Stock); err != nil {
		t.Errorf("the stock arm, which reads nothing: %v", err)
	}
}
