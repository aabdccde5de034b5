// SPDX-License-Identifier: Apache-2.0

package loadwatch

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/paypal/load-watcher/pkg/watcher"
	loadwatcherapi "github.com/paypal/load-watcher/pkg/watcher/api"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	metricsfake "k8s.io/metrics/pkg/client/clientset/versioned/fake"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
)

func TestTheClientOfTrimaranReadsTheReport(t *testing.T) {
	ignored := goleak.IgnoreCurrent()
	defer goleak.VerifyNone(t, ignored)
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	clock := clocktesting.NewFakeClock(began)
	reads := make(chan []Reading, 2)
	reads <- []Reading{reading("n1", 0, 10, 40)}
	s, err := Start(t.Context(), func(context.Context) ([]Reading, error) {
		select {
		case readings := <-reads:
			return readings, nil
		default:
			return nil, errors.New("nobody measured")
		}
	}, clock)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	client, err := loadwatcherapi.NewServiceClient(s.Address())
	if err != nil {
		t.Fatal(err)
	}
	memory := func() []float64 {
		t.Helper()
		got, err := client.GetLatestWatcherMetrics()
		if err != nil {
			t.Fatal(err)
		}
		var values []float64
		for _, metric := range got.Data.NodeMetricsMap["n1"].Metrics {
			if metric.Type == watcher.Memory {
				values = append(values, metric.Value)
			}
		}
		return values
	}
	if diff := cmp.Diff([]float64{40, 0}, memory()); diff != "" {
		t.Errorf("mean and deviation at first (-want +got):\n%s", diff)
	}
	reads <- []Reading{reading("n1", time.Minute, 10, 60)}
	for range 2 { // the second look fails: the report stays
		if err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
			return clock.HasWaiters(), nil
		}); err != nil {
			t.Fatal(err)
		}
		clock.Step(Interval)
	}
	want := []float64{50, 10}
	if err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		return cmp.Equal(want, memory()), nil
	}); err != nil {
		t.Errorf("mean and deviation after another look: %v (-want +got):\n%s", err, cmp.Diff(want, memory()))
	}
	if s.Served() < 2 {
		t.Errorf("served %d times, want 2 or more", s.Served())
	}
	response, err := http.Get(s.Address() + "/other")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNotFound {
		t.Errorf("another path is answered with %d", response.StatusCode)
	}
}

func TestStartFailsWhenNothingCanBeRead(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	cause := errors.New("no metrics API")
	if _, err := Start(t.Context(), func(context.Context) ([]Reading, error) { return nil, cause }, clock.RealClock{}); !errors.Is(err, cause) {
		t.Errorf("error %v, want %v", err, cause)
	}
}

func TestReadingsAreInPercentOfCapacity(t *testing.T) {
	quantities := func(cpu, memory string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
	}
	node := func(name string, capacity corev1.ResourceList) *corev1.Node {
		return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{
			Capacity: capacity, Allocatable: quantities("1", "1Gi"), // which does not matter
		}}
	}
	client := fake.NewClientset(node("n1", quantities("4", "16Gi")), node("unsized", nil),
		node("half-sized", corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4")}), node("unmeasured", quantities("4", "16Gi")))
	metrics := metricsfake.NewSimpleClientset()
	metrics.PrependReactor("list", "nodes", func(clienttesting.Action) (bool, runtime.Object, error) {
		list := &metricsv1beta1.NodeMetricsList{}
		for _, name := range []string{"n1", "unsized", "half-sized", "gone"} {
			list.Items = append(list.Items, metricsv1beta1.NodeMetrics{
				ObjectMeta: metav1.ObjectMeta{Name: name}, Timestamp: metav1.NewTime(began), Usage: quantities("500m", "4Gi"),
			})
		}
		return true, list, nil
	})
	got, err := MetricsAPI(client, metrics)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Reading{reading("n1", 0, 12.5, 25)}, got); diff != "" {
		t.Errorf("readings (-want +got):\n%s", diff)
	}
}
