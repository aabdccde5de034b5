// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/lab/lifeline"
)

// startShell starts a shell command as a child of a cluster.
func startShell(t *testing.T, script string, failed chan error) *process {
	t.Helper()
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, logsFolder), 0o700); err != nil {
		t.Fatal(err)
	}
	parent, err := lifeline.NewParent()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = parent.Close() })
	p, err := startProcess(command{name: "shell", executable: "/bin/sh", arguments: []string{"-c", script}}, folder, parent, failed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.stopWithin(0) })
	return p
}

func TestAProcessThatEndsByItselfIsReportedWithTheEndOfItsLog(t *testing.T) {
	failed := make(chan error, 1)
	startShell(t, "seq 1 100; echo 'listen tcp 127.0.0.1:1: bind: address already in use' >&2; exit 7", failed)
	var err error
	select {
	case err = <-failed:
	case <-time.After(10 * time.Second):
		t.Fatal("no error within 10 s")
	}
	var ended *endedError
	if !errors.As(err, &ended) {
		t.Fatalf("error %v, want an endedError", err)
	}
	if !ended.portTaken() {
		t.Error("portTaken() = false, want true")
	}
	for _, want := range []string{"shell", "exit status 7", "address already in use", "\n100\n"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not contain %q", err, want)
		}
	}
	if lines := strings.Count(ended.tail, "\n") + 1; lines != logTailLines {
		t.Errorf("the error shows %d lines, want %d", lines, logTailLines)
	}
}

func TestTheEndOfALogHasTheCauseOfAPanic(t *testing.T) {
	goroutines := "\ngoroutine 1 [running]:\n" + strings.Repeat("main.main()\n\t/main.go:1 +0x1\n", 2000) + "exit status 2\n"
	for _, test := range []struct{ name, log, want string }{
		{"a panic", "first\nno space left\npanic: failed to create WAL\n" + goroutines, "first\nno space left\npanic: failed to create WAL"},
		{"a fatal error, at once", "fatal error: out of memory\n" + goroutines, "fatal error: out of memory"},
		{"a panic that was survived", "panic: one\n" + goroutines + strings.Repeat("later\n", 30) + "panic: two\n" + goroutines, strings.Repeat("later\n", 19) + "panic: two"},
		{"a panic that says no more", "panic: one\n", "panic: one"},
		{"none", "goroutine 1 is a word\n", "goroutine 1 is a word"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(path, []byte(test.log), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := logTail(path); got != test.want {
				t.Errorf("the end of the log is %q, want %q", got, test.want)
			}
		})
	}
}

func TestStopEndsAProcessWithoutAnError(t *testing.T) {
	for _, test := range []struct{ name, script string }{
		{name: "one that obeys SIGTERM", script: "sleep 300"},
		{name: "one that ignores SIGTERM", script: "trap '' TERM; echo deaf; while true; do sleep 1; done"},
	} {
		t.Run(test.name, func(t *testing.T) {
			failed := make(chan error, 1)
			p := startShell(t, test.script, failed)
			p.stopWithin(50 * time.Millisecond)
			if !p.ended() {
				t.Error("the process still runs")
			}
			select {
			case err := <-failed:
				t.Errorf("reported as failed: %v", err)
			default:
			}
		})
	}
}

func TestChildEnvironmentHasNothingOfTheUsersConfiguration(t *testing.T) {
	users := map[string]string{
		"PATH": "/bin", "GOMAXPROCS": "1", "HOME": "/home/user", "KUBECONFIG": "/home/user/.kube/config",
		"HTTPS_PROXY": "http://proxy", "ETCD_NAME": "other", "KWOK_CONFIG": "x", lifeline.EnvironmentVariable: "3",
	}
	got := childEnvironment("/folder", func(name string) (string, bool) {
		value, set := users[name]
		return value, set
	})
	want := []string{"HOME=/folder", "TMPDIR=/folder/tmp", "PATH=/bin", "GOMAXPROCS=1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}
