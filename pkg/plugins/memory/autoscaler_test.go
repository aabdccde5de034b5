// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	fwk "k8s.io/kube-scheduler/framework"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/noderesources"

	"github.com/headroom-dev/headroom/pkg/apis/config"
)

// cluster-autoscaler asks kube-scheduler's own filters whether a pending pod fits on a node that is there (its README, "How
// does scale-up work?"). A pod that only measured memory keeps off all nodes fits by them, so that no node is added for it.
// With the soft filter the pod is placed at once, on the node with most memory left, and there is nothing to wait for.
func TestHowAClusterAutoscalerSeesAPodThatOnlyMeasuredMemoryRejects(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3800*mi, 0)
	fleet.nodes[0].Status.Allocatable[corev1.ResourcePods] = *resource.NewQuantity(110, resource.DecimalSI)
	fleet.publish()
	pod := newPod("p", 500*mi)

	inTree, err := noderesources.NewFit(t.Context(), &schedulerconfig.NodeResourcesFitArgs{
		ScoringStrategy: &schedulerconfig.ScoringStrategy{Type: schedulerconfig.LeastAllocated, Resources: []schedulerconfig.ResourceSpec{{Name: "memory", Weight: 1}}},
	}, nil, feature.Features{})
	if err != nil {
		t.Fatal(err)
	}
	fit := inTree.(*noderesources.Fit)
	state := framework.NewCycleState()
	if _, status := fit.PreFilter(t.Context(), state, pod, nil); !status.IsSuccess() {
		t.Fatal(status)
	}
	if got := fit.Filter(t.Context(), state, pod, fleet.info("n1")); !got.IsSuccess() {
		t.Errorf("by requests: %v, want success: the autoscaler thinks that the pod fits", got)
	}
	if got := fleet.filter(t, 500*mi, "n1"); got.Code() == fwk.Success {
		t.Error("by measured memory, hard: it passed")
	}
	fleet.plugin.modes.filter = config.FilterSoft
	if got := fleet.filter(t, 500*mi, "n1"); !got.IsSuccess() {
		t.Errorf("by measured memory, soft: %v, want success", got)
	}
}
