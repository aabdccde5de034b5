// SPDX-License-Identifier: Apache-2.0

package nodeaffinity_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/headroom-dev/headroom/pkg/apis/config"
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
	named := []string{"label-0 In [x]", "label-1 In [x]", "label-2 In [x]"}
	for labels, want := range map[int][]string{
		1: named[:1],
		4: append(named[:3:3], "label-3 In [x]"),
		6: append(named[:3:3], "one of 3 more requirements", "one of 3 more requirements", "one of 3 more requirements"),
	} {
		if diff := cmp.Diff(want, reasons(t, labels)); diff != "" {
			t.Errorf("%d labels (-want +got):\n%s", labels, diff)
		}
	}
}

// snapshotHandle is the part of a handle that PostFilter needs.
type snapshotHandle struct {
	fwk.Handle
	nodes fwk.SharedLister
}

func (h snapshotHandle) SnapshotSharedLister() fwk.SharedLister { return h.nodes }

func (h snapshotHandle) SharedInformerFactory() informers.SharedInformerFactory { return nil }

// attempt runs a cycle in which all nodes that are searched are rejected, and returns the words of the event. Nodes that match are full.
func attempt(t *testing.T, pod *corev1.Pod, nodes []*corev1.Node, args config.HeadroomNodeAffinityArgs) string {
	t.Helper()
	snapshot := cache.NewSnapshot(nil, nodes)
	return attemptOn(t, pod, snapshot, snapshot, args)
}

// attemptOn is attempt where PostFilter is shown nodes of its own.
func attemptOn(t *testing.T, pod *corev1.Pod, snapshot, shown fwk.SharedLister, args config.HeadroomNodeAffinityArgs) string {
	t.Helper()
	plugin, err := nodeaffinity.New(t.Context(), &args, snapshotHandle{nodes: shown})
	if err != nil {
		t.Fatal(err)
	}
	affinity, ok := plugin.(*nodeaffinity.NodeAffinity)
	if !ok {
		t.Fatalf("the plugin is a %T", plugin)
	}
	infos, err := snapshot.NodeInfos().List()
	if err != nil {
		t.Fatal(err)
	}
	state, statuses := framework.NewCycleState(), framework.NewDefaultNodeToStatus()
	result, status := affinity.PreFilter(t.Context(), state, pod, infos)
	if !status.IsSuccess() {
		t.Fatalf("PreFilter = %v", status)
	}
	for _, info := range infos {
		name := info.Node().Name
		if !result.AllNodes() && !result.NodeNames.Has(name) {
			statuses.Set(name, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "node(s) didn't satisfy plugin(s) [HeadroomNodeAffinity]"))
			continue
		}
		if status := affinity.Filter(t.Context(), state, pod, info); !status.IsSuccess() {
			statuses.Set(name, status)
		} else {
			statuses.Set(name, fwk.NewStatus(fwk.Unschedulable, "Insufficient memory"))
		}
	}
	_, status = affinity.PostFilter(t.Context(), state, pod, statuses)
	preemption := fmt.Sprintf("0/%d nodes are available: %d Preemption is not helpful for scheduling.", len(infos), len(infos))
	failed := framework.FitError{Pod: pod, NumAllNodes: len(infos), Diagnosis: framework.Diagnosis{
		NodeToStatus: statuses, PostFilterMsg: status.Message() + ". preemption: " + preemption,
	}}
	return failed.Error()
}

// Each node lacks another one of five labels: what Filter and PostFilter say has room in one event, with the words of preemption behind it.
func TestTheWholeEventStaysShort(t *testing.T) {
	clouds := map[string]string{
		"node.kubernetes.io/instance-type": "m7g.4xlarge", "topology.kubernetes.io/zone": "europe-west4-a", "karpenter.sh/capacity-type": "on-demand",
		"feature.node.kubernetes.io/cpu-model.family": "6", "pools.example.com/the-pool-of-the-data-team": "batch-with-much-memory",
	}
	longest := map[string]string{}
	for i := range 5 {
		longest[fmt.Sprint(strings.Repeat("k", 62), i)] = strings.Repeat("v", 63)
	}
	for name, labels := range map[string]map[string]string{"labels of clouds": clouds, "labels as long as they may be": longest} {
		for _, count := range []int{9, 60, 5000} {
			var nodes []*corev1.Node
			for i := range count {
				node, missing := st.MakeNode().Name(fmt.Sprint("node-", i)), i%len(labels)
				for at, key := range slices.Sorted(maps.Keys(labels)) {
					if at != missing {
						node.Label(key, labels[key])
					}
				}
				nodes = append(nodes, node.Obj())
			}
			pod := &corev1.Pod{}
			pod.Spec.NodeSelector = labels
			got := attempt(t, pod, nodes, config.HeadroomNodeAffinityArgs{})
			if len(got) > 1024 || !strings.Contains(got, nodeaffinity.ErrReasonPod) || !strings.Contains(got, " by ") || !strings.HasSuffix(got, "for scheduling.") {
				t.Errorf("%s, %d nodes: %d bytes, want at most 1024 that tell the reason, what nodes have, and of preemption:\n%s", name, count, len(got), got)
			}
		}
	}
}

// unseen is a fleet whose nodes are not to be looked at.
type unseen struct {
	fwk.SharedLister
	fwk.NodeInfoLister
	count int
}

func (u unseen) NodeInfos() fwk.NodeInfoLister { return u }
func (u unseen) List() ([]fwk.NodeInfo, error) { return make([]fwk.NodeInfo, u.count), nil }

// numbered returns so many nodes, of which the seventh has a label.
func numbered(count int) []*corev1.Node {
	var nodes []*corev1.Node
	for i := range count {
		nodes = append(nodes, st.MakeNode().Name(fmt.Sprint("node-", i)).Obj())
	}
	nodes[7].Labels = map[string]string{"disktype": "ssd"}
	return nodes
}

// A pod of a DaemonSet that finds its node full is told about that; all the other nodes are no news, and are not looked at.
func TestAPodThatNamesItsNodeIsNotToldOfTheOthers(t *testing.T) {
	pod := st.MakePod().NodeAffinityIn(metav1.ObjectNameField, []string{"node-7"}, st.NodeSelectorTypeMatchFields).Obj()
	got := attemptOn(t, pod, cache.NewSnapshot(nil, numbered(5000)), unseen{count: 5000}, config.HeadroomNodeAffinityArgs{})
	want := "0/5000 nodes are available: 1 Insufficient memory, 4999 node(s) didn't satisfy plugin(s) [HeadroomNodeAffinity]. " +
		"4999 node(s) didn't match Pod's node affinity/selector: 4999 by metadata.name In [node-7]"
	if !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want it to begin with %q", got, want)
	}
}

// A name is not all that stands in the way where the pod asks for more, or the profile does.
func TestAPodThatNamesItsNodeAndMoreIsToldOfBoth(t *testing.T) {
	named := func() *st.PodWrapper {
		return st.MakePod().NodeAffinityIn(metav1.ObjectNameField, []string{"node-7"}, st.NodeSelectorTypeMatchFields)
	}
	ssd := &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{
		{Key: "disktype", Operator: corev1.NodeSelectorOpIn, Values: []string{"ssd"}}}}}}
	twoOfSSD := named().Obj()
	terms := &twoOfSSD.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	(*terms)[0].MatchExpressions = ssd.NodeSelectorTerms[0].MatchExpressions
	*terms = append(*terms, *(*terms)[0].DeepCopy())
	(*terms)[1].MatchFields[0].Values = []string{"node-8"}
	for _, test := range []struct {
		name string
		pod  *corev1.Pod
		args config.HeadroomNodeAffinityArgs
		want string
	}{
		{"a selector", named().NodeSelector(map[string]string{"disktype": "ssd"}).Obj(), config.HeadroomNodeAffinityArgs{}, "4999 by disktype In [ssd] (no such label on 4999)"},
		{"added affinity", named().Obj(), config.HeadroomNodeAffinityArgs{AddedAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: ssd}},
			"4999 " + nodeaffinity.ErrReasonEnforced},
		{"an alternative", twoOfSSD, config.HeadroomNodeAffinityArgs{}, "4999 by disktype In [ssd] (no such label on 4999)"},
	} {
		if got := attempt(t, test.pod, numbered(5000), test.args); !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q, want it to contain %q", test.name, got, test.want)
		}
	}
}
