// SPDX-License-Identifier: Apache-2.0

package kubelet_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage/kubelet"
)

func at(bytes int64, age time.Duration) sample.Measurement {
	return sample.Measurement{Bytes: bytes, Time: now.Add(-age)}
}

// good is what the summary of a node comes to.
func good(name string, bytes int64) (sample.Node, types.NamespacedName, sample.Pod) {
	return sample.Node{Measurement: at(bytes, 10*time.Second), Pods: at(bytes/2, 11*time.Second)},
		types.NamespacedName{Namespace: "default", Name: "pod-of-" + name},
		sample.Pod{Measurement: at(bytes/4, 12*time.Second), UID: types.UID("uid-of-" + name)}
}

func TestOneNode(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*statsv1alpha1.Summary)
		want   func(*sample.Set)
	}{
		{"as it should be", func(*statsv1alpha1.Summary) {}, func(*sample.Set) {}},
		{"with pressure", func(s *statsv1alpha1.Summary) {
			s.Node.Memory.PSI = &statsv1alpha1.PSIStats{Some: statsv1alpha1.PSIData{Total: 9, Avg10: 1.5}, Full: statsv1alpha1.PSIData{Total: 3, Avg10: 0.5}}
		}, func(set *sample.Set) {
			node := set.Nodes["n1"]
			node.Stall = &sample.Stall{Some: 1.5, Full: 0.5}
			set.Nodes["n1"] = node
		}},
		{"with the pressure of a kernel that does not count it", func(s *statsv1alpha1.Summary) {
			s.Node.Memory.PSI = &statsv1alpha1.PSIStats{}
		}, func(*sample.Set) {}},
		{"with pressure that cannot be", func(s *statsv1alpha1.Summary) {
			s.Node.Memory.PSI = &statsv1alpha1.PSIStats{Some: statsv1alpha1.PSIData{Total: 9, Avg10: -1}}
		}, func(set *sample.Set) { set.RefusedCount = map[sample.Reason]int{sample.ReasonNotANumber: 1} }},
		{"without kubepods", func(s *statsv1alpha1.Summary) { s.Node.SystemContainers = nil }, func(set *sample.Set) {
			set.Nodes["n1"] = sample.Node{Measurement: set.Nodes["n1"].Measurement}
		}},
		{"with kubepods that are not measured", func(s *statsv1alpha1.Summary) { s.Node.SystemContainers[1].Memory = nil }, func(set *sample.Set) {
			set.Nodes["n1"] = sample.Node{Measurement: set.Nodes["n1"].Measurement}
			set.RefusedCount = map[sample.Reason]int{sample.ReasonIncomplete: 1}
		}},
		{"the node is not measured", func(s *statsv1alpha1.Summary) { s.Node.Memory.WorkingSetBytes = nil }, func(set *sample.Set) {
			delete(set.Nodes, "n1")
			set.RefusedCount = map[sample.Reason]int{sample.ReasonIncomplete: 1}
		}},
		{"a figure larger than all", func(s *statsv1alpha1.Summary) { *s.Node.Memory.WorkingSetBytes = math.MaxUint64 }, func(set *sample.Set) {
			delete(set.Nodes, "n1")
			set.RefusedCount = map[sample.Reason]int{sample.ReasonNotANumber: 1}
		}},
		{"ten minutes ahead", func(s *statsv1alpha1.Summary) { s.Node.Memory = workingSet(7, -10*time.Minute) }, func(set *sample.Set) {
			delete(set.Nodes, "n1")
			set.RefusedCount = map[sample.Reason]int{sample.ReasonFuture: 1}
		}},
		{"ten minutes old", func(s *statsv1alpha1.Summary) { s.Node.Memory = workingSet(7, 10*time.Minute) }, func(set *sample.Set) {
			set.Nodes["n1"] = sample.Node{Measurement: at(7, 10*time.Minute), Pods: set.Nodes["n1"].Pods}
		}},
		{"without a time", func(s *statsv1alpha1.Summary) { s.Node.Memory.Time = metav1.Time{} }, func(set *sample.Set) {
			delete(set.Nodes, "n1")
			set.RefusedCount = map[sample.Reason]int{sample.ReasonNoTime: 1}
		}},
		{"a pod is known by its containers only", func(s *statsv1alpha1.Summary) {
			s.Pods[0].Memory = nil
			s.Pods[0].Containers = []statsv1alpha1.ContainerStats{{Memory: workingSet(100, 5*time.Second)}, {Memory: workingSet(20, 7*time.Second)}}
		}, func(set *sample.Set) {
			_, key, pod := good("n1", 4000)
			pod.Measurement = at(120, 7*time.Second)
			set.Pods[key] = pod
		}},
		{"pods that are not measured, or not named", func(s *statsv1alpha1.Summary) {
			s.Pods[0].Memory = nil
			s.Pods = append(s.Pods,
				statsv1alpha1.PodStats{PodRef: s.Pods[0].PodRef, Containers: []statsv1alpha1.ContainerStats{{Memory: workingSet(1, 0)}, {}}},
				statsv1alpha1.PodStats{Memory: workingSet(1, 0)})
		}, func(set *sample.Set) {
			clear(set.Pods)
			set.RefusedCount = map[sample.Reason]int{sample.ReasonIncomplete: 2, sample.ReasonUnnamed: 1}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			sent := summary("n1", 4000)
			test.change(sent)
			node, key, pod := good("n1", 4000)
			want := &sample.Set{Nodes: map[string]sample.Node{"n1": node}, Pods: map[types.NamespacedName]sample.Pod{key: pod}}
			test.want(want)
			got, err := (&fleet{t: t}).add("n1", answer(sent)).source().Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got.Refused = nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
		})
	}
}

func TestABadKubeletCostsItselfAlone(t *testing.T) {
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		want    string // part of the refusal
	}{
		{"down", status(503), "503 Service Unavailable"},
		{"no rights", status(403), "lack the right"},
		{"moved", status(307), "redirects are not followed"},
		{"silent", silent, "it took longer than 1s"},
		{"cut off", cutOff, "cut off"},
		{"endless", endless, "more than 1048576 bytes"},
		{"HTML", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, `type "text/html`},
		{"no summary", body("[]"), "decode the summary"},
		{"nothing", body("{}"), `that of node ""`},
		{"more after it", body(`{"node":{"nodeName":"bad"}} {}`), `"{" follows its end`},
		{"no JSON after it", body(`{"node":{"nodeName":"bad"}} <html>`), "decode the summary: after its end"},
		{"too much white space after it", body(`{"node":{"nodeName":"bad"}}` + strings.Repeat(" ", 2<<20)), "more than 1048576 bytes"},
		{"negative", body(`{"node":{"nodeName":"bad","memory":{"workingSetBytes":-1}}}`), "decode the summary"},
		{"a text for a number", body(`{"node":{"nodeName":"bad","memory":{"workingSetBytes":"NaN"}}}`), "decode the summary"},
		{"of another node", answer(summary("n1", 1)), `that of node "n1"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			fleet := (&fleet{t: t}).add("bad", test.handler).add("n1", answer(summary("n1", 4000))).add("n2", answer(summary("n2", 8000)))
			got, err := fleet.source(func(o *kubelet.Options) { o.NodeTimeout = time.Second; o.CAFile = ""; o.Insecure = true }).Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]sample.Node{}
			want["n1"], _, _ = good("n1", 4000)
			want["n2"], _, _ = good("n2", 8000)
			if diff := cmp.Diff(want, got.Nodes); diff != "" {
				t.Errorf("nodes (-want +got):\n%s", diff)
			}
			if got.RefusedCount[kubelet.ReasonUnread] != 1 || len(got.Refused) != 1 || !strings.Contains(got.Refused[0].Detail, test.want) {
				t.Errorf("refused: %+v, want one with %q", got.Refused, test.want)
			}
			if strings.Contains(fmt.Sprint(got.Refused), token) {
				t.Errorf("a refusal tells the token: %+v", got.Refused)
			}
		})
	}
}

func TestHalfOfTheNodesAreEnoughAndNoneAreNot(t *testing.T) {
	fleet := &fleet{t: t}
	for i := range 10 {
		name := fmt.Sprintf("n%d", i)
		if fleet.add(name, answer(summary(name, 4000))); i%2 == 0 {
			fleet.nodes[i].Status.Addresses = nil
		}
	}
	insecure := func(o *kubelet.Options) { o.CAFile, o.Insecure, o.Concurrency = "", true, 2 }
	got, err := fleet.source(insecure).Read(t.Context())
	if err != nil || len(got.Nodes) != 5 || got.RefusedCount[kubelet.ReasonUnread] != 5 {
		t.Errorf("%+v, %v", got, err)
	}
	for i := range fleet.nodes {
		fleet.nodes[i].Status.Addresses = nil
	}
	if got, err := fleet.source(insecure).Read(t.Context()); err == nil || got != nil || !strings.Contains(err.Error(), "none of 10 could be read") {
		t.Errorf("without any address: %v, %v", got, err)
	}
	fleet.nodes = nil
	if got, err := fleet.source(insecure).Read(t.Context()); err == nil || got != nil {
		t.Errorf("without any node: %v, %v", got, err)
	}
}

func TestNodesThatFailedAreAskedLast(t *testing.T) {
	var mutex sync.Mutex
	var asked []string
	note := func(name string, handler http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, request *http.Request) {
			mutex.Lock()
			asked = append(asked, name)
			mutex.Unlock()
			handler(w, request)
		}
	}
	fleet := (&fleet{t: t}).add("dead", note("dead", status(500))).add("late", note("late", answer(summary("late", 1)))).add("good", note("good", answer(summary("good", 1))))
	source := fleet.source(func(o *kubelet.Options) { o.CAFile, o.Insecure, o.Concurrency = "", true, 1 })
	order := func(ctx context.Context) []string {
		asked = nil
		_, _ = source.Read(ctx)
		return slices.Clone(asked)
	}
	if diff := cmp.Diff([]string{"dead", "late", "good"}, order(t.Context())); diff != "" {
		t.Errorf("first (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"late", "good", "dead"}, order(t.Context())); diff != "" {
		t.Errorf("then (-want +got):\n%s", diff)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := source.Read(ended); err == nil || !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v, %v", got, err)
	}
}

// budget ends a read once kubelets were asked so often.
type budget struct {
	mutex sync.Mutex
	most  int
	asked int
	end   context.CancelFunc
}

// spend is called when a kubelet is asked.
func (b *budget) spend() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.asked++; b.asked == b.most {
		b.end()
	}
}

// read reads with a new budget.
func (b *budget) read(t *testing.T, source *kubelet.Source) (*sample.Set, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.mutex.Lock()
	b.asked, b.end = 0, cancel
	b.mutex.Unlock()
	return source.Read(ctx)
}

// oneByOne makes a source ask one kubelet after the other.
func oneByOne(o *kubelet.Options) { o.CAFile, o.Insecure, o.Concurrency = "", true, 1 }

// Each read has time for all healthy kubelets and for some of the dead ones, of which there are more.
func TestHealthyNodesAreReadInEveryRead(t *testing.T) {
	const healthy, dead = 3, 12
	dying, fleet := &budget{most: 5}, &fleet{t: t}
	for i := range healthy {
		name := fmt.Sprintf("healthy%d", i)
		fleet.add(name, answer(summary(name, 4000)))
	}
	for i := range dead {
		fleet.add(fmt.Sprintf("dead%d", i), func(w http.ResponseWriter, request *http.Request) {
			dying.spend()
			status(http.StatusInternalServerError)(w, request)
		})
	}
	source := fleet.source(oneByOne)
	// Nothing is known of a node before it was asked: the first reads find out which are dead.
	for read := range 40 {
		got, err := dying.read(t, source)
		if read < (dead+dying.most-1)/dying.most {
			continue
		}
		if err != nil || len(got.Nodes) != healthy {
			t.Errorf("read %d: %+v, %v, want all %d healthy nodes", read, got, err, healthy)
		}
	}
}

// There is never time for all, and one failed once, long ago: every node gets its turn.
func TestEveryNodeGetsItsTurn(t *testing.T) {
	const nodes, reads = 10, 50
	turn, fleet := &budget{most: nodes - 1}, &fleet{t: t}
	var failed atomic.Bool
	for i := range nodes {
		name := fmt.Sprintf("n%d", i)
		fleet.add(name, func(w http.ResponseWriter, request *http.Request) {
			turn.spend()
			if i == 0 && failed.CompareAndSwap(false, true) {
				status(http.StatusInternalServerError)(w, request)
				return
			}
			answer(summary(name, 4000))(w, request)
		})
	}
	source := fleet.source(oneByOne)
	got := map[string]int{}
	for range reads {
		read, err := turn.read(t, source)
		if err != nil {
			t.Fatal(err)
		}
		for name := range read.Nodes {
			got[name]++
		}
	}
	for i := range nodes {
		if name := fmt.Sprintf("n%d", i); got[name] < reads/10 {
			t.Errorf("%s was read %d times of %d: %v", name, got[name], reads, got)
		}
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	var mutex sync.Mutex
	connections := map[string]bool{}
	fleet := (&fleet{t: t}).add("n1", func(w http.ResponseWriter, request *http.Request) {
		mutex.Lock()
		connections[request.RemoteAddr] = true
		mutex.Unlock()
		if request.URL.Path == "/configz" {
			body(`{"kubeletconfig":{}}`)(w, request)
		} else {
			answer(summary("n1", 4000))(w, request)
		}
		// The end of the answer comes after all of its JSON.
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	})
	source := fleet.source()
	for range 5 {
		if _, err := source.Read(t.Context()); err != nil {
			t.Error(err)
		}
		if got := source.Configurations(t.Context(), fleet.nodes)["n1"]; got.Err != nil {
			t.Error(got.Err)
		}
	}
	if len(connections) != 1 {
		t.Errorf("%d connections for 10 answers, want 1", len(connections))
	}
}

func TestWhoAnswersIsVerified(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*kubelet.Options)
		want   string // part of the error; "": none
	}{
		{"by the given authority", func(*kubelet.Options) {}, ""},
		{"by the system's, which does not know it, although the API server is not verified", func(o *kubelet.Options) { o.CAFile = "" }, "certificate"},
		{"not at all, as is said", func(o *kubelet.Options) { o.CAFile, o.Insecure = "", true }, ""},
		{"with a token of no use", func(o *kubelet.Options) { o.Config = &rest.Config{BearerToken: "another"} }, "401 Unauthorized"},
		{"by a name that it has none of", func(o *kubelet.Options) { o.AddressTypes = []corev1.NodeAddressType{corev1.NodeExternalDNS} }, "no address of the types [ExternalDNS]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := (&fleet{t: t}).add("n1", answer(summary("n1", 1))).source(test.change).Read(t.Context())
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("the error is %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestOptionsThatAreWrong(t *testing.T) {
	_, err := kubelet.New(kubelet.Options{Insecure: true, CAFile: "ca.crt", Concurrency: -1})
	for _, want := range []string{"nodes: want", "config: want", "concurrency, nodeTimeout, maxBytes: want", "caFile, insecure: want one"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one with %q", err, want)
		}
	}
}
