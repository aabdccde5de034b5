// SPDX-License-Identifier: Apache-2.0

package threshold_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

const mi = int64(1) << 20

func node(capacity, allocatable string, hugepages ...string) *corev1.Node {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1"}}
	node.Status.Capacity = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(capacity)}
	node.Status.Allocatable = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(allocatable)}
	for i, size := range hugepages {
		node.Status.Capacity[corev1.ResourceName(corev1.ResourceHugePagesPrefix+[]string{"2Mi", "1Gi"}[i])] = resource.MustParse(size)
	}
	return node
}

// hard are the settings of a kubelet with the given threshold that limits pods, as is the default.
func hard(amount threshold.Amount) threshold.Settings {
	return threshold.Settings{EvictionHard: amount, EvictionHardOrigin: threshold.OriginConfigz, EnforcesPods: true}
}

func TestAnAssumedThresholdIsAtMostWhatTheStatusLeavesRoomFor(t *testing.T) {
	for _, test := range []struct {
		name    string
		node    *corev1.Node
		assumed int64
		want    threshold.Thresholds
	}{
		{"nothing reserved: both signals are one", node("4000Mi", "3900Mi"), 100 * mi,
			threshold.Thresholds{Node: 3900 * mi, Pods: 3900 * mi, EvictionHard: 100 * mi, EvictionHardOrigin: threshold.OriginAssumed}},
		{"reservations lower the signal of the pods only", node("4000Mi", "3000Mi"), 100 * mi,
			threshold.Thresholds{Node: 3900 * mi, Pods: 3000 * mi, EvictionHard: 100 * mi, EvictionHardOrigin: threshold.OriginAssumed}},
		{"hugepages are no memory for the machine's signal, and were never in the pods'", node("4000Mi", "2400Mi", "500Mi", "1000Mi"), 100 * mi,
			threshold.Thresholds{Node: 2400 * mi, Pods: 3900 * mi, EvictionHard: 100 * mi, EvictionHardOrigin: threshold.OriginAssumed}},
		{"less room than that", node("4000Mi", "3970Mi"), 100 * mi,
			threshold.Thresholds{Node: 3970 * mi, Pods: 3970 * mi, EvictionHard: 30 * mi, EvictionHardOrigin: threshold.OriginStatus}},
		{"hugepages make no room", node("4000Mi", "2970Mi", "1000Mi"), 100 * mi,
			threshold.Thresholds{Node: 2970 * mi, Pods: 3970 * mi, EvictionHard: 30 * mi, EvictionHardOrigin: threshold.OriginStatus}},
		{"no room: the kubelet does not evict for memory, and the memory itself ends", node("4000Mi", "4000Mi"), 100 * mi,
			threshold.Thresholds{
				Node: 4000 * mi, NodeEdge: threshold.Kills, Pods: 4000 * mi, PodsEdge: threshold.Kills, EvictionHardOrigin: threshold.OriginStatus,
			}},
		{"more allocatable than there is", node("4000Mi", "5000Mi"), 100 * mi,
			threshold.Thresholds{
				Node: 4000 * mi, NodeEdge: threshold.Kills, Pods: 4000 * mi, PodsEdge: threshold.Kills, EvictionHardOrigin: threshold.OriginStatus,
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.want.PodsOrigin = threshold.OriginStatus
			test.want.PodsLimit = test.want.Pods + test.want.EvictionHard
			got, err := threshold.Of(test.node, nil, test.assumed)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("thresholds (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOfAKubeletThatIsKnown(t *testing.T) {
	unenforced := hard(threshold.Amount{Bytes: 100 * mi})
	unenforced.EnforcesPods = false
	byName := unenforced
	byName.PodsEvictionHard = threshold.Amount{Bytes: 700 * mi}
	soft := hard(threshold.Amount{Bytes: 100 * mi})
	soft.Soft, soft.SoftGrace = threshold.Amount{Fraction: 0.25}, time.Minute
	reserving := hard(threshold.Amount{Bytes: 100 * mi})
	reserving.Reserved = &threshold.Reservations{Kube: 300 * mi, System: 200 * mi}
	share := reserving
	share.EvictionHard = threshold.Amount{Fraction: 0.25}
	never := reserving
	never.EvictionHard = threshold.Amount{}
	reclaim := hard(threshold.Amount{Bytes: 100 * mi})
	reclaim.MinimumReclaim = threshold.Amount{Fraction: 0.5}
	for _, test := range []struct {
		name     string
		node     *corev1.Node
		settings threshold.Settings
		want     threshold.Thresholds
	}{
		// The status has 1000Mi less allocatable than capacity: 500Mi of threshold and 500Mi of reservations.
		{"an absolute threshold", node("4000Mi", "3000Mi"), hard(threshold.Amount{Bytes: 500 * mi}),
			threshold.Thresholds{Node: 3500 * mi, Pods: 3000 * mi, PodsLimit: 3500 * mi, PodsOrigin: threshold.OriginStatus, EvictionHard: 500 * mi}},
		{"a configured threshold is not bounded by the status", node("4000Mi", "4000Mi"), hard(threshold.Amount{Bytes: 500 * mi}),
			threshold.Thresholds{Node: 3500 * mi, Pods: 4000 * mi, PodsLimit: 4000 * mi, PodsOrigin: threshold.OriginStatus, EvictionHard: 500 * mi}},
		// A quarter of 4000Mi was taken from allocatable; the cgroup's limit is 2800 + 1000 = 3800Mi, a quarter of it 950Mi.
		{"a percentage is of each signal's own capacity", node("4000Mi", "2800Mi"), hard(threshold.Amount{Fraction: 0.25}),
			threshold.Thresholds{Node: 3000 * mi, Pods: 2850 * mi, PodsLimit: 3800 * mi, PodsOrigin: threshold.OriginConfigz, EvictionHard: 1000 * mi}},
		// A quarter of 4000Mi was taken from allocatable, and 1000Mi of hugepages; a quarter of 3000Mi is the threshold.
		{"a percentage is not of hugepages", node("4000Mi", "2000Mi", "1000Mi"), hard(threshold.Amount{Fraction: 0.25}),
			threshold.Thresholds{Node: 2250 * mi, Pods: 3000 * mi, PodsLimit: 4000 * mi, PodsOrigin: threshold.OriginConfigz, EvictionHard: 750 * mi}},
		{"no threshold: the memory ends, and that of the pods does", node("4000Mi", "3000Mi"), hard(threshold.Amount{}),
			threshold.Thresholds{Node: 4000 * mi, NodeEdge: threshold.Kills, Pods: 3000 * mi, PodsEdge: threshold.Kills, PodsLimit: 3000 * mi, PodsOrigin: threshold.OriginStatus}},
		{"the reservations are known, and allocatable has them and the threshold taken off", node("4000Mi", "3400Mi"), reserving,
			threshold.Thresholds{Node: 3900 * mi, Pods: 3400 * mi, PodsLimit: 3500 * mi, PodsOrigin: threshold.OriginStatus, EvictionHard: 100 * mi}},
		{"they are known, and allocatable has nothing else taken off: the threshold comes on top", node("4000Mi", "3500Mi"), reserving,
			threshold.Thresholds{Node: 3900 * mi, Pods: 3400 * mi, PodsLimit: 3500 * mi, PodsOrigin: threshold.OriginConfigz, EvictionHard: 100 * mi}},
		{"the same beside hugepages", node("4000Mi", "2500Mi", "1000Mi"), reserving,
			threshold.Thresholds{Node: 2900 * mi, Pods: 3400 * mi, PodsLimit: 3500 * mi, PodsOrigin: threshold.OriginConfigz, EvictionHard: 100 * mi}},
		{"the same with a percentage", node("4000Mi", "3500Mi"), share,
			threshold.Thresholds{Node: 3000 * mi, Pods: 2625 * mi, PodsLimit: 3500 * mi, PodsOrigin: threshold.OriginConfigz, EvictionHard: 1000 * mi}},
		{"they are known, and the status is newer", node("4000Mi", "3000Mi"), reserving,
			threshold.Thresholds{Node: 3900 * mi, Pods: 3000 * mi, PodsLimit: 3100 * mi, PodsOrigin: threshold.OriginStatus, EvictionHard: 100 * mi}},
		{"they are known, and there is no threshold", node("4000Mi", "3500Mi"), never,
			threshold.Thresholds{Node: 4000 * mi, NodeEdge: threshold.Kills, Pods: 3500 * mi, PodsEdge: threshold.Kills, PodsLimit: 3500 * mi, PodsOrigin: threshold.OriginStatus}},
		{"pods are not limited: no second signal", node("4000Mi", "3000Mi"), unenforced,
			threshold.Thresholds{Node: 3900 * mi, Pods: 4000 * mi, PodsEdge: threshold.Open, PodsLimit: 4000 * mi, PodsOrigin: threshold.OriginStatus, EvictionHard: 100 * mi}},
		{"a second signal by its own name", node("4000Mi", "3000Mi"), byName,
			threshold.Thresholds{Node: 3900 * mi, Pods: 3300 * mi, PodsLimit: 4000 * mi, PodsOrigin: threshold.OriginConfigz, EvictionHard: 100 * mi}},
		{"a soft threshold is told and does not bind", node("4000Mi", "3900Mi"), soft, threshold.Thresholds{
			Node: 3900 * mi, Pods: 3900 * mi, PodsLimit: 4000 * mi, PodsOrigin: threshold.OriginStatus, EvictionHard: 100 * mi,
			HasSoft: true, Soft: 3000 * mi, SoftGrace: time.Minute,
		}},
		{"what is to be reclaimed is a share of each signal's capacity", node("4000Mi", "3000Mi"), reclaim, threshold.Thresholds{
			Node: 3900 * mi, Pods: 3000 * mi, PodsLimit: 3100 * mi, PodsOrigin: threshold.OriginStatus, EvictionHard: 100 * mi,
			NodeReclaim: 2000 * mi, PodsReclaim: 1550 * mi,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.want.EvictionHardOrigin = threshold.OriginConfigz
			got, err := threshold.Of(test.node, &test.settings, 77*mi)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("thresholds (-want +got):\n%s", diff)
			}
		})
	}
}

func TestANodeWithoutASizeIsAnErrorThatNamesIt(t *testing.T) {
	for _, test := range []struct {
		name string
		node *corev1.Node
		want string
	}{
		{"no status", &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1"}}, `node "n1": status has no memory capacity (0) or allocatable (0)`},
		{"more than a machine has", node("1Ei", "1Ei"), `node "n1": status.capacity.memory is 1Ei, more than a machine has`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := threshold.Of(test.node, nil, 0)
			if err == nil || err.Error() != test.want {
				t.Errorf("error = %v, want %s", err, test.want)
			}
		})
	}
}

func TestOverride(t *testing.T) {
	known := hard(threshold.Amount{Bytes: 100 * mi})
	known.Soft = threshold.Amount{Bytes: 300 * mi}
	annotated := func(text string) *corev1.Node {
		node := node("4000Mi", "3900Mi")
		node.Annotations = map[string]string{threshold.EvictionHardAnnotation: text}
		return node
	}
	override := func(settings threshold.Settings, amount threshold.Amount) *threshold.Settings {
		settings.EvictionHard, settings.EvictionHardOrigin = amount, threshold.OriginAnnotation
		return &settings
	}
	for _, test := range []struct {
		name      string
		node      *corev1.Node
		known     *threshold.Settings
		want      *threshold.Settings
		wantError string
	}{
		{"no annotation", node("4000Mi", "3900Mi"), &known, &known, ""},
		{"no annotation, nothing known", node("4000Mi", "3900Mi"), nil, nil, ""},
		{"a quantity", annotated("500Mi"), &known, override(known, threshold.Amount{Bytes: 500 * mi}), ""},
		{"a percentage", annotated("5%"), &known, override(known, threshold.Amount{Fraction: 0.05}), ""},
		{"none", annotated("none"), &known, override(known, threshold.Amount{}), ""},
		{"0% is none", annotated("0%"), &known, override(known, threshold.Amount{}), ""},
		{"nothing else known: pods are limited, as is the default", annotated("500Mi"), nil,
			override(threshold.Settings{EnforcesPods: true}, threshold.Amount{Bytes: 500 * mi}), ""},
		{"no amount", annotated("much"), &known, &known, `"much" is neither a quantity such as 500Mi nor a percentage such as 5%`},
		{"empty", annotated(""), nil, nil, `"" is neither`},
		{"zero", annotated("0"), &known, &known, `"0" is zero`},
		{"negative", annotated("-5%"), &known, &known, `"-5%" is negative`},
		{"too much", annotated("101%"), &known, &known, `"101%" is more than 100%`},
		{"no number", annotated("NaN%"), &known, &known, `"NaN%" is neither`},
		{"an exponent that would take minutes to read", annotated("1e9999999"), &known, &known, `"1e9999999" is neither`},
		{"more than the node has", annotated("5Gi"), &known, &known, `"5Gi" is not less than the node's memory, 4000Mi`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := threshold.Override(test.node, test.known)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
			if test.wantError == "" && err != nil {
				t.Errorf("error = %v, want none", err)
			}
			want := `node "n1": annotation headroom.dev/eviction-hard: ` + test.wantError
			if test.wantError != "" && (err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), "; want a quantity such as 500Mi, a percentage such as 5%, or none")) {
				t.Errorf("error = %v, want it to begin with %s and to say what is expected", err, want)
			}
		})
	}
}

func TestLeftIsThatOfTheEdgeThatIsReachedFirst(t *testing.T) {
	thresholds := threshold.Thresholds{Node: 3900 * mi, Pods: 3000 * mi}
	without := func(node, pods threshold.Edge) threshold.Thresholds {
		thresholds := thresholds
		thresholds.NodeEdge, thresholds.PodsEdge = node, pods
		return thresholds
	}
	for _, test := range []struct {
		name       string
		thresholds threshold.Thresholds
		node, pods int64
		want       int64
		wantSignal threshold.Signal
	}{
		{"the pods' signal", thresholds, 2500 * mi, 2400 * mi, 600 * mi, threshold.SignalPods},
		{"the machine's signal, by what the system holds", thresholds, 3500 * mi, 1000 * mi, 400 * mi, threshold.SignalNode},
		{"past the threshold", thresholds, 4000 * mi, 1000 * mi, -100 * mi, threshold.SignalNode},
		{"no pods' signal: it never binds", without(threshold.Evicts, threshold.Open), 2500 * mi, 3400 * mi, 1400 * mi, threshold.SignalNode},
		{"no machine's signal: its memory ends", without(threshold.Kills, threshold.Open), 2500 * mi, 3400 * mi, 1400 * mi, threshold.EndOfMachine},
		{"no pods' signal and a limit: that ends", without(threshold.Evicts, threshold.Kills), 2500 * mi, 2400 * mi, 600 * mi, threshold.EndOfPods},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, signal := test.thresholds.Left(test.node, test.pods)
			if got != test.want || signal != test.wantSignal {
				t.Errorf("left = %d by %s, want %d by %s", got, signal, test.want, test.wantSignal)
			}
			if allocations := testing.AllocsPerRun(10, func() { got, signal = test.thresholds.Left(test.node, test.pods) }); allocations != 0 {
				t.Errorf("Left allocates %v times, want 0", allocations)
			}
		})
	}
}
