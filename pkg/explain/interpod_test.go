// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
)

// Nodes a and b have the zones a and b; a pod app=cache runs on a.
func TestWhatPodsStandInTheWayIsNamed(t *testing.T) {
	terms := func(app, key string) []corev1.PodAffinityTerm {
		return []corev1.PodAffinityTerm{{LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}, TopologyKey: key}}
	}
	together := func(app, key string) *corev1.Affinity {
		return &corev1.Affinity{PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms(app, key)}}
	}
	apart := func(app, key string) *corev1.Affinity {
		return &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms(app, key)}}
	}
	type lack struct{ missing, change string }
	for _, test := range []struct {
		name         string
		asks, others *corev1.Affinity // of the pod, and of the one that runs
		want         map[string]lack  // by node
	}{
		{"none of them is beside a pod that it wants", together("db", "zone"), nil, map[string]lack{
			"a": {"no pod that matches app=db is in zone=a", "such a pod there first, or change podAffinity"},
			"b": {"no pod that matches app=db is in zone=b", "such a pod there first, or change podAffinity"},
		}},
		{"one is not", together("cache", "zone"), nil, map[string]lack{
			"b": {"no pod that matches app=cache is in zone=b", "such a pod there first, or change podAffinity"},
		}},
		{"no pod matches both terms", &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: append(terms("cache", "zone"), terms("db", "zone")...),
		}}, nil, map[string]lack{
			"a": {"no pod that matches app=cache and app=db is in zone=a", "such a pod there first, or change podAffinity"},
			"b": {"no pod that matches app=cache and app=db is in zone=b", "such a pod there first, or change podAffinity"},
		}},
		{"the label is not there", together("cache", "rack"), nil, map[string]lack{
			"a": {"it has no label rack", "kubectl label node a rack=VALUE, or change podAffinity"},
			"b": {"it has no label rack", "kubectl label node b rack=VALUE, or change podAffinity"},
		}},
		{"it keeps apart itself", apart("cache", "zone"), nil, map[string]lack{
			"a": {"its anti-affinity to app=cache keeps it apart from default/cache in zone=a", "another zone, or change podAntiAffinity"},
		}},
		{"the other one does", nil, apart("web", "zone"), map[string]lack{
			"a": {"the anti-affinity of default/cache keeps it out of zone=a", "another zone, or change that pod's podAntiAffinity"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			runs := pending("cache", "1Gi", func(pod *corev1.Pod) {
				pod.Labels, pod.Spec.NodeName, pod.Spec.Affinity = map[string]string{"app": "cache"}, "a", test.others
			})
			pod := pending("web", "1Gi", func(pod *corev1.Pod) {
				pod.Labels, pod.Spec.Affinity = map[string]string{"app": "web"}, test.asks
			})
			zones := func(node *corev1.Node) { node.Labels = map[string]string{"zone": node.Name} }
			c := cycleOf(t, openAs(t, shipped(t), zones, runs, pod), pod)
			got := map[string]lack{}
			for i := range c.nodes {
				if j := c.index(names.InterPodAffinity); c.results[i].statuses[j] != nil {
					short := c.shortfall(i, j)
					got[c.name(i)] = lack{short.missing, short.change}
				}
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(lack{})); diff != "" {
				t.Errorf("what nodes lack (-want +got):\n%s", diff)
			}
		})
	}
}
