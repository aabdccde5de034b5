// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	shipped "github.com/headroom-dev/headroom/config"
)

// onServer runs a command on a server that only takes connections.
func onServer(ctx context.Context, t *testing.T, arguments ...string) (stdout, stderr string, code int) {
	t.Helper()
	answered := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		select {
		case <-answered:
		case <-request.Context().Done():
		}
	}))
	defer silent.Close()
	defer close(answered)
	t.Setenv("KUBECONFIG", os.DevNull)
	var out, errOut bytes.Buffer
	code = run(ctx, environment{
		IOStreams: genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}, clock: clock.RealClock{}, getenv: func(string) string { return "" },
	}, append(arguments, "--server", silent.URL))
	return out.String(), errOut.String(), code
}

// Whatever is asked first, and a cluster that says nothing is no cluster with something wrong in it.
func TestNoCommandWaitsForLongerThanItsReadTimeout(t *testing.T) {
	manifest := filepath.Join(t.TempDir(), "pod.yaml")
	config := filepath.Join(t.TempDir(), "config.yaml")
	for path, text := range map[string][]byte{
		manifest: []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: main}]}\n"), config: shipped.SchedulerConfig,
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, arguments := range [][]string{
		{"nodes"}, {"victims", "a"}, {"explain", "web"}, {"explain", "-f", manifest}, {"explain", "-A"}, {"doctor"}, {"doctor", "--config", config}, {"nodes", "--config", config},
	} {
		t.Run(strings.Join(arguments[:min(len(arguments), 2)], " "), func(t *testing.T) {
			_, stderr, code := onServer(t.Context(), t, append(arguments, "--read-timeout", "300ms")...)
			if code != codeError || !strings.Contains(stderr, "it took longer than --read-timeout 300ms") {
				t.Errorf("exit code %d, want %d, and the reason:\n%s", code, codeError, stderr)
			}
		})
	}
}

func TestWatchingEndsWellWhenItIsInterrupted(t *testing.T) {
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	if _, stderr, code := onServer(interrupted, t, "nodes", "--watch"); code != codeYes {
		t.Errorf("exit code %d, want %d:\n%s", code, codeYes, stderr)
	}
	if _, stderr, code := onServer(interrupted, t, "explain", "web", "--watch"); code != codeError || stderr == "" {
		t.Errorf("of a pod exit code %d, want %d, for whether it is placed is not known: %q", code, codeError, stderr)
	}
	if _, stderr, code := onServer(interrupted, t, "nodes"); code != codeError || stderr == "" {
		t.Errorf("without --watch exit code %d, want %d, and why: %q", code, codeError, stderr)
	}
}
