// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// demoCommand is the real demo on a small spec. Its temporary files go to a folder of their own.
func demoCommand(t *testing.T) (command *exec.Cmd, temporary, out string) {
	t.Helper()
	temporary, out = t.TempDir(), filepath.Join(t.TempDir(), "demo")
	command = exec.CommandContext(t.Context(), binary(t, "headroom-lab"), "demo", "--spec", "testdata/small-demo.yaml", "--out", out,
		"--scheduler", binary(t, "headroom-scheduler"))
	command.Env = append(os.Environ(), "TMPDIR="+temporary)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = waitLimit
	return command, temporary, out
}

// wantEmpty fails if anything is left in a folder.
func wantEmpty(t *testing.T, folder string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		t.Errorf("%s was left behind", entry.Name())
	}
}

func TestTheDemoReportsWhatHappened(t *testing.T) {
	t.Parallel()
	command, temporary, out := demoCommand(t)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, output)
	}
	wantEmpty(t, temporary)
	content, err := os.ReadFile(filepath.Join(out, "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	var summary struct {
		Pools map[string]struct {
			PodsPlaced, PodsRunning, Evictions, OOMKills int
			PendingSeconds, NodeUseP50, NodeUseP99       float64
		}
	}
	if err := json.Unmarshal(content, &summary); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"default", "headroom"} {
		pool, ok := summary.Pools[name]
		switch {
		case !ok:
			t.Errorf("no pool %s in %s", name, content)
		case pool.PodsPlaced != 4, pool.PodsRunning < 3, pool.OOMKills < 1, pool.Evictions != 0,
			pool.PendingSeconds <= 0, pool.NodeUseP50 <= 0, pool.NodeUseP99 < pool.NodeUseP50, pool.NodeUseP99 > 0.5:
			t.Errorf("%s: %+v, want 4 pods placed, 3 running, OOM kills at the limit, no eviction, nodes less than half full", name, pool)
		}
	}
	page, err := os.ReadFile(filepath.Join(out, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"default-1", "headroom-2", "hungry", "container reached its limit"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the report does not show %q", want)
		}
	}
}

func TestAnInterruptedDemoLeavesNothing(t *testing.T) {
	t.Parallel()
	command, temporary, out := demoCommand(t)
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	interrupted := time.Time{}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if strings.Contains(lines.Text(), " of 0:25") && interrupted.IsZero() { // the workload runs
			interrupted = time.Now()
			if err := command.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := command.Wait(); err == nil || interrupted.IsZero() {
		t.Errorf("the demo ended with %v, want it interrupted", err)
	}
	wantEmpty(t, temporary)
	if exists(out) {
		t.Error("an interrupted demo wrote a report")
	}
}
