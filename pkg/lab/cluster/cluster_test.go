// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestOptionsRefuseWhatCannotWork(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, want string
		options    Options
	}{
		{name: "no such executable", want: "Options.Executable", options: Options{Executable: plain + "-missing"}},
		{name: "a file that cannot be executed", want: "not an executable", options: Options{Executable: plain}},
		{name: "an interval that metrics-server refuses", want: "10s", options: Options{Executable: program, MetricsResolution: 9 * time.Second}},
		{name: "a negative number of nodes", want: "ExpectedNodes", options: Options{Executable: program, ExpectedNodes: -1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			parent := t.TempDir()
			test.options.ParentDir = parent
			_, err := Start(t.Context(), test.options)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one that contains %q", err, test.want)
			}
			assertEmpty(t, parent)
		})
	}
}

func assertEmpty(t *testing.T, folder string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		t.Errorf("%s is left in %s", entry.Name(), folder)
	}
}

// fakeComponents writes an executable that is a script instead of the components.
func fakeComponents(t *testing.T, script string) Options {
	t.Helper()
	path := filepath.Join(t.TempDir(), "components")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return Options{Executable: path, ParentDir: t.TempDir()}
}

func TestStartLeavesNothingBehindWhenAComponentEndsEarly(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	options := fakeComponents(t, `[ "$1" = kube-apiserver ] && { echo "bad flag"; exit 1; }; exec sleep 300`)
	_, err := Start(t.Context(), options)
	if err == nil {
		t.Fatal("Start() reports no error")
	}
	for _, want := range []string{"kube-apiserver", "exit status 1", "bad flag"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not contain %q", err, want)
		}
	}
	assertEmpty(t, options.ParentDir)
}

func TestStartTriesOnceMoreWhenAPortWasTaken(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	options := fakeComponents(t, `[ "$1" = kube-apiserver ] && { echo "bind: address already in use"; exit 1; }; exec sleep 300`)
	var steps []string
	options.Progress = func(step string) { steps = append(steps, step) }
	_, err := Start(t.Context(), options)
	if _, ended := errors.AsType[*endedError](err); !ended {
		t.Fatalf("error %v, want an endedError", err)
	}
	want := []string{"starting etcd and the API server", "another program took a port; starting again", "starting etcd and the API server"}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	assertEmpty(t, options.ParentDir)
}

func TestStartEndsWithItsContextAndLeavesNothingBehind(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	options := fakeComponents(t, `exec sleep 300`)
	options.Progress = func(string) { cancel() }
	_, err := Start(ctx, options)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	assertEmpty(t, options.ParentDir)
}

func TestLargeFleetsRenewLeasesLessOften(t *testing.T) {
	tests := []struct {
		name  string
		nodes int
		want  leases
	}{
		{name: "not said", nodes: 0, want: leases{duration: 40, gracePeriod: 50}},
		{name: "the largest ordinary fleet", nodes: 1500, want: leases{duration: 40, gracePeriod: 50}},
		{name: "a large fleet", nodes: 1501, want: leases{duration: 200, gracePeriod: 240}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := leasesFor(test.nodes)
			if got != test.want {
				t.Errorf("leasesFor(%d) = %+v, want %+v", test.nodes, got, test.want)
			}
			if got.gracePeriod <= got.duration {
				t.Errorf("a node is believed lost after %d s, before its lease of %d s ends", got.gracePeriod, got.duration)
			}
		})
	}
}

func TestFreePortsAreDifferent(t *testing.T) {
	got, err := freePorts(50)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, port := range got {
		if port <= 0 || seen[port] {
			t.Errorf("port %d is invalid or occurs twice", port)
		}
		seen[port] = true
	}
	if len(seen) != 50 {
		t.Errorf("%d ports, want 50", len(seen))
	}
}
