// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// A controller taints a node that is cordoned. To uncordon it is one change, so it is nearer than a node that lacks two things.
func TestACordonAndItsTaintAreOneObstacle(t *testing.T) {
	dedicated := corev1.Taint{Key: "dedicated", Effect: corev1.TaintEffectNoSchedule}
	for _, test := range []struct {
		name    string
		taints  []corev1.Taint // beside the cordon's
		nearest Nearest
		only    int
	}{
		{"nothing else", nil, Nearest{"b", []string{"NodeUnschedulable: it is cordoned"}, []string{"kubectl uncordon b"}}, 1},
		{"another taint", []corev1.Taint{dedicated}, Nearest{
			"b", []string{"NodeUnschedulable: it is cordoned", "TaintToleration: a toleration of the taint dedicated:NoSchedule"},
			[]string{"kubectl uncordon b", "tolerate it, or kubectl taint node b dedicated:NoSchedule-"},
		}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := pending("web", "1Gi")
			pod.Spec.NodeSelector = map[string]string{"disktype": "ssd"}
			placement, err := openOver(t, func(node *corev1.Node) {
				node.Spec.Taints = []corev1.Taint{dedicated, {Key: "gpu", Effect: corev1.TaintEffectNoSchedule}}
				if node.Name == "b" {
					node.Labels, node.Spec.Unschedulable = pod.Spec.NodeSelector, true
					node.Spec.Taints = append(test.taints, corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule})
				}
			}, pod).Explain(t.Context(), pod, 0)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&test.nearest, placement.Nearest); diff != "" {
				t.Errorf("nearest (-want +got):\n%s", diff)
			}
			for _, cause := range placement.Causes {
				if cause.Plugin == "NodeUnschedulable" && cause.Only != test.only {
					t.Errorf("%d of the cordoned nodes lack nothing else, want %d", cause.Only, test.only)
				}
			}
			// The verdicts are those of the plugins all the same.
			if verdicts := placement.Rejected[1].Verdicts; len(verdicts) != 2 {
				t.Errorf("verdicts of b %+v, want those of NodeUnschedulable and TaintToleration", verdicts)
			}
		})
	}
}
