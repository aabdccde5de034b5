// SPDX-License-Identifier: Apache-2.0

package cases_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	shipped "github.com/headroom-dev/headroom/config"
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
)

// A pod that a plugin refuses before it looks at nodes is told why and nothing else, and gives back the room that is kept for it: other
// plugins have not looked at it, so that their PostFilter would fail, and what they say would go into the event.
func TestAPodThatIsRefusedGivesBackTheNodeThatItWasNominatedTo(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*corev1.Pod)
		want   string
	}{
		{
			"no node matches", func(pod *corev1.Pod) { pod.Spec.NodeSelector = map[string]string{"disk": "tape"} },
			`0/30 nodes are available: 30 node(s) didn't match Pod's node affinity/selector: 30 by disk In [tape] ("ssd" on 30); no node has disk="tape".`,
		},
		{
			"its terms contradict themselves", func(pod *corev1.Pod) {
				name := func(node string) corev1.NodeSelectorRequirement {
					return corev1.NodeSelectorRequirement{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node}}
				}
				pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
					NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{name("n1"), name("n2")}}},
				}}}
			},
			`0/30 nodes are available: pod affinity terms conflict.`,
		},
		{
			"an annotation that cannot be read", func(pod *corev1.Pod) { pod.Annotations = map[string]string{memory.FilterAnnotation: "perhaps"} },
			`0/30 nodes are available: annotation headroom.dev/memory-filter: "perhaps" is not one of [Hard Soft Off]. ` +
				`preemption: 0/30 nodes are available: 30 Preemption is not helpful for scheduling.`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			client, instance := startScheduler(t, decode(t, shipped.SchedulerConfig))
			f := &fleet{client: client, instance: instance}
			for i := range 30 {
				f.create(t, st.MakeNode().Name(fmt.Sprintf("n%d", i)).Capacity(capacity("8Gi")).Label("disk", "ssd").Obj())
			}
			f.settle(t)
			pod := st.MakePod().Name(waiter).Namespace(metav1.NamespaceDefault).SchedulerName(ours).Obj()
			pod.Status.NominatedNodeName = "n3"
			test.change(pod)
			f.createPod(t, pod)

			var got *corev1.Pod
			f.until(t, "the pod is judged", func() bool {
				var err error
				got, err = client.CoreV1().Pods(pod.Namespace).Get(t.Context(), pod.Name, metav1.GetOptions{})
				return err == nil && len(got.Status.Conditions) > 0
			})
			if diff := cmp.Diff(test.want, got.Status.Conditions[0].Message); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
			if got.Status.NominatedNodeName != "" {
				t.Errorf("it is nominated to %s still", got.Status.NominatedNodeName)
			}
		})
	}
}
