// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	metricsfake "k8s.io/metrics/pkg/client/clientset/versioned/fake"
)

// wantWait fails unless a wait, which looks once, ends as want says: "" is no error.
func wantWait(t *testing.T, want string, wait func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), nodePollInterval/4)
	defer cancel()
	err := wait(ctx)
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("error %v, want %q", err, want)
	}
}

// readyNode has the condition Ready, and a taint with each of the keys.
func readyNode(name string, status corev1.ConditionStatus, taints ...string) *corev1.Node {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if status != "" {
		node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse}, {Type: corev1.NodeReady, Status: status}}
	}
	for _, key := range taints {
		node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: key, Effect: corev1.TaintEffectNoSchedule})
	}
	return node
}

func TestNodesAreReadyWhenPodsCanBePutOnAllOfThem(t *testing.T) {
	for _, test := range []struct {
		name   string
		second *corev1.Node
		want   string
	}{
		{"both", readyNode("n2", corev1.ConditionTrue, "dedicated"), ""},
		{"one without a condition", readyNode("n2", ""), "1 of 2 nodes are ready"},
		{"one that is not", readyNode("n2", corev1.ConditionFalse), "1 of 2 nodes are ready"},
		{"one that is tainted still", readyNode("n2", corev1.ConditionTrue, corev1.TaintNodeNotReady), "1 of 2 nodes are ready"},
		{"one that is unreachable", readyNode("n2", corev1.ConditionTrue, corev1.TaintNodeUnreachable), "1 of 2 nodes are ready"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &Cluster{clients: fake.NewClientset(readyNode("n1", corev1.ConditionTrue), test.second)}
			wantWait(t, test.want, func(ctx context.Context) error { return c.WaitNodesReady(ctx, 2) })
		})
	}
}

func TestNodesAreMeasuredWhenAllAre(t *testing.T) {
	for _, test := range []struct {
		name            string
		measured, asked []string
		want            string
	}{
		{"all", []string{"n1", "n2"}, nil, ""},
		{"not all", []string{"n1", "other"}, nil, "1 of 2 nodes have no measurement, n2 among them"},
		{"the one that is asked for", []string{"n1"}, []string{"n1"}, ""},
		{"not the one that is asked for", []string{"n1"}, []string{"n2"}, "1 of 1 nodes have no measurement, n2 among them"},
	} {
		t.Run(test.name, func(t *testing.T) {
			metrics := metricsfake.NewSimpleClientset()
			metrics.PrependReactor("list", "nodes", func(clienttesting.Action) (bool, runtime.Object, error) {
				list := &metricsv1beta1.NodeMetricsList{}
				for _, name := range test.measured {
					list.Items = append(list.Items, metricsv1beta1.NodeMetrics{ObjectMeta: metav1.ObjectMeta{Name: name}, Timestamp: metav1.NewTime(time.Now())})
				}
				return true, list, nil
			})
			c := &Cluster{clients: fake.NewClientset(readyNode("n1", corev1.ConditionTrue), readyNode("n2", corev1.ConditionTrue)), metrics: metrics}
			wantWait(t, test.want, func(ctx context.Context) error { return c.WaitNodeMetrics(ctx, test.asked...) })
		})
	}
}
