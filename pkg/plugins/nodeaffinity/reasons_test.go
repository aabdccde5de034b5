// SPDX-License-Identifier: Apache-2.0

package nodeaffinity_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/headroom-dev/headroom/pkg/plugins/nodeaffinity"
)

// reasons returns what Filter says of a node for each label of the pod's selector that it lacks, the others being there.
func reasons(t *testing.T, labels int) []string {
	t.Helper()
	plugin, state, pod := newPlugin(t), framework.NewCycleState(), &corev1.Pod{}
	pod.Spec.NodeSelector = map[string]string{}
	for i := range labels {
		pod.Spec.NodeSelector[fmt.Sprintf("label-%d", i)] = "x"
	}
	if _, status := plugin.PreFilter(t.Context(), state, pod, nil); !status.IsSuccess() {
		t.Fatal(status)
	}
	var texts []string
	for missing := range labels {
		node := st.MakeNode().Name("n1")
		for i := range labels {
			if i != missing {
				node.Label(fmt.Sprintf("label-%d", i), "x")
			}
		}
		info := framework.NewNodeInfo()
		info.SetNode(node.Obj())
		status := plugin.Filter(t.Context(), state, pod, info)
		if status.Code() != fwk.UnschedulableAndUnresolvable {
			t.Fatalf("Filter without label %d = %v", missing, status)
		}
		text, ok := strings.CutPrefix(status.Message(), nodeaffinity.ErrReasonPod+": ")
		if !ok {
			t.Fatalf("reason %q does not begin with %q", status.Message(), nodeaffinity.ErrReasonPod)
		}
		texts = append(texts, text)
	}
	return texts
}

func TestFilterNamesTheFirstRequirementsAndCountsTheOthers(t *testing.T) {
	named := []string{"label-0 In [x]", "label-1 In [x]", "label-2 In [x]", "label-3 In [x]"}
	for labels, want := range map[int][]string{
		1: named[:1],
		5: append(named[:4:4], "label-4 In [x]"),
		7: append(named[:4:4], "one of 3 more requirements", "one of 3 more requirements", "one of 3 more requirements"),
	} {
		if diff := cmp.Diff(want, reasons(t, labels)); diff != "" {
			t.Errorf("%d labels (-want +got):\n%s", labels, diff)
		}
	}
}
