// SPDX-License-Identifier: Apache-2.0

package threshold_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

const mi = int64(1) << 20

func node(capacity, allocatable string, hugepages ...string) *corev1.Node {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1"}}
	node.Status.Capacity = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(capacity)}
	node.Status.Allocatable = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(allocatable)}
	for i, size := range hugepages {
		node.Status.Capacity[corev1.ResourceName(corev1.ResourceHugePagesPrefix+[]string{"2Mi", "1Gi"}[i])] = resource.MustParse(size)
	}
	return node
}

func TestOf(t *testing.T) {
	for _, test := range []struct {
		name string
		node *corev1.Node
		want threshold.Thresholds
	}{
		{"nothing reserved: both signals are one", node("4000Mi", "3900Mi"),
			threshold.Thresholds{Node: 3900 * mi, Pods: 3900 * mi}},
		{"reservations lower the signal of the pods only", node("4000Mi", "3000Mi"),
			threshold.Thresholds{Node: 3900 * mi, Pods: 3000 * mi}},
		{"hugepages are no memory for the machine's signal, and were never in the pods'", node("4000Mi", "2400Mi", "500Mi", "1000Mi"),
			threshold.Thresholds{Node: 2400 * mi, Pods: 3900 * mi}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.want.EvictionHard, test.want.EvictionHardOrigin = 100*mi, threshold.OriginAssumed
			got, err := threshold.Of(test.node, 100*mi)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("thresholds (-want +got):\n%s", diff)
			}
		})
	}
}

func TestANodeWithoutASizeIsAnErrorThatNamesIt(t *testing.T) {
	_, err := threshold.Of(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1"}}, 0)
	if err == nil || !strings.Contains(err.Error(), `"n1"`) {
		t.Errorf("error = %v, want one that names n1", err)
	}
}

func TestLeftIsThatOfTheSignalThatFiresFirst(t *testing.T) {
	thresholds := threshold.Thresholds{Node: 3900 * mi, Pods: 3000 * mi}
	for _, test := range []struct {
		name       string
		node, pods int64
		want       int64
		wantSignal threshold.Signal
	}{
		{"the pods' signal", 2500 * mi, 2400 * mi, 600 * mi, threshold.SignalPods},
		{"the machine's signal, by what the system holds", 3500 * mi, 1000 * mi, 400 * mi, threshold.SignalNode},
		{"past the threshold", 4000 * mi, 1000 * mi, -100 * mi, threshold.SignalNode},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, signal := thresholds.Left(test.node, test.pods)
			if got != test.want || signal != test.wantSignal {
				t.Errorf("left = %d by %s, want %d by %s", got, signal, test.want, test.wantSignal)
			}
		})
	}
}
