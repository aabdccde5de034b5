// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	clocktesting "k8s.io/utils/clock/testing"
)

// written is what was written so far.
type written struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (w *written) Write(text []byte) (int, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.text.Write(text)
}

func (w *written) String() string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.text.String()
}

// emptyCluster answers every list with one that is empty, as long as it is not down.
func emptyCluster(t *testing.T, down *atomic.Bool) *httptest.Server {
	t.Helper()
	kinds := map[string]string{"nodes": "NodeList", "pods": "PodList", "configmaps": "ConfigMapList", "namespaces": "NamespaceList"}
	server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		kind, version := kinds[path.Base(request.URL.Path)], "v1"
		if strings.Contains(request.URL.Path, "metrics.k8s.io") {
			kind, version = strings.Replace(kind, "List", "MetricsList", 1), "metrics.k8s.io/v1beta1"
		}
		response.Header().Set("Content-Type", "application/json")
		switch {
		case down.Load():
			response.WriteHeader(http.StatusForbidden)
		case kind == "":
			response.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprintf(response, `{"kind":%q,"apiVersion":%q,"metadata":{"resourceVersion":"1"},"items":[]}`, kind, version)
	}))
	t.Cleanup(server.Close)
	return server
}

// A watch outlives an answer that does not come, and what it prints can be read by programs: one document after another.
func TestWatchingGoesOnUntilItIsInterrupted(t *testing.T) {
	t.Setenv("KUBECONFIG", os.DevNull)
	var down atomic.Bool
	server, clock := emptyCluster(t, &down), clocktesting.NewFakeClock(time.Now())
	ctx, interrupt := context.WithCancel(t.Context())
	var out, errOut written
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, environment{
			IOStreams: genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}, clock: clock, getenv: func(string) string { return "" },
		}, []string{"nodes", "--watch", "-o", "yaml", "--server", server.URL})
	}()
	// waits until that was written so many times, and the command waits for the clock.
	waits := func(wanted string, of *written, times int) {
		t.Helper()
		err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
			return strings.Count(of.String(), wanted) == times && clock.HasWaiters(), nil
		})
		if err != nil {
			t.Fatalf("want %q %d times in\n%s\n%s", wanted, times, out.String(), errOut.String())
		}
	}
	waits("kind: NodeMemoryList", &out, 1)
	down.Store(true)
	clock.Step(15 * time.Second)
	waits("trying again in 15s", &errOut, 1)
	down.Store(false)
	clock.Step(15 * time.Second)
	waits("kind: NodeMemoryList", &out, 2)
	interrupt()
	if code := <-ended; code != codeYes {
		t.Errorf("exit code %d, want %d:\n%s", code, codeYes, errOut.String())
	}
	if documents := strings.Split(out.String(), "\n---\n"); len(documents) != 2 || strings.Count(documents[0], "kind: ") != 1 {
		t.Errorf("want documents that are told apart:\n%s", out.String())
	}
}
