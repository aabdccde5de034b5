// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/explain/cluster"
)

// Most clusters are read within a second, in which nothing is said. Time is the test's own here.
func TestProgressIsToldAfterASecond(t *testing.T) {
	for _, test := range []struct {
		name     string
		terminal bool
		takes    time.Duration // to read the cluster
		want     string
	}{
		{"a small cluster", false, 999 * time.Millisecond, ""},
		{"a small cluster, on a terminal", true, 999 * time.Millisecond, ""},
		{"a second", false, 1001 * time.Millisecond, "reading the cluster: 500 pods so far\n"},
		{"two lines", false, 3001 * time.Millisecond, "reading the cluster: 500 pods so far\nreading the cluster: 1500 pods so far\n"},
		{
			"one line that is written over, and is gone when there is an answer", true, 3001 * time.Millisecond,
			"\r\x1b[Kreading the cluster: 500 pods so far\r\x1b[Kreading the cluster: 1500 pods so far\r\x1b[K",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told bytes.Buffer
				begin := time.Now()
				stop := tell(clock.RealClock{}, &told, test.terminal, func() int { return int(time.Since(begin) / (2 * time.Millisecond)) })
				time.Sleep(test.takes)
				stop()
				time.Sleep(time.Hour)
				if diff := cmp.Diff(test.want, told.String()); diff != "" {
					t.Errorf("(-want +told):\n%s", diff)
				}
			})
		})
	}
}

// Data is alone on the standard output, whoever reads it.
func TestProgressIsToldOnStandardError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out, errOut bytes.Buffer
		s := newShared(&environment{IOStreams: genericiooptions.IOStreams{Out: &out, ErrOut: &errOut}, clock: clock.RealClock{}})
		stop := s.progress(cluster.Over(fake.NewClientset(), &rest.Config{}))
		time.Sleep(2 * time.Second)
		stop()
		if want := "reading the cluster: 0 pods so far\n"; out.Len() > 0 || errOut.String() != want {
			t.Errorf("standard output %q and error %q, want none and %q", out.String(), errOut.String(), want)
		}
	})
}

func TestOnlyATerminalIsTakenForOne(t *testing.T) {
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for name, writer := range map[string]any{"a file": file, "a buffer": &bytes.Buffer{}} {
		if isTerminal(writer) {
			t.Errorf("%s is taken for a terminal", name)
		}
	}
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no terminal to open: %v", err)
	}
	defer func() { _ = terminal.Close() }()
	if !isTerminal(terminal) {
		t.Error("a terminal is taken for none")
	}
}
