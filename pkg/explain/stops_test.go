// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// A claim that is not bound stops the pod everywhere; the framework then forgets that its affinity leaves out a node
// (k8s.io/kubernetes pkg/scheduler/framework/runtime/framework.go, RunPreFilterPlugins), and counts both nodes for the claim.
func TestWhatStopsAPodEverywhereIsTheCauseOnNodesThatAreCutToo(t *testing.T) {
	class := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "fast"}, Provisioner: "example.com/disk", VolumeBindingMode: new(storagev1.VolumeBindingImmediate)}
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "data"}, Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: new("fast")},
	}
	pod := pending("web", "1Gi", func(pod *corev1.Pod) {
		pod.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}}}
		pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
			NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{
				{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{"a"}},
			}}},
		}}}
	})
	placement, err := openAs(t, shipped(t), func(*corev1.Node) {}, class, claim, pod).Explain(t.Context(), pod, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, cause := range placement.Causes {
		got[cause.Plugin+": "+cause.Reason] = cause.Nodes
	}
	if diff := cmp.Diff(map[string]int{"VolumeBinding: pod has unbound immediate PersistentVolumeClaims": 2}, got); diff != "" {
		t.Errorf("causes and their nodes (-want +got):\n%s", diff)
	}
}

// The scheduler gives an attempt up at the first node on which a filter fails (k8s.io/kubernetes pkg/scheduler/schedule_one.go,
// findNodesThatPassFilters), and looks at no more than it needs of many.
func TestAPluginThatFailsEndsTheAttempt(t *testing.T) {
	failed := fwk.AsStatus(errors.New("no such attribute")).WithPlugin("DynamicResources")
	rejected := fwk.NewStatus(fwk.Unschedulable, "no room").WithPlugin("NodeResourcesFit")
	for _, test := range []struct {
		name            string
		nodes, feasible int
		counts          []*fwk.Status // of the last nodes
		stopped         *fwk.Status
		wantText        bool
		wantEnds        bool
		wantMessage     string // where no node is left
	}{
		{"few nodes, of which others fit", 3, 2, []*fwk.Status{failed}, nil, true, true, ""},
		{"few, and none fits", 2, 0, []*fwk.Status{rejected, failed}, nil, true, true, `running "DynamicResources" filter plugin: no such attribute`},
		{"many, of which others fit", 200, 199, []*fwk.Status{failed}, nil, true, false, ""},
		{"one, and it does not fit", 1, 0, []*fwk.Status{failed}, nil, true, true, `running "DynamicResources" filter plugin: no such attribute`},
		{"nobody fails", 3, 2, []*fwk.Status{rejected}, nil, false, false, ""},
		{"the pod is stopped before any node is looked at", 3, 2, []*fwk.Status{failed}, rejected, false, false, ""},
		{"a plugin fails before any node is looked at", 3, 0, []*fwk.Status{failed, failed, failed}, failed, true, true, `running PreFilter plugin "DynamicResources": no such attribute`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &cycle{stopped: test.stopped, results: make([]result, test.nodes)}
			for i := range test.nodes {
				info := framework.NewNodeInfo()
				info.SetNode(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}})
				c.nodes = append(c.nodes, info)
				if at := i - test.feasible; at >= 0 {
					c.results[i].counts = test.counts[at]
				}
			}
			text, ends := c.failure()
			want := "DynamicResources fails on node n, which ends the attempt: "
			if test.stopped == failed {
				want = "DynamicResources fails before any node is looked at, which ends the attempt: "
			}
			if strings.HasPrefix(text, want) != test.wantText || !test.wantText && text != "" || ends != test.wantEnds {
				t.Errorf("%q, ends %t; want %t that it begins with %q, and %t", text, ends, test.wantText, want, test.wantEnds)
			}
			if got := c.message(); test.feasible == 0 && got != test.wantMessage {
				t.Errorf("the scheduler writes %q, want %q", got, test.wantMessage)
			}
		})
	}
}
