// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Nodes a and b are zones of their own; b is tainted, and a alone is in a rack. Each has a pod of revision 1.
func TestTheSpreadIsToldAsTheSchedulerCountsIt(t *testing.T) {
	node := func(node *corev1.Node) {
		node.Labels = map[string]string{"zone": "zone-" + node.Name}
		if node.Name == "a" {
			node.Labels["rack"] = "r1"
			return
		}
		node.Spec.Taints = []corev1.Taint{{Key: "dedicated", Effect: corev1.TaintEffectNoSchedule}}
	}
	labelled := func(revision string) func(*corev1.Pod) {
		return func(pod *corev1.Pod) { pod.Labels["revision"] = revision }
	}
	constrained := func(change func(*corev1.TopologySpreadConstraint)) func(*corev1.Pod) {
		return func(pod *corev1.Pod) { change(&pod.Spec.TopologySpreadConstraints[0]) }
	}
	const both = "zone, maxSkew 1: zone-a has 1, zone-b has 1; 2 of 2 nodes count"
	for _, test := range []struct {
		name   string
		change func(*corev1.Pod)
		want   string
	}{
		{"every node", func(*corev1.Pod) {}, both},
		{
			"fewer domains than minDomains", constrained(func(spread *corev1.TopologySpreadConstraint) { spread.MinDomains = new(int32(3)) }),
			"zone, maxSkew 1: zone-a has 1, zone-b has 1; the least counts as 0, since there are 2 of minDomains 3; 2 of 2 nodes count",
		},
		{"as many as minDomains", constrained(func(spread *corev1.TopologySpreadConstraint) { spread.MinDomains = new(int32(2)) }), both},
		{
			"taints that it does not tolerate", constrained(func(spread *corev1.TopologySpreadConstraint) {
				spread.NodeTaintsPolicy = new(corev1.NodeInclusionPolicyHonor)
			}), "zone, maxSkew 1: zone-a has 1; 1 of 2 nodes count",
		},
		{
			"a label of another constraint", func(pod *corev1.Pod) {
				racks := pod.Spec.TopologySpreadConstraints[0]
				racks.TopologyKey = "rack"
				pod.Spec.TopologySpreadConstraints = append(pod.Spec.TopologySpreadConstraints, racks)
			}, "zone, maxSkew 1: zone-a has 1; 1 of 2 nodes count; rack, maxSkew 1: r1 has 1; 1 of 2 nodes count",
		},
		{
			"a label of one that is soft", func(pod *corev1.Pod) {
				racks := pod.Spec.TopologySpreadConstraints[0]
				racks.TopologyKey, racks.WhenUnsatisfiable = "rack", corev1.ScheduleAnyway
				pod.Spec.TopologySpreadConstraints = append(pod.Spec.TopologySpreadConstraints, racks)
			}, both,
		},
		{
			"the same revision only", constrained(func(spread *corev1.TopologySpreadConstraint) { spread.MatchLabelKeys = []string{"revision"} }),
			"zone, maxSkew 1: zone-a has 0, zone-b has 0; 2 of 2 nodes count",
		},
		{
			"a selector that asks for nothing", constrained(func(spread *corev1.TopologySpreadConstraint) { spread.LabelSelector = &metav1.LabelSelector{} }),
			"zone, maxSkew 1: zone-a has 0, zone-b has 0; 2 of 2 nodes count",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			first, second := pending("first", "1Gi", placedOn("a"), spreadOver("zone"), labelled("1")), pending("second", "1Gi", placedOn("b"), spreadOver("zone"), labelled("1"))
			pod := pending("web", "1Gi", spreadOver("zone"))
			pod.Spec.TopologySpreadConstraints[0].LabelSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
			labelled("2")(pod)
			test.change(pod)
			c := cycleOf(t, openOver(t, node, first, second, pod), pod)
			if got := c.skew(); got != test.want {
				t.Errorf("it says %q, want %q", got, test.want)
			}
		})
	}
}
