// SPDX-License-Identifier: Apache-2.0

package nodename_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2/ktesting"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	intree "k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodename"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/headroom-dev/headroom/pkg/plugins/nodename"
)

func newPlugin(t *testing.T) *nodename.NodeName {
	t.Helper()
	plugin, err := nodename.New(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return plugin.(*nodename.NodeName)
}

func TestVerdictsAreThoseOfTheInTreePlugin(t *testing.T) {
	theirs, err := intree.New(t.Context(), nil, nil, feature.Features{})
	if err != nil {
		t.Fatal(err)
	}
	ours := newPlugin(t)
	for _, test := range []struct {
		name, wanted, node string
		want               fwk.Code
	}{
		{"no node named", "", "n1", fwk.Success},
		{"the named node", "n1", "n1", fwk.Success},
		{"another node", "n1", "n2", fwk.UnschedulableAndUnresolvable},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := st.MakePod().Node(test.wanted).Obj()
			nodeInfo := framework.NewNodeInfo()
			nodeInfo.SetNode(st.MakeNode().Name(test.node).Obj())
			got := ours.Filter(t.Context(), nil, pod, nodeInfo)
			want := theirs.(fwk.FilterPlugin).Filter(t.Context(), nil, pod, nodeInfo)
			if got.Code() != test.want || got.Code() != want.Code() {
				t.Errorf("code = %v, want %v; in-tree %v", got.Code(), test.want, want.Code())
			}
			if diff := cmp.Diff(want.Message(), got.Message()); diff != "" {
				t.Errorf("reason (-in-tree +ours):\n%s", diff)
			}
		})
	}
}

func TestPreFilterNarrowsToTheNamedNodeAndSkipsOtherPods(t *testing.T) {
	plugin := newPlugin(t)
	result, status := plugin.PreFilter(t.Context(), nil, st.MakePod().Node("n1").Obj(), nil)
	if !status.IsSuccess() {
		t.Fatalf("status = %v, want success", status)
	}
	if diff := cmp.Diff(sets.New("n1"), result.NodeNames); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	if _, status := plugin.PreFilter(t.Context(), nil, st.MakePod().Obj(), nil); !status.IsSkip() {
		t.Errorf("status of a pod without nodeName = %v, want Skip", status)
	}
}

func TestOnlyTheNamedNodeWakesThePod(t *testing.T) {
	events, err := newPlugin(t).EventsToRegister(t.Context())
	if err != nil || len(events) != 1 {
		t.Fatalf("events = %v, %v, want one", events, err)
	}
	if diff := cmp.Diff(fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add}.Label(), events[0].Event.Label()); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	logger, _ := ktesting.NewTestContext(t)
	pod := st.MakePod().Node("n1").Obj()
	for _, test := range []struct {
		node string
		want fwk.QueueingHint
	}{{"n1", fwk.Queue}, {"n2", fwk.QueueSkip}} {
		got, err := events[0].QueueingHintFn(logger, pod, nil, st.MakeNode().Name(test.node).Obj())
		if err != nil || got != test.want {
			t.Errorf("hint for a new node %s = %v, %v, want %v", test.node, got, err, test.want)
		}
	}
}

func TestPodsForDifferentNodesNeverShareASignature(t *testing.T) {
	plugin := newPlugin(t)
	first, _ := plugin.SignPod(t.Context(), st.MakePod().Node("n1").Obj())
	second, _ := plugin.SignPod(t.Context(), st.MakePod().Node("n2").Obj())
	if cmp.Equal(first, second) {
		t.Errorf("both are signed %v", first)
	}
}
