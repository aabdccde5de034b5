// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/paypal/load-watcher/pkg/watcher"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	fwk "k8s.io/kube-scheduler/framework"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"sigs.k8s.io/scheduler-plugins/pkg/trimaran/loadvariationriskbalancing"
	"sigs.k8s.io/scheduler-plugins/pkg/trimaran/lowriskovercommitment"
	"sigs.k8s.io/scheduler-plugins/pkg/trimaran/targetloadpacking"
)

const gibibyte = 1 << 30

// situation is a node, what it was measured to hold, and a pod for it. Bytes; mean and deviation are percent of the node.
type situation struct {
	name                string
	bytes, evictionHard int64
	unmeasured          bool
	mean, deviation     float64
	pods                [][2]int64 // request and limit of each pod that is there
	request, limit      int64
}

// situations are a table, and fifty more by chance.
func situations() []situation {
	const node, hard = 64 * gibibyte, 2 * gibibyte
	four := [][2]int64{{8 * gibibyte, 0}, {8 * gibibyte, 16 * gibibyte}, {4 * gibibyte, 4 * gibibyte}, {10 * gibibyte, 20 * gibibyte}}
	table := []situation{
		{name: "empty", bytes: node, request: gibibyte},
		{name: "unmeasured", bytes: node, evictionHard: hard, unmeasured: true, request: gibibyte},
		{name: "steady", bytes: node, evictionHard: hard, mean: 40, request: gibibyte, pods: four},
		{name: "varying", bytes: node, evictionHard: hard, mean: 40, deviation: 12, request: gibibyte, pods: four},
		{name: "at-the-target", bytes: node, mean: 38.4375, request: gibibyte, limit: gibibyte},
		{name: "over-the-target", bytes: node, mean: 70, request: gibibyte},
		{name: "filled-by-the-pod", bytes: node, mean: 97, deviation: 3, request: 4 * gibibyte},
		{name: "overdrawn", bytes: node, evictionHard: hard, mean: 104, deviation: 20, request: gibibyte, pods: four},
		{name: "limits-within", bytes: node, evictionHard: hard, mean: 30, deviation: 4, request: gibibyte, limit: 2 * gibibyte, pods: four},
		{name: "limits-over", bytes: node, evictionHard: hard, mean: 60, deviation: 4, request: 8 * gibibyte, limit: 40 * gibibyte, pods: four},
		{name: "requests-over", bytes: node, evictionHard: hard, mean: 60, deviation: 4, request: 40 * gibibyte, limit: 40 * gibibyte, pods: four},
		{name: "odd-request", bytes: 1001, mean: 20, request: 333},
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 50 {
		bytes := (8 + random.Int64N(120)) * gibibyte
		drawn := situation{
			name: fmt.Sprintf("drawn-%d", i), bytes: bytes, evictionHard: bytes / 100 * random.Int64N(10),
			mean: 100 * random.Float64(), deviation: 25 * random.Float64() * random.Float64(),
		}
		ask := func() (request, limit int64) {
			request = 1 + random.Int64N(bytes/6)
			if random.IntN(2) == 0 {
				limit = request + random.Int64N(bytes/8)
			}
			return request, limit
		}
		for range random.IntN(7) {
			request, limit := ask()
			drawn.pods = append(drawn.pods, [2]int64{request, limit})
		}
		drawn.request, drawn.limit = ask()
		table = append(table, drawn)
	}
	return table
}

// judged is the score of the replay.
func (s *situation) judged(j judge) int64 { return j.score(s.played()) }

// admitted is whether the replay admits the pod to the node.
func (s *situation) admitted(j judge) bool { return j.admits(s.played()) }

// played is the situation as the replay has it.
func (s *situation) played() (*run, *node, *usage, *life) {
	n := newCluster(1, s.bytes, s.evictionHard).nodes[0]
	for _, asked := range s.pods {
		n.pods = append(n.pods, &pod{life: &life{request: asked[0], limit: asked[1]}})
	}
	mean := s.mean / 100 * float64(s.bytes)
	u := &usage{known: !s.unmeasured, quarter: mean, fiveMinutes: mean, hour: int64(mean), deviation: s.deviation / 100 * float64(s.bytes)}
	r := &run{measured: &measurement{taken: 1_000, known: true}} // long after the pods came
	return r, n, u, &life{request: s.request, limit: s.limit}
}

// as returns bytes as a quantity of the resource: of CPU, so many thousandths of a core.
func as(name corev1.ResourceName, bytes int64) corev1.ResourceList {
	if name == corev1.ResourceCPU {
		return corev1.ResourceList{name: *resource.NewMilliQuantity(bytes, resource.DecimalSI)}
	}
	return corev1.ResourceList{name: quantityOf(bytes)}
}

// podAsking returns a pod, on no node, that asks for the resource.
func podAsking(name corev1.ResourceName, id string, request, limit int64) *corev1.Pod {
	made := newPod(&life{id: id, request: request, limit: limit}, 0, 0)
	made.Spec.Containers[0].Resources = corev1.ResourceRequirements{Requests: as(name, request)}
	if limit > 0 {
		made.Spec.Containers[0].Resources.Limits = as(name, limit)
	}
	return made
}

// scored is the score of a real plugin, to which the resource is what memory is to the replay.
func (s *situation) scored(t *testing.T, plugin fwk.ScorePlugin, name corev1.ResourceName) int64 {
	t.Helper()
	object := newNode(0, s.bytes, s.evictionHard)
	object.Name = s.name
	object.Status.Capacity, object.Status.Allocatable = as(name, s.bytes), as(name, s.bytes-s.evictionHard)
	info := framework.NewNodeInfo()
	info.SetNode(object)
	for i, asked := range s.pods {
		info.AddPod(podAsking(name, fmt.Sprintf("there-%d", i), asked[0], asked[1]))
	}
	score, status := plugin.Score(t.Context(), framework.NewCycleState(), podAsking(name, "new", s.request, s.limit), info)
	if !status.IsSuccess() {
		t.Fatalf("%s: %v", s.name, status)
	}
	return score
}

// loads serves load-watcher's report of the situations, whose nodes are called as they are.
func loads(t *testing.T, all []situation, kind string) string {
	t.Helper()
	nodes := map[string]watcher.NodeMetrics{}
	for _, s := range all {
		if !s.unmeasured {
			nodes[s.name] = watcher.NodeMetrics{Metrics: []watcher.Metric{
				{Type: kind, Operator: watcher.Average, Value: s.mean}, {Type: kind, Operator: watcher.Std, Value: s.deviation},
			}}
		}
	}
	content, err := json.Marshal(watcher.WatcherMetrics{Data: watcher.Data{NodeMetricsMap: nodes}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if _, err := w.Write(content); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// informing is a handle that has informers, and nothing else.
type informing struct {
	fwk.Handle
	factory informers.SharedInformerFactory
}

func (i informing) SharedInformerFactory() informers.SharedInformerFactory { return i.factory }

// realPlugin makes a plugin as a scheduler does: its arguments decoded and with their defaults, its load read once.
func realPlugin(t *testing.T, name string, factory frameworkruntime.PluginFactory, address, arguments string) fwk.ScorePlugin {
	t.Helper()
	text := header + "    pluginConfig:\n      - name: " + name + "\n        args:\n          watcherAddress: " + address + "\n" + arguments
	object, _, err := scheme.Codecs.UniversalDecoder().Decode([]byte(text), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, configured := range object.(*schedulerconfig.KubeSchedulerConfiguration).Profiles[0].PluginConfig {
		if configured.Name != name {
			continue
		}
		plugin, err := factory(t.Context(), configured.Args, informing{factory: informers.NewSharedInformerFactory(fake.NewClientset(), 0)})
		if err != nil {
			t.Fatal(err)
		}
		return plugin.(fwk.ScorePlugin)
	}
	t.Fatalf("no arguments of %s", name)
	return nil
}

func TestTheFormulasScoreAsTheRealPluginsDo(t *testing.T) {
	all := situations()
	for _, test := range []struct {
		name     string
		factory  frameworkruntime.PluginFactory
		resource corev1.ResourceName // that the plugin is given the figures of memory as
		kind     string
		policy   string
		args     string // "" for the plugin's defaults
	}{
		{loadvariationriskbalancing.Name, loadvariationriskbalancing.New, corev1.ResourceMemory, watcher.Memory, "load-variation", ""},
		{loadvariationriskbalancing.Name, loadvariationriskbalancing.New, corev1.ResourceMemory, watcher.Memory, "load-variation-margin-400", "safeVarianceMargin: 4"},
		{lowriskovercommitment.Name, lowriskovercommitment.New, corev1.ResourceMemory, watcher.Memory, "low-risk", ""},
		{lowriskovercommitment.Name, lowriskovercommitment.New, corev1.ResourceMemory, watcher.Memory, "low-risk-limits-20", "riskLimitWeights: {memory: 0.2}"},
		{targetloadpacking.Name, targetloadpacking.New, corev1.ResourceCPU, watcher.CPU, "target-load-memory", ""},
		{targetloadpacking.Name, targetloadpacking.New, corev1.ResourceCPU, watcher.CPU, "target-load-memory-target-60", "targetUtilization: 60"},
	} {
		t.Run(test.policy, func(t *testing.T) {
			policy, err := PolicyNamed(test.policy)
			if err != nil {
				t.Fatal(err)
			}
			plugin := realPlugin(t, test.name, test.factory, loads(t, all, test.kind), "          "+test.args+"\n")
			different := map[int64]bool{}
			for _, s := range all {
				want := s.scored(t, plugin, test.resource)
				different[want] = true
				if got := s.judged(policy.judge); got != want {
					t.Errorf("%s: score %d, the plugin's is %d: %+v", s.name, got, want, s)
				}
			}
			if len(different) < 10 {
				t.Errorf("only %d different scores: the plugin did not see the loads", len(different))
			}
		})
	}
}

// Each of the other settings matters: some node is scored or admitted otherwise than by the defaults.
func TestTunedPeersJudgeOtherwiseThanByDefault(t *testing.T) {
	for _, tuned := range Tuned() {
		t.Run(tuned.Name, func(t *testing.T) {
			var byDefault judge
			for _, policy := range Policies() {
				if policy.judge != nil && strings.HasPrefix(tuned.Name, policy.Name+"-") {
					byDefault = policy.judge
				}
			}
			if byDefault == nil {
				t.Fatal("no policy has the defaults")
			}
			different := 0
			for _, s := range situations() {
				if s.judged(tuned.judge) != s.judged(byDefault) || s.admitted(tuned.judge) != s.admitted(byDefault) {
					different++
				}
			}
			if different == 0 {
				t.Error("all situations are judged as by default")
			}
		})
	}
}

func TestKoordinator(t *testing.T) {
	const mebibyte = 1 << 20
	for _, test := range []struct {
		name           string
		mean           int64 // of five minutes, of 1000 MiB, which are all allocatable
		unknown        bool
		unseen         int64 // request of a pod that came after the measurement
		young, holds   int64 // request of a pod that came half a minute before it, and what it held then
		request, limit int64
		admits         bool
		score          int64
	}{
		// 500 + 0.7 x 100 = 570: 100 x (1 - 0.57)
		{name: "request", mean: 500, request: 100, admits: true, score: 43},
		// 500 + 0.7 x 200 = 640
		{name: "the limit counts where it is more", mean: 500, request: 100, limit: 200, admits: true, score: 36},
		// 500 + 0.7 x 100 + 0.7 x 300 = 780
		{name: "a pod that no metric shows", mean: 500, unseen: 300, request: 100, admits: true, score: 22},
		// 500 + 0.7 x 100 + 0.7 x 300 - 50 = 730
		{name: "a young pod is not in the mean yet, and counts for what is not seen of it", mean: 500, young: 300, holds: 50, request: 100, admits: true, score: 27},
		// 500 + 0.7 x 100
		{name: "a young pod that holds more than is expected", mean: 500, young: 100, holds: 90, request: 100, admits: true, score: 43},
		// 870 + 70 = 940 of at most 950
		{name: "just under the most", mean: 870, request: 100, admits: true, score: 6},
		// 890 + 70 = 960
		{name: "over the most", mean: 890, request: 100, score: 4},
		// 1000 + 70 = 1070: more than all counts as all
		{name: "over the node", mean: 1000, request: 100, score: 0},
		{name: "nothing is known", unknown: true, mean: 1000, request: 100, admits: true, score: 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := newCluster(1, 1000*mebibyte, 0).nodes[0]
			n.pods = []*pod{
				{life: &life{request: 999 * mebibyte}, placed: 900}, // metrics show it
				{life: &life{request: test.unseen * mebibyte}, placed: 1_001},
				{life: steady("young", test.young, test.holds), placed: 970},
			}
			r := &run{measured: &measurement{taken: 1_000, known: true}}
			u := &usage{known: !test.unknown, latest: 123 * mebibyte, fiveMinutes: float64(test.mean * mebibyte)}
			l := &life{request: test.request * mebibyte, limit: test.limit * mebibyte}
			if got := koordinatorDefault().admits(r, n, u, l); got != test.admits {
				t.Errorf("admits: %t, want %t", got, test.admits)
			}
			if got := koordinatorDefault().score(r, n, u, l); got != test.score {
				t.Errorf("score %d, want %d", got, test.score)
			}
		})
	}
}

func TestCrane(t *testing.T) {
	for _, test := range []struct {
		name                   string
		fiveMinutes, hour, day int64 // of 1000
		came                   []float64
		admits                 bool
		score                  int64
	}{
		// 100 x (0.2 x 0.8 + 0.3 x 0.6 + 0.5 x 0.4) = 16 + 18 + 20
		{name: "room by three measures", fiveMinutes: 200, hour: 400, day: 600, admits: true, score: 54},
		// ten less for two pods of the last minute
		{name: "two pods just came", fiveMinutes: 200, hour: 400, day: 600, came: []float64{950, 960}, admits: true, score: 44},
		// ten less for five of the last five minutes; two of them within the last: ten more
		{name: "five pods came", fiveMinutes: 200, hour: 400, day: 600, came: []float64{710, 720, 730, 950, 960}, admits: true, score: 34},
		{name: "four came a while ago", fiveMinutes: 200, hour: 400, day: 600, came: []float64{710, 720, 730, 740, 600}, admits: true, score: 54},
		// 100 x (0.2 x 0.34 + 0.3 x 0.34 + 0.5 x 0.34) = 34
		{name: "five minutes over their most", fiveMinutes: 660, hour: 660, day: 660, score: 34},
		// 100 x (0.2 x 0.4 + 0.3 x 0.24 + 0.5 x 0.24) = 8 + 7.2 + 12
		{name: "an hour over its most", fiveMinutes: 600, hour: 760, day: 760, score: 27},
		// 100 x (0.2 x 0.4 + 0.3 x 0.3 + 0.5 x 0.02) = 8 + 9 + 1: the day stops nobody
		{name: "a day is full", fiveMinutes: 600, hour: 700, day: 980, admits: true, score: 18},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := newCluster(1, 1000, 0).nodes[0]
			for _, placed := range test.came {
				n.pods = append(n.pods, &pod{life: &life{}, placed: placed})
			}
			r := &run{now: 1_000}
			u := &usage{known: true, fiveMinutes: float64(test.fiveMinutes), hour: test.hour, day: test.day}
			if got := craneDefault().admits(r, n, u, nil); got != test.admits {
				t.Errorf("admits: %t, want %t", got, test.admits)
			}
			if got := craneDefault().score(r, n, u, nil); got != test.score {
				t.Errorf("score %d, want %d", got, test.score)
			}
		})
	}
}
