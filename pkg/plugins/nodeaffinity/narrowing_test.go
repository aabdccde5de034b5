// SPDX-License-Identifier: Apache-2.0

package nodeaffinity_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/plugins/nodeaffinity"
)

// fleet is count nodes, of which the first few have a disk=ssd label.
func fleet(count, ssd int) []fwk.NodeInfo {
	nodes := make([]fwk.NodeInfo, count)
	for i := range nodes {
		node := st.MakeNode().Name(fmt.Sprintf("n%d", i)).Label("zone", "a")
		if i < ssd {
			node.Label("disk", "ssd")
		}
		info := framework.NewNodeInfo()
		info.SetNode(node.Obj())
		nodes[i] = info
	}
	return nodes
}

func newPlugin(t *testing.T) *nodeaffinity.NodeAffinity {
	t.Helper()
	built, err := nodeaffinity.New(t.Context(), &config.HeadroomNodeAffinityArgs{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return built.(*nodeaffinity.NodeAffinity)
}

func TestASelectivePodVisitsOnlyTheNodesThatMatch(t *testing.T) {
	plugin, nodes := newPlugin(t), fleet(200, 3)
	selective := st.MakePod().NodeSelector(map[string]string{"disk": "ssd"}).Obj()
	find := func() sets.Set[string] {
		t.Helper()
		result, status := plugin.PreFilter(t.Context(), framework.NewCycleState(), selective, nodes)
		if !status.IsSuccess() {
			t.Fatal(status)
		}
		return result.NodeNames
	}
	if diff := cmp.Diff(sets.New("n0", "n1", "n2"), find()); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}

	// The next cycle sees another node object: the label has moved.
	for i, change := range map[int]func(*st.NodeWrapper){0: func(*st.NodeWrapper) {}, 9: func(n *st.NodeWrapper) { n.Label("disk", "ssd") }} {
		node := st.MakeNode().Name(fmt.Sprintf("n%d", i))
		change(node)
		nodes[i].(*framework.NodeInfo).SetNode(node.Obj())
	}
	if diff := cmp.Diff(sets.New("n1", "n2", "n9"), find()); diff != "" {
		t.Errorf("after labels moved (-want +got):\n%s", diff)
	}
	nodes = nodes[5:]
	if diff := cmp.Diff(sets.New("n9"), find()); diff != "" {
		t.Errorf("after nodes went (-want +got):\n%s", diff)
	}
}

func TestAWidePodVisitsAllNodes(t *testing.T) {
	plugin := newPlugin(t)
	wide := st.MakePod().NodeSelector(map[string]string{"zone": "a"}).Obj()
	result, status := plugin.PreFilter(t.Context(), framework.NewCycleState(), wide, fleet(2000, 0))
	if !status.IsSuccess() || !result.AllNodes() {
		t.Errorf("PreFilter = %v, %v, want all nodes", result, status)
	}
}

// PostFilter, which tells why the nodes left out do not match, does not run for the pods of a group.
func TestThePodsOfAGroupVisitAllNodes(t *testing.T) {
	state := framework.NewCycleState()
	state.SetPodGroupSchedulingCycle(framework.NewCycleState())
	result, status := newPlugin(t).PreFilter(t.Context(), state, st.MakePod().NodeSelector(map[string]string{"disk": "ssd"}).Obj(), fleet(200, 3))
	if !status.IsSuccess() || !result.AllNodes() {
		t.Errorf("PreFilter = %v, %v, want all nodes", result, status)
	}
}

func TestAPodThatNoNodeMatchesIsRefusedAtOnce(t *testing.T) {
	plugin := newPlugin(t)
	pod := st.MakePod().NodeSelector(map[string]string{"disk": "tape"}).Obj()
	_, status := plugin.PreFilter(t.Context(), framework.NewCycleState(), pod, fleet(2000, 0))
	if status.Code() != fwk.UnschedulableAndUnresolvable {
		t.Errorf("code = %v, want UnschedulableAndUnresolvable", status.Code())
	}
	want := "2000 " + nodeaffinity.ErrReasonPod + `: 2000 by disk In [tape] (no such label on 2000); no node has label "disk"`
	if diff := cmp.Diff(want, status.Message()); diff != "" {
		t.Errorf("reason (-want +got):\n%s", diff)
	}
}
