// SPDX-License-Identifier: Apache-2.0

package nodename_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	intree "k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodename"
	st "k8s.io/kubernetes/pkg/scheduler/testing"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/plugins/nodename"
)

// plugin is what both plugins are, for the comparison.
type plugin interface {
	fwk.PreFilterPlugin
	fwk.FilterPlugin
	fwk.EnqueueExtensions
	fwk.SignPlugin
}

// outcome is the verdict of one cycle, as the framework would see it.
type outcome struct {
	Codes     map[string]fwk.Code // by node
	Filter    map[string]string   // by node: what Filter says by itself
	Signature string
}

func cycle(pl plugin, pod *st.PodWrapper, nodes []fwk.NodeInfo) outcome {
	ctx, state := context.Background(), framework.NewCycleState()
	result, status := pl.PreFilter(ctx, state, pod.Obj(), nodes)
	signature, _ := pl.SignPod(ctx, pod.Obj())
	got := outcome{Codes: map[string]fwk.Code{}, Filter: map[string]string{}, Signature: fmt.Sprint(signature)}
	for _, node := range nodes {
		name, verdict := node.Node().Name, pl.Filter(ctx, state, pod.Obj(), node)
		got.Filter[name] = fmt.Sprint(verdict.Code(), verdict.Message())
		switch {
		case status.IsSkip():
			got.Codes[name] = fwk.Success
		case !status.IsSuccess():
			got.Codes[name] = status.Code()
		case !result.AllNodes() && !result.NodeNames.Has(name):
			got.Codes[name] = fwk.UnschedulableAndUnresolvable // as the framework counts nodes that PreFilter leaves out
		default:
			got.Codes[name] = verdict.Code()
		}
	}
	return got
}

func TestCyclesEndAsWithTheInTreePlugin(t *testing.T) { rapid.Check(t, cyclesEndAlike) }

func FuzzCycle(f *testing.F) { f.Fuzz(rapid.MakeFuzz(cyclesEndAlike)) }

func cyclesEndAlike(t *rapid.T) {
	theirsBuilt, err := intree.New(context.Background(), nil, nil, feature.Features{})
	if err != nil {
		t.Fatal(err)
	}
	oursBuilt, err := nodename.New(context.Background(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	theirs, ours := theirsBuilt.(plugin), oursBuilt.(plugin)
	name := rapid.StringMatching("[a-c]{0,2}")
	pod := st.MakePod().Node(name.Draw(t, "wanted"))
	var nodes []fwk.NodeInfo
	for _, node := range sets.List(sets.New(rapid.SliceOfN(rapid.StringMatching("[a-c]{1,2}"), 0, 5).Draw(t, "nodes")...)) {
		info := framework.NewNodeInfo()
		info.SetNode(st.MakeNode().Name(node).Obj())
		nodes = append(nodes, info)
	}
	if diff := cmp.Diff(cycle(theirs, pod, nodes), cycle(ours, pod, nodes)); diff != "" {
		t.Fatalf("cycle (-in-tree +ours):\n%s", diff)
	}
	label := func(pl plugin) string {
		events, err := pl.EventsToRegister(context.Background())
		if err != nil || len(events) != 1 {
			t.Fatalf("events = %v, %v, want one", events, err)
		}
		return events[0].Event.Label()
	}
	if diff := cmp.Diff(label(theirs), label(ours)); diff != "" {
		t.Fatalf("event (-in-tree +ours):\n%s", diff)
	}
}
