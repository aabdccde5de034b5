// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

func TestFilterModeOfAPod(t *testing.T) {
	daemon := func(p *corev1.Pod) {
		p.OwnerReferences = []metav1.OwnerReference{{Kind: "DaemonSet", Name: "agent", Controller: new(true)}}
	}
	critical := func(p *corev1.Pod) { p.Spec.Priority = new(int32(2_000_000_000)) }
	annotated := func(key, value string) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Annotations = map[string]string{key: value} }
	}
	bestEffort := modes{filter: config.FilterHard, byQOSClass: map[corev1.PodQOSClass]config.FilterMode{corev1.PodQOSBestEffort: config.FilterSoft}}
	guaranteed := func(p *corev1.Pod) {
		all := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("1Mi")}
		p.Spec.Containers[0].Resources = corev1.ResourceRequirements{Requests: all, Limits: all}
	}
	classes := modes{filter: config.FilterOff, byQOSClass: map[corev1.PodQOSClass]config.FilterMode{
		corev1.PodQOSGuaranteed: config.FilterHard, corev1.PodQOSBurstable: config.FilterSoft,
	}}
	for _, test := range []struct {
		name    string
		modes   modes
		request int64
		change  func(*corev1.Pod)
		want    config.FilterMode
		wantErr string
	}{
		{"as the arguments say", modes{filter: config.FilterHard}, mi, nil, config.FilterHard, ""},
		{"its class differs", bestEffort, 0, nil, config.FilterSoft, ""},
		{"Guaranteed", classes, mi, guaranteed, config.FilterHard, ""},
		{"Burstable", classes, mi, nil, config.FilterSoft, ""},
		{"of a class that nothing is said of", classes, 0, nil, config.FilterOff, ""},
		{"another class", bestEffort, mi, nil, config.FilterHard, ""},
		{"of a DaemonSet", modes{filter: config.FilterHard}, mi, daemon, config.FilterOff, ""},
		{"of a DaemonSet, which is not exempt", modes{filter: config.FilterHard, daemonSets: true}, mi, daemon, config.FilterHard, ""},
		{"critical", modes{filter: config.FilterHard}, mi, critical, config.FilterOff, ""},
		{"critical, which is not exempt", modes{filter: config.FilterHard, critical: true}, mi, critical, config.FilterHard, ""},
		{"it opts out", modes{filter: config.FilterHard}, mi, annotated(FilterAnnotation, "Off"), config.FilterOff, ""},
		{"it wants more than its class has", bestEffort, 0, annotated(FilterAnnotation, "Hard"), config.FilterHard, ""},
		{"no such mode", modes{filter: config.FilterHard}, mi, annotated(FilterAnnotation, "off"), "", `headroom.dev/memory-filter: "off" is not one of [Hard Soft Off]`},
		{"no such peak", modes{filter: config.FilterHard}, mi, annotated(forecast.PeakAnnotation, "big"), "", `headroom.dev/memory-peak: "big" is not a quantity`},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := newPod("p", test.request)
			if test.change != nil {
				test.change(pod)
			}
			got, err := test.modes.of(pod)
			if got != test.want || (err != nil) != (test.wantErr != "") || (err != nil && !strings.Contains(err.Error(), test.wantErr)) {
				t.Errorf("mode = %q, %v, want %q and an error with %q", got, err, test.want, test.wantErr)
			}
		})
	}
}

func TestAPodThatCannotBeReadIsRejectedAndWokenWhenItCan(t *testing.T) {
	plugin, pod := newFleet(nil).node("n1", 0, 0).plugin, newPod("p", mi)
	pod.Annotations = map[string]string{forecast.PeakAnnotation: "big"}
	if _, status := plugin.PreFilter(t.Context(), framework.NewCycleState(), pod, nil); status.Code() != fwk.UnschedulableAndUnresolvable ||
		!strings.Contains(status.Message(), forecast.PeakAnnotation) {
		t.Errorf("PreFilter = %v, want UnschedulableAndUnresolvable and the annotation's name", status)
	}
	mended := pod.DeepCopy()
	mended.Annotations[forecast.PeakAnnotation] = "2Gi"
	if hint, err := plugin.isSchedulableAfterOwnUpdate(klog.Background(), pod, pod, mended); hint != fwk.Queue || err != nil {
		t.Errorf("hint = %v, %v, want Queue", hint, err)
	}
	if hint, err := plugin.isSchedulableAfterOwnUpdate(klog.Background(), pod, mended, mended); hint != fwk.QueueSkip || err != nil {
		t.Errorf("hint of an update that changes nothing = %v, %v, want QueueSkip", hint, err)
	}
}

func TestModesThatRejectNothing(t *testing.T) {
	for _, mode := range []config.FilterMode{config.FilterSoft, config.FilterOff} {
		t.Run(string(mode), func(t *testing.T) {
			fleet := newFleet(nil).node("full", 3800*mi, 0).node("empty", 0, 0).node("stale", 0, time.Hour)
			fleet.plugin.modes.filter = mode
			fleet.publish()
			if got := fleet.filter(t, 500*mi, "full"); !got.IsSuccess() {
				t.Errorf("Filter = %v, want success", got)
			}
		})
	}
}

// As the scheduler sees it, of machines of 64 GiB: what is told in fine steps may be lost in points.
func TestSoftTellsLargeNodesWithoutRoomApart(t *testing.T) {
	fleet := newFleet(nil)
	var scores fwk.NodeScoreList
	for _, lacking := range []int64{1, 200, 700, 2000, 7000, 20000} { // Mi
		name := fmt.Sprint("lacks-", lacking)
		fleet.node(name, 0, 0)
		node := fleet.nodes[len(fleet.nodes)-1]
		node.Status.Capacity[corev1.ResourceMemory] = *resource.NewQuantity(64<<30, resource.BinarySI)
		node.Status.Allocatable[corev1.ResourceMemory] = *resource.NewQuantity(64<<30-100*mi, resource.BinarySI)
		fleet.samples.Nodes[name] = sample.Node{Measurement: sample.Measurement{Bytes: 64<<30 - 100*mi - 30000*mi + lacking*mi, Time: now}}
		scores = append(scores, fwk.NodeScore{Name: name})
	}
	fleet.plugin.modes.filter = config.FilterSoft
	fleet.publish()
	state, huge := framework.NewCycleState(), newPod("huge", 30000*mi)
	fleet.plugin.PreFilter(t.Context(), state, huge, nil)
	fleet.plugin.PreScore(t.Context(), state, huge, fleet.infos())
	if status := fleet.plugin.NormalizeScore(t.Context(), state, huge, scores); !status.IsSuccess() {
		t.Fatal(status)
	}
	if scores[0].Score != noRoomTop {
		t.Errorf("a node that lacks next to nothing scores %d, want %d", scores[0].Score, noRoomTop)
	}
	for i := range scores[1:] {
		if scores[i].Score <= scores[i+1].Score {
			t.Errorf("scores: %+v, want them to fall", scores)
			break
		}
	}
}

func TestSoftRanksANodeWithoutRoomBelowAllOthers(t *testing.T) {
	// 100Mi left, and the pod declares 500Mi and is expected to hold no more: the reserve alone makes it too much.
	fleet := newFleet(nil).node("tight", 3300*mi, 0).node("stale", 3899*mi, time.Hour).node("empty", 0, 0)
	fleet.plugin.books.kept = reserve{bytes: 500 * mi}
	fleet.publish()
	pod := newPod("p", 400*mi)
	score := func(mode config.FilterMode, node string) int64 {
		fleet.plugin.modes.filter = mode
		return fleet.score(t, pod, node)
	}
	if soft, stale := score(config.FilterSoft, "tight"), score(config.FilterSoft, "stale"); soft >= stale {
		t.Errorf("scores: without room %d, unknown %d, want less", soft, stale)
	}
	fleet.node("tighter", 3700*mi, 0).node("tightest", 3880*mi, 0)
	fleet.publish()
	tight, tighter, tightest := score(config.FilterSoft, "tight"), score(config.FilterSoft, "tighter"), score(config.FilterSoft, "tightest")
	if tight <= tighter || tighter <= tightest {
		t.Errorf("scores: %d of the node that lacks least, %d of one that lacks more, %d of one that lacks most, want them to fall", tight, tighter, tightest)
	}
	if off, stale := score(config.FilterOff, "tight"), score(config.FilterOff, "stale"); off <= stale {
		t.Errorf("scores with the filter off: with expected room %d, unknown %d, want more", off, stale)
	}
}
