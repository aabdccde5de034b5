// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/explain"
)

// moment is how a cluster of one node and one pod is when it is looked at.
type moment struct {
	zone string // of the node
	node string // of the pod
	// phase of the pod; "" is that there is no pod any more.
	phase corev1.PodPhase
}

// film is a server on which the pod is asked about in one moment after another; the last one stays. looks counts.
func film(t *testing.T, looks *atomic.Int64, moments ...moment) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		asked := strings.HasSuffix(request.URL.Path, "/pods/web")
		if asked {
			looks.Add(1)
		}
		now := moments[min(max(int(looks.Load())-1, 0), len(moments)-1)]
		answer, code := now.answer(request.URL.Path), http.StatusOK
		if answer == nil {
			code = http.StatusNotFound
			answer = &metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Reason: metav1.StatusReasonNotFound, Code: http.StatusNotFound}
		}
		response.Header().Set("Content-Type", "application/json")
		response.WriteHeader(code)
		_ = json.NewEncoder(response).Encode(answer)
	}))
	t.Cleanup(server.Close)
	return server
}

// answer is what the API server says, nil for what there is not.
func (m moment) answer(of string) any {
	list := metav1.ListMeta{ResourceVersion: "1"}
	web := pod("web", "1Gi", func(pod *corev1.Pod) {
		pod.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
		pod.Spec.NodeSelector, pod.Spec.NodeName, pod.Status.Phase = map[string]string{"zone": "b"}, m.node, m.phase
	})
	switch name := path.Base(of); {
	case name == "web" && m.phase != "":
		return web
	case name == "configmaps":
		return &corev1.ConfigMapList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMapList"}, ListMeta: list}
	case strings.Contains(of, "metrics.k8s.io"): // nothing is measured
		kind := map[string]string{"nodes": "NodeMetricsList", "pods": "PodMetricsList"}[name]
		return map[string]any{"kind": kind, "apiVersion": "metrics.k8s.io/v1beta1", "metadata": list, "items": []any{}}
	case name == "pods":
		pods := &corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}, ListMeta: list}
		if m.phase == corev1.PodPending || m.phase == corev1.PodRunning { // the others are not asked for
			pods.Items = []corev1.Pod{*web}
		}
		return pods
	case name == "nodes":
		s := newShop()
		s.objects = nil
		s.node("node-1", "", map[string]string{"zone": m.zone})
		node, _ := s.objects[0].(*corev1.Node)
		return &corev1.NodeList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "NodeList"}, ListMeta: list, Items: []corev1.Node{*node}}
	}
	return nil
}

// watched is what came of a watch: the first line of every answer, and the exit code.
type watched struct {
	Answers []string
	Code    int
}

// watchFilm watches the pod until the command ends, which interrupt makes it do after so many looks; 0 is never.
func watchFilm(t *testing.T, server *httptest.Server, looks *atomic.Int64, interrupt int64) (got watched, stderr string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	clock := clocktesting.NewFakeClock(noon)
	var out, errOut written
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, environment{
			IOStreams: genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}, clock: clock, getenv: func(string) string { return "" },
		}, []string{"explain", "web", "--watch", "--server", server.URL})
	}()
	err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		select {
		case got.Code = <-ended:
			return true, nil
		default:
		}
		if interrupt > 0 && looks.Load() >= interrupt {
			cancel()
		}
		clock.Step(15 * time.Second)
		return false, nil
	})
	if err != nil {
		t.Fatalf("%v after %d looks:\n%s%s", err, looks.Load(), out.String(), errOut.String())
	}
	for line := range strings.SplitSeq(out.String(), "\n") {
		if strings.HasPrefix(line, "Pod ") {
			got.Answers = append(got.Answers, line)
		}
	}
	return got, errOut.String()
}

func TestExplainWatchesAPodUntilItHasANode(t *testing.T) {
	t.Setenv("KUBECONFIG", os.DevNull)
	const (
		pending = corev1.PodPending
		nowhere = "Pod default/web fits none of 1 node."
		goes    = "Pod default/web goes to node node-1, the only one of 1 node that it fits."
		placed  = "Pod default/web is on node node-1, and would go there again."
	)
	for _, test := range []struct {
		name      string
		moments   []moment
		interrupt int64
		want      watched
		stderr    string // a part of it
	}{
		{"it is told anew what is new", []moment{{"a", "", pending}, {"a", "", pending}, {"a", "", pending}, {"b", "", pending}, {"b", "", pending}, {"b", "node-1", pending}}, 0,
			watched{[]string{nowhere, goes, placed}, codeYes}, ""},
		{"it has a node already", []moment{{"b", "node-1", corev1.PodRunning}}, 0, watched{[]string{placed}, codeYes}, ""},
		{"it has one that it would not go to again", []moment{{"a", "", pending}, {"a", "node-1", corev1.PodRunning}}, 0,
			watched{[]string{nowhere, "Pod default/web is on node node-1; placed anew it would fit none of 1 node."}, codeYes}, ""},
		{"it ends without", []moment{{"a", "", pending}, {"a", "", corev1.PodFailed}}, 0,
			watched{[]string{nowhere, "Pod default/web: it has ended (Failed): it is not scheduled again; its owner"}, codeNo}, ""},
		{"it is gone", []moment{{"a", "", pending}, {"a", "", ""}}, 0, watched{[]string{nowhere}, codeError}, `error: there is no pod "web" in namespace "default"`},
		{"who watches goes away", []moment{{"a", "", pending}}, 3, watched{[]string{nowhere}, codeNo}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var looks atomic.Int64
			got, stderr := watchFilm(t, film(t, &looks, test.moments...), &looks, test.interrupt)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s\nstandard error:\n%s", diff, stderr)
			}
			if !strings.Contains(stderr, test.stderr) {
				t.Errorf("standard error %q, want %q", stderr, test.stderr)
			}
			if int(looks.Load()) < len(test.moments) {
				t.Errorf("it looked %d times, want %d", looks.Load(), len(test.moments))
			}
		})
	}
}

func TestOnlyAPodOfTheClusterIsWatched(t *testing.T) {
	for _, test := range []struct {
		arguments []string
		want      string
	}{
		{[]string{"explain", "--watch"}, "error: --watch is for a pod that is in the cluster: want its name\n"},
		{[]string{"explain", "-A", "--watch"}, "error: --watch is for a pod that is in the cluster: want its name\n"},
		{[]string{"explain", "-f", "testdata/pod.yaml", "--watch"}, "error: --watch is for a pod that is in the cluster: want its name\n"},
		{[]string{"explain", "web", "--watch", "--interval", "900ms"}, "error: --interval 900ms: want 1s or more\n"},
	} {
		if _, stderr, code := newShop().run(t, test.arguments...); code != codeError || stderr != test.want {
			t.Errorf("%v: exit code %d and %q, want %d and %q", test.arguments, code, stderr, codeError, test.want)
		}
	}
}

// Whom the scheduler would preempt, and where, is an answer of its own, though all nodes are rejected as before.
func TestWhomTheSchedulerWouldPreemptIsAnotherAnswer(t *testing.T) {
	preempting := func(node string, pods ...string) *explain.Placement {
		preemption := &explain.Preemption{Node: node}
		for _, name := range pods {
			preemption.Preempted = append(preemption.Preempted, explain.Preempted{Pod: explain.PodName{Namespace: "default", Name: name}})
		}
		return &explain.Placement{Preemption: preemption}
	}
	seen := map[string]string{}
	for name, placement := range map[string]*explain.Placement{
		"nobody":         preempting(""),
		"a on node-1":    preempting("node-1", "a"),
		"b on node-1":    preempting("node-1", "b"),
		"a on node-2":    preempting("node-2", "a"),
		"both on node-1": preempting("node-1", "a", "b"),
	} {
		gist := gistOf(placement)
		if other, known := seen[gist]; known {
			t.Errorf("%q and %q are one answer: %q", name, other, gist)
		}
		seen[gist] = name
	}
}
