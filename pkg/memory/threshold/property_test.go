// SPDX-License-Identifier: Apache-2.0

package threshold_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

// kubelet is one as it may be set up: its settings, and the status that it would write.
type kubelet struct {
	settings                      threshold.Settings
	capacity, hugepages, reserved int64
	node                          *corev1.Node
}

func drawKubelet(t *rapid.T) kubelet {
	k := kubelet{capacity: rapid.Int64Range(1<<30, 1<<42).Draw(t, "capacity")}
	k.hugepages = rapid.Int64Range(0, k.capacity/4).Draw(t, "hugepages")
	k.reserved = rapid.Int64Range(0, k.capacity/4).Draw(t, "reserved")
	k.settings = hard(rapid.OneOf(
		rapid.Just(threshold.Amount{}),
		rapid.Map(rapid.Int64Range(1, k.capacity/4), func(bytes int64) threshold.Amount { return threshold.Amount{Bytes: bytes} }),
		rapid.Map(rapid.Float32Range(0.001, 0.25), func(fraction float32) threshold.Amount { return threshold.Amount{Fraction: fraction} }),
	).Draw(t, "evictionHard"))
	k.settings.EnforcesPods = rapid.Bool().Draw(t, "enforces pods")
	k.node = node("1", "1")
	set := func(list corev1.ResourceList, name corev1.ResourceName, bytes int64) {
		list[name] = *resource.NewQuantity(bytes, resource.BinarySI)
	}
	set(k.node.Status.Capacity, corev1.ResourceMemory, k.capacity)
	set(k.node.Status.Capacity, corev1.ResourceHugePagesPrefix+"2Mi", k.hugepages)
	set(k.node.Status.Allocatable, corev1.ResourceMemory, k.capacity-k.reserved-k.settings.EvictionHard.Of(k.capacity)-k.hugepages)
	return k
}

// fires says by the kubelet's own arithmetic, available against threshold, whether each signal fires.
func (k kubelet) fires(nodeHeld, podsHeld int64) (node, pods bool) {
	available := max(k.capacity-nodeHeld-k.hugepages, 0)
	node = k.settings.EvictionHard.Of(available+nodeHeld) > available
	limit := k.capacity - k.reserved
	return node, k.settings.EnforcesPods && k.settings.EvictionHard.Of(limit) > limit-podsHeld
}

func TestLeftIsNegativeExactlyWhenASignalFires(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := drawKubelet(t)
		thresholds, err := threshold.Of(k.node, &k.settings, 0)
		if err != nil {
			t.Fatal(err)
		}
		nodeHeld := rapid.Int64Range(0, k.capacity-k.hugepages).Draw(t, "node holds")
		podsHeld := rapid.Int64Range(0, min(nodeHeld, k.capacity-k.reserved)).Draw(t, "pods hold")
		if rapid.Bool().Draw(t, "at the edge") { // A byte decides.
			beside := rapid.Int64Range(-1, 1).Draw(t, "beside")
			nodeHeld = min(max(thresholds.Node+beside, 0), k.capacity-k.hugepages)
			podsHeld = min(max(thresholds.Pods+beside, 0), nodeHeld, k.capacity-k.reserved)
		}
		left, signal := thresholds.Left(nodeHeld, podsHeld)
		nodeFires, podsFires := k.fires(nodeHeld, podsHeld)
		evicts := signal == threshold.SignalNode || signal == threshold.SignalPods
		if got := left < 0 && evicts; got != (nodeFires || podsFires) {
			t.Fatalf("left %d by %s; the kubelet's signals fire: node %v, pods %v", left, signal, nodeFires, podsFires)
		}
	})
}

func TestAnAssumptionIsNeverMoreThanTheKubeletCanHave(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := drawKubelet(t)
		assumed := rapid.Int64Range(0, k.capacity).Draw(t, "assumed")
		thresholds, err := threshold.Of(k.node, nil, assumed)
		if err != nil {
			t.Fatal(err)
		}
		most := k.reserved + k.settings.EvictionHard.Of(k.capacity)
		if thresholds.EvictionHard != min(assumed, most) || (thresholds.EvictionHardOrigin == threshold.OriginStatus) != (assumed > most) {
			t.Fatalf("threshold %d by %s of an assumed %d, where at most %d is possible",
				thresholds.EvictionHard, thresholds.EvictionHardOrigin, assumed, most)
		}
		if k.settings.EvictionHard.Fraction == 0 && k.settings.EnforcesPods {
			known, err := threshold.Of(k.node, &k.settings, 0)
			if err != nil || known.Pods != thresholds.Pods {
				t.Fatalf("pods %d by assumption, %d by an absolute threshold (%v): the status tells it alone", thresholds.Pods, known.Pods, err)
			}
		}
	})
}

func FuzzOverride(f *testing.F) {
	for _, text := range []string{"500Mi", "5%", "none", "0%", "100%", "", "-1", "1e400%", "NaN%", "%", "9Ei", "0x1p-2%", "1e9999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		node := node("4Gi", "3Gi", "512Mi")
		node.Annotations = map[string]string{threshold.EvictionHardAnnotation: text}
		settings, err := threshold.Override(node, nil)
		if (settings == nil) != (err != nil) {
			t.Fatalf("%q: settings %v and error %v", text, settings, err)
		}
		checkRange(t, text, settings)
	})
}

func FuzzSettingsOf(f *testing.F) {
	f.Add("100Mi", "5%", "30s", "0")
	f.Add("1e30", "100%", "-1s", "200%")
	f.Add("NaN%", "-0%", "", "-1")
	f.Fuzz(func(t *testing.T, hard, soft, grace, reclaim string) {
		signal := string(threshold.SignalNode)
		settings, err := threshold.SettingsOf(&kubeletconfigv1beta1.KubeletConfiguration{
			EvictionHard:            map[string]string{signal: hard},
			EvictionSoft:            map[string]string{signal: soft},
			EvictionSoftGracePeriod: map[string]string{signal: grace},
			EvictionMinimumReclaim:  map[string]string{signal: reclaim},
			EnforceNodeAllocatable:  []string{"pods"},
		})
		if err == nil {
			checkRange(t, hard, &settings)
		}
	})
}

// checkRange reports figures that no node can have.
func checkRange(t *testing.T, text string, settings *threshold.Settings) {
	t.Helper()
	node := node("4Gi", "3Gi", "512Mi")
	thresholds, err := threshold.Of(node, settings, 100*mi)
	if err != nil {
		t.Fatal(err)
	}
	capacity := node.Status.Capacity.Memory().Value()
	if thresholds.Node > capacity || thresholds.Pods > capacity || thresholds.PodsLimit > capacity {
		t.Errorf("%q gives %+v: beyond the node's %d", text, thresholds, capacity)
	}
	if thresholds.EvictionHard < 0 || thresholds.NodeReclaim < 0 || thresholds.PodsReclaim < 0 {
		t.Errorf("%q gives %+v: less than nothing", text, thresholds)
	}
}
