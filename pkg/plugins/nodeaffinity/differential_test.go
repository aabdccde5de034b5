// SPDX-License-Identifier: Apache-2.0

package nodeaffinity_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	featuregatetesting "k8s.io/component-base/featuregate/testing"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/features"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	intree "k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodeaffinity"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/plugins/nodeaffinity"
)

var (
	keys      = []string{"zone", "disk", "rack"}
	values    = []string{"a", "b", "", "1", "2"}
	operators = []corev1.NodeSelectorOperator{
		corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpExists,
		corev1.NodeSelectorOpDoesNotExist, corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt,
	}
	nodeNames = []string{"n1", "n2", "n3"}
)

// drawTerm draws a term that is mostly valid: one requirement in eight may be wrong in any way.
func drawTerm(t *rapid.T) corev1.NodeSelectorTerm {
	var term corev1.NodeSelectorTerm
	for range rapid.IntRange(0, 2).Draw(t, "expressions") {
		requirement := corev1.NodeSelectorRequirement{
			Key: rapid.SampledFrom(keys).Draw(t, "key"), Operator: rapid.SampledFrom(operators).Draw(t, "operator"),
		}
		switch requirement.Operator {
		case corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn:
			requirement.Values = rapid.SliceOfN(rapid.SampledFrom(values), 1, 2).Draw(t, "values")
		case corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt:
			requirement.Values = []string{rapid.SampledFrom([]string{"0", "1", "-1", "01"}).Draw(t, "value")}
		}
		if rapid.IntRange(0, 7).Draw(t, "invalid") == 7 {
			requirement.Key = rapid.SampledFrom([]string{"zone", "bad key"}).Draw(t, "any key")
			requirement.Values = rapid.SliceOfN(rapid.SampledFrom([]string{"a", "x y"}), 0, 2).Draw(t, "any values")
		}
		term.MatchExpressions = append(term.MatchExpressions, requirement)
	}
	for range max(rapid.IntRange(-3, 2).Draw(t, "fields"), 0) {
		term.MatchFields = append(term.MatchFields, corev1.NodeSelectorRequirement{
			Key: metav1.ObjectNameField, Operator: rapid.SampledFrom(operators[:2]).Draw(t, "operator"),
			Values: rapid.SliceOfN(rapid.SampledFrom(nodeNames), 1, 2).Draw(t, "names"),
		})
	}
	return term
}

func drawAffinity(t *rapid.T) *corev1.NodeAffinity {
	affinity := &corev1.NodeAffinity{}
	if rapid.Bool().Draw(t, "has required") {
		required := &corev1.NodeSelector{}
		for range rapid.IntRange(0, 3).Draw(t, "terms") {
			required.NodeSelectorTerms = append(required.NodeSelectorTerms, drawTerm(t))
		}
		affinity.RequiredDuringSchedulingIgnoredDuringExecution = required
	}
	for range rapid.IntRange(0, 2).Draw(t, "preferred") {
		affinity.PreferredDuringSchedulingIgnoredDuringExecution = append(affinity.PreferredDuringSchedulingIgnoredDuringExecution,
			corev1.PreferredSchedulingTerm{Weight: rapid.Int32Range(0, 100).Draw(t, "weight"), Preference: drawTerm(t)})
	}
	return affinity
}

// drawNodes draws some nodes with drawn labels, and up to a hundred that are all alike, in no rack: among many, a selective pod is one
// that our plugin looks up in its index.
func drawNodes(t *rapid.T) []fwk.NodeInfo {
	var nodes []fwk.NodeInfo
	add := func(name string, labels map[string]string) {
		info := framework.NewNodeInfo()
		info.SetNode(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}})
		nodes = append(nodes, info)
	}
	for _, name := range nodeNames {
		add(name, rapid.MapOfN(rapid.SampledFrom(keys), rapid.SampledFrom(values), 0, 3).Draw(t, "labels"))
	}
	alike := rapid.MapOfN(rapid.SampledFrom(keys[:2]), rapid.SampledFrom(values), 0, 1).Draw(t, "labels of the others")
	for i := range rapid.SampledFrom([]int{0, 20, 100}).Draw(t, "others") {
		add(fmt.Sprintf("other-%d", i), alike)
	}
	return nodes
}

func drawPod(t *rapid.T) *corev1.Pod {
	pod := &corev1.Pod{}
	if reason := rapid.SampledFrom([]string{"", corev1.PodReasonDeferred, corev1.PodReasonInfeasible}).Draw(t, "resize"); reason != "" {
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodResizePending, Status: corev1.ConditionTrue, Reason: reason}}
	}
	if rapid.Bool().Draw(t, "is selective") {
		pod.Spec.NodeSelector = map[string]string{"rack": rapid.SampledFrom(values).Draw(t, "rack")}
		return pod
	}
	if rapid.Bool().Draw(t, "has selector") {
		pod.Spec.NodeSelector = rapid.MapOfN(rapid.SampledFrom(keys), rapid.SampledFrom(values), 0, 2).Draw(t, "selector")
	}
	if rapid.Bool().Draw(t, "has affinity") {
		pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: drawAffinity(t)}
	}
	return pod
}

// plugin is what both plugins are, for the comparison.
type plugin interface {
	fwk.PreFilterPlugin
	fwk.FilterPlugin
	fwk.PreScorePlugin
	fwk.ScorePlugin
	fwk.EnqueueExtensions
}

// outcome is the verdict of one cycle, as the framework would see it.
type outcome struct {
	Codes    map[string]fwk.Code // by node
	Filter   map[string]string   // by node: what Filter says by itself, as for a nominated node
	PreScore string
	Scores   map[string]int64 // normalised
}

func cycle(pl plugin, pod *corev1.Pod, nodes []fwk.NodeInfo) outcome {
	ctx, state := context.Background(), framework.NewCycleState()
	result, status := pl.PreFilter(ctx, state, pod, nodes)
	got := outcome{Codes: map[string]fwk.Code{}, Filter: map[string]string{}, Scores: map[string]int64{}}
	rejected := !status.IsSuccess() && !status.IsSkip()
	var feasible []fwk.NodeInfo
	for _, node := range nodes {
		name := node.Node().Name
		verdict := pl.Filter(ctx, state, pod, node)
		switch {
		case rejected: // The framework gives PreFilter's status to every node.
			got.Codes[name] = status.Code()
		case !status.IsSkip() && !result.AllNodes() && !result.NodeNames.Has(name):
			got.Codes[name] = fwk.UnschedulableAndUnresolvable // as the framework counts nodes that PreFilter leaves out
		default:
			got.Codes[name] = verdict.Code()
			if verdict.IsSuccess() {
				feasible = append(feasible, node)
			}
		}
		// Ours says more, after the same words.
		reason, _, _ := strings.Cut(verdict.Message(), ": ")
		got.Filter[name] = fmt.Sprint(verdict.Code(), reason)
	}
	if len(feasible) == 0 {
		return got
	}
	status = pl.PreScore(ctx, state, pod, feasible)
	got.PreScore = status.Code().String()
	if status.IsSkip() || !status.IsSuccess() {
		return got
	}
	var scores fwk.NodeScoreList
	for _, node := range feasible {
		score, _ := pl.Score(ctx, state, pod, node)
		scores = append(scores, fwk.NodeScore{Name: node.Node().Name, Score: score})
	}
	pl.ScoreExtensions().NormalizeScore(ctx, state, pod, scores)
	for _, score := range scores {
		got.Scores[score.Name] = score.Score
	}
	return got
}

// build builds both plugins with drawn arguments, or without if both refuse them.
func build(t *rapid.T) (ours, theirs plugin) { return buildWith(t, drawAdded(t)) }

func buildWith(t *rapid.T, added *corev1.NodeAffinity) (ours, theirs plugin) {
	gates := feature.NewSchedulerFeaturesFromGates(utilfeature.DefaultFeatureGate)
	theirsBuilt, wantErr := intree.New(context.Background(), &schedulerconfig.NodeAffinityArgs{AddedAffinity: added}, nil, gates)
	oursBuilt, gotErr := nodeaffinity.New(context.Background(), &config.HeadroomNodeAffinityArgs{AddedAffinity: added}, nil)
	if (wantErr == nil) != (gotErr == nil) {
		t.Fatalf("New: in-tree %v, ours %v", wantErr, gotErr)
	}
	if wantErr != nil {
		return buildWith(t, nil)
	}
	return oursBuilt.(plugin), theirsBuilt.(plugin)
}

func drawAdded(t *rapid.T) *corev1.NodeAffinity {
	if !rapid.Bool().Draw(t, "has added affinity") {
		return nil
	}
	return drawAffinity(t)
}

func TestCyclesEndAsWithTheInTreePlugin(t *testing.T) {
	cases, narrowed := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		cases++
		if cyclesEndAlike(t) {
			narrowed++
		}
	})
	if cases >= 1000 && narrowed < cases/20 { // Of fewer it may be by chance.
		t.Errorf("in %d of %d cases our plugin searched fewer nodes than the in-tree one, want one in twenty at least", narrowed, cases)
	}
}

// A running pod whose resize waits for room passes both plugins, where preemption for it is on; see passes.
func TestCyclesOfDeferredResizesEndAsWithTheInTreePlugin(t *testing.T) {
	for _, enabled := range []bool{false, true} {
		t.Run(fmt.Sprintf("preemption %v", enabled), func(t *testing.T) {
			featuregatetesting.SetFeatureGatesDuringTest(t, utilfeature.DefaultFeatureGate, featuregatetesting.FeatureOverrides{
				features.InPlacePodVerticalScalingSchedulerPreemption: enabled,
			})
			rapid.Check(t, func(t *rapid.T) { cyclesEndAlike(t) })
		})
	}
}

func FuzzCycle(f *testing.F) { f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { cyclesEndAlike(t) })) }

// cyclesEndAlike compares a drawn cycle, and reports whether our plugin narrowed the search and the in-tree one did not.
func cyclesEndAlike(t *rapid.T) (narrowed bool) {
	ours, theirs := build(t)
	pod, nodes := drawPod(t), drawNodes(t)
	if diff := cmp.Diff(cycle(theirs, pod, nodes), cycle(ours, pod, nodes)); diff != "" {
		t.Fatalf("cycle (-in-tree +ours):\n%s", diff)
	}
	narrows := func(pl plugin) bool {
		result, _ := pl.PreFilter(context.Background(), framework.NewCycleState(), pod, nodes)
		return !result.AllNodes()
	}
	return narrows(ours) && !narrows(theirs)
}

// The in-tree hint looks at the pod's own affinity only when it compares the node before and after, and so skips a change
// that makes the added affinity match. Ours queues there; everywhere else the two agree.
func TestHintsAreThoseOfTheInTreePluginOrQueue(t *testing.T) { rapid.Check(t, hintsAreAlike) }

func FuzzHint(f *testing.F) { f.Fuzz(rapid.MakeFuzz(hintsAreAlike)) }

func hintsAreAlike(t *rapid.T) {
	ours, theirs := build(t)
	pod := drawPod(t)
	before, after := drawNodes(t)[0].Node(), drawNodes(t)[0].Node()
	var old any
	if rapid.Bool().Draw(t, "is update") {
		old = before
	}
	hint := func(pl plugin) fwk.QueueingHint {
		events, err := pl.EventsToRegister(context.Background())
		if err != nil || len(events) != 1 || events[0].Event.ActionType != fwk.Add|fwk.UpdateNodeLabel {
			t.Fatalf("events = %v, %v", events, err)
		}
		got, err := events[0].QueueingHintFn(klog.Background(), pod, old, after)
		if err != nil { // The queue takes an error for Queue.
			return fwk.Queue
		}
		return got
	}
	want, got := hint(theirs), hint(ours)
	if got == want {
		return
	}
	beforeInfo, afterInfo := framework.NewNodeInfo(), framework.NewNodeInfo()
	beforeInfo.SetNode(before)
	afterInfo.SetNode(after)
	becameFeasible := !ours.Filter(context.Background(), framework.NewCycleState(), pod, beforeInfo).IsSuccess() &&
		ours.Filter(context.Background(), framework.NewCycleState(), pod, afterInfo).IsSuccess()
	if got != fwk.Queue || !becameFeasible {
		t.Fatalf("hint = %v, in-tree %v; became feasible: %v", got, want, becameFeasible)
	}
}
