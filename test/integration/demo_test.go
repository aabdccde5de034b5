// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// demoCommand is the real demo on a small spec.
func demoCommand(t *testing.T) (command *exec.Cmd, temporary, out string) {
	t.Helper()
	out = filepath.Join(t.TempDir(), "demo")
	command, temporary = labCommand(t, "demo", "--spec", "testdata/small-demo.yaml", "--out", out)
	return command, temporary, out
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

func TestADemoThatIsKeptSaysWhyItEnds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		end  func(t *testing.T, demo *os.Process, folder string)
		code int
		want string
	}{
		{"because it was told to", func(t *testing.T, demo *os.Process, _ string) {
			t.Helper()
			if err := demo.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}, 0, ""},
		{"because a component did", func(t *testing.T, _ *os.Process, folder string) {
			t.Helper()
			if err := syscall.Kill(recorded(t, folder)["kwok"], syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}, 1, "kwok ended early (signal: killed)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			command, temporary, _ := demoCommand(t)
			command.Args = append(command.Args, "--keep")
			stderr, err := actWhen(t, command, "keeps running until Ctrl-C", func() {
				folders, err := filepath.Glob(filepath.Join(temporary, "headroom-lab-*"))
				if err != nil || len(folders) != 1 {
					t.Fatalf("the folders of clusters are %v (%v), want one", folders, err)
				}
				test.end(t, command.Process, folders[0])
			})
			if code := command.ProcessState.ExitCode(); code != test.code || !strings.Contains(stderr, test.want) {
				t.Errorf("exit code %d (%v), want %d, and %q in %q", code, err, test.code, test.want, stderr)
			}
			wantEmpty(t, temporary)
		})
	}
}

func TestAnInterruptedDemoLeavesNothing(t *testing.T) {
	t.Parallel()
	command, temporary, out := demoCommand(t)
	interruptAt(t, command, " of 0:25") // the workload runs
	wantEmpty(t, temporary)
	if exists(out) {
		t.Error("an interrupted demo wrote a report")
	}
}
