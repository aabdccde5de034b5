// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// burstCommand is the real scenario on a small spec.
func burstCommand(t *testing.T, spec, out string) (command *exec.Cmd, temporary string) {
	t.Helper()
	return labCommand(t, "scenario", "burst", "--spec", spec, "--out", out)
}

// burstSummary is the part of summary.json that is checked.
type burstSummary struct {
	Scenario                string
	Seed                    int64
	NodesPerPool, BurstPods int
	SampleAgeSeconds        float64
	Schedulers              map[string]burstOutcome
}

type burstOutcome struct {
	NodesOverThreshold, Evictions, OOMKills, PodsRunning, PodsWanted int
	Nodes                                                            []struct {
		Node                      string
		PeakBytes, ThresholdBytes int64
	}
}

// checkBurstOutcome checks what is so in every run, whichever the scheduler.
func checkBurstOutcome(t *testing.T, name string, outcome burstOutcome) {
	t.Helper()
	over := 0
	for _, node := range outcome.Nodes {
		// 2Gi less the threshold: the reservation is what the system holds.
		if !strings.HasPrefix(node.Node, name+"-") || node.ThresholdBytes != 1948*mebibyte || node.PeakBytes < 100*mebibyte {
			t.Errorf("%s: %+v, want a node of the pool with a threshold of 1948Mi and what its system holds or more", name, node)
		}
		if node.PeakBytes > node.ThresholdBytes {
			over++
		}
	}
	switch {
	case len(outcome.Nodes) != 6, outcome.NodesOverThreshold != over, over < 1,
		outcome.Evictions+outcome.OOMKills < 1, outcome.PodsWanted != 17, outcome.PodsRunning > outcome.PodsWanted:
		t.Errorf("%s: %+v, want 6 nodes, some of them over their threshold, evictions or OOM kills, and 17 pods wanted", name, outcome)
	}
}

func TestTheBurstComparesThreeSchedulers(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "new", "folder")
	command, temporary := burstCommand(t, "testdata/small-burst.yaml", out)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, output)
	}
	wantEmpty(t, temporary)
	content, err := os.ReadFile(filepath.Join(out, "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	var summary burstSummary
	if err := json.Unmarshal(content, &summary); err != nil {
		t.Fatal(err)
	}
	if summary.Scenario != "burst" || summary.Seed != 1 || summary.NodesPerPool != 6 || summary.BurstPods != 12 || summary.SampleAgeSeconds < 2 {
		t.Errorf("got %+v, want burst with seed 1, 6 nodes, 12 pods and samples of 2 s or more", summary)
	}
	if len(summary.Schedulers) != 3 {
		t.Errorf("%d schedulers, want 3", len(summary.Schedulers))
	}
	for _, name := range []string{"default", "loadvariation", "headroom"} {
		checkBurstOutcome(t, name, summary.Schedulers[name])
	}
	for _, want := range []string{"nodes over their threshold", "OOM kills", "left | default: ", filepath.Join(out, "summary.json")} {
		if !strings.Contains(string(output), want) {
			t.Errorf("the output does not have %q:\n%s", want, output)
		}
	}
}

func TestAnInterruptedBurstLeavesNothing(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	command, temporary := burstCommand(t, "testdata/small-burst.yaml", out)
	interruptAt(t, command, "12 pods for each scheduler, now")
	wantEmpty(t, temporary)
	wantEmpty(t, out)
}

func TestTheBurstRefusesABadSpecBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("testdata/small-burst.yaml")
	if err != nil {
		t.Fatal(err)
	}
	spec := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(spec, []byte(strings.Replace(string(content), "count: 6", "count: 2", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	command, temporary := burstCommand(t, spec, out)
	output, err := command.CombinedOutput()
	if want := "base: Invalid value: 3: the sum of nodes must be at most nodes.count, 2"; err == nil || !strings.Contains(string(output), want) {
		t.Errorf("error %v, output %q, want it to contain %q", err, output, want)
	}
	if exists(out) {
		t.Error("the folder for the summary was made")
	}
	wantEmpty(t, temporary)
}
