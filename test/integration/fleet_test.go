// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fleetSummary is the part of summary.json that is the same in every run.
type fleetSummary struct {
	Interrupted bool           `json:"interrupted"`
	Nodes       int            `json:"nodes"`
	Pods        int            `json:"pods"`
	Placed      int            `json:"placed"`
	Unplaced    int            `json:"unplaced"`
	Reasons     map[string]int `json:"reasons"`
}

// writeFleet writes five nodes of 4 CPUs and 8Gi, thirty pods that fit on them and one that fits nowhere.
func writeFleet(t *testing.T) (nodes, pods string) {
	t.Helper()
	var nodeRows, podRows bytes.Buffer
	nodeRows.WriteString("memory_bytes,gpu,node,cpu_milli\n")
	for i := range 5 {
		fmt.Fprintf(&nodeRows, "%d,8,fleet-%d,4000\n", 8<<30, i)
	}
	podRows.WriteString("series_id,cpu_milli,requested_bytes,start_s,end_s\n")
	fmt.Fprintf(&podRows, "too-big,500,%d,,\n", 100<<30)
	for i := range 30 {
		fmt.Fprintf(&podRows, "pod-%d,500,%d,%d,%d\n", i, 1<<30, i, i+10)
	}
	folder := t.TempDir()
	nodes, pods = filepath.Join(folder, "nodes.csv"), filepath.Join(folder, "pods.csv")
	for path, rows := range map[string][]byte{nodes: nodeRows.Bytes(), pods: podRows.Bytes()} {
		if err := os.WriteFile(path, rows, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return nodes, pods
}

// runFleet returns the command "headroom-lab run" on two files.
func runFleet(t *testing.T, nodes, pods, out, settle string) (command *exec.Cmd, temporary string) {
	t.Helper()
	return labCommand(t, "run", "--nodes", nodes, "--pods", pods, "--out", out, "--settle", settle)
}

func readFleetSummary(t *testing.T, out string) (fleetSummary, []byte) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(out, "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	var summary fleetSummary
	if err := json.Unmarshal(content, &summary); err != nil {
		t.Fatal(err)
	}
	return summary, content
}

// placedAllButOne is what becomes of the fleet of writeFleet.
func placedAllButOne(interrupted bool) fleetSummary {
	return fleetSummary{Interrupted: interrupted, Nodes: 5, Pods: 31, Placed: 30, Unplaced: 1, Reasons: map[string]int{"Insufficient memory": 1}}
}

func TestRunPlacesAFleetFromCSVAndSaysWhyAPodFitsNowhere(t *testing.T) {
	t.Parallel()
	nodes, pods := writeFleet(t)
	out := filepath.Join(t.TempDir(), "new", "folder")
	command, temporary := runFleet(t, nodes, pods, out, "5s")
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	got, content := readFleetSummary(t, out)
	if diff := cmp.Diff(placedAllButOne(false), got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	var measured struct {
		PodsPerSecond   float64 `json:"podsPerSecond"`
		Seconds         float64 `json:"seconds"`
		PeakMemoryBytes int64   `json:"peakMemoryBytes"`
		Examples        map[string]struct {
			Pod, Message string
		} `json:"examples"`
	}
	if err := json.Unmarshal(content, &measured); err != nil {
		t.Fatal(err)
	}
	if measured.Seconds <= 0 || measured.PodsPerSecond <= 0 {
		t.Errorf("%v s, %v pods/s, want both above 0", measured.Seconds, measured.PodsPerSecond)
	}
	if measured.PeakMemoryBytes < 100*mebibyte {
		t.Errorf("peak memory %d bytes: no control plane is that small", measured.PeakMemoryBytes)
	}
	example := measured.Examples["Insufficient memory"]
	if example.Pod != "too-big" || !strings.HasPrefix(example.Message, "0/5 nodes are available: 5 Insufficient memory.") {
		t.Errorf("example %+v, want too-big with the scheduler's message", example)
	}
	if !strings.Contains(string(output), "30 of 31 pods placed on 5 nodes") {
		t.Errorf("the output has no summary:\n%s", output)
	}
	wantEmpty(t, temporary)
}

func TestRunWritesHowFarItCameWhenInterrupted(t *testing.T) {
	t.Parallel()
	nodes, pods := writeFleet(t)
	out := t.TempDir()
	command, temporary := runFleet(t, nodes, pods, out, "1h")
	if stderr := interruptAt(t, command, "30 of 31 pods placed, 1 fit nowhere so far"); !strings.Contains(stderr, "the run was interrupted") {
		t.Fatalf("the run did not say that it was interrupted: %s", stderr)
	}
	got, _ := readFleetSummary(t, out)
	if diff := cmp.Diff(placedAllButOne(true), got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	wantEmpty(t, temporary)
}

func TestRunRefusesAMalformedRowBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	nodes, pods := writeFleet(t)
	for _, test := range []struct {
		name, file, row, want string
	}{
		{"a node", nodes, "8589934592,8,fleet-9,4 cores\n", `nodes.csv:7:4: cpu_milli "4 cores": want a whole number in digits, at least 1`},
		{"a pod", pods, "pod-99,500,-1,,\n", `pods.csv:33:3: requested_bytes "-1": want a whole number in digits, at least 0`},
		{"a row cut short", pods, "pod-99,500\n", `pods.csv:33:3: the row has 2 fields, want 5: requested_bytes is the first one missing`},
	} {
		t.Run(test.name, func(t *testing.T) {
			good, err := os.ReadFile(test.file)
			if err != nil {
				t.Fatal(err)
			}
			bad := filepath.Join(t.TempDir(), filepath.Base(test.file))
			if err := os.WriteFile(bad, append(good, test.row...), 0o600); err != nil {
				t.Fatal(err)
			}
			nodeFile, podFile := nodes, bad
			if test.file == nodes {
				nodeFile, podFile = bad, pods
			}
			out := filepath.Join(t.TempDir(), "out")
			command, temporary := runFleet(t, nodeFile, podFile, out, "5s")
			began := time.Now()
			output, err := command.CombinedOutput()
			if err == nil || !strings.Contains(string(output), filepath.Dir(bad)+"/"+test.want) {
				t.Errorf("error %v, output %q, want it to contain %q", err, output, test.want)
			}
			// Mostly the time to load the binary, on a machine that other tests keep busy.
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %s to refuse the row", took)
			}
			if strings.Contains(string(output), "starting") {
				t.Errorf("something was started:\n%s", output)
			}
			if _, err := os.Stat(out); !os.IsNotExist(err) {
				t.Errorf("the folder for the summary was made: %v", err)
			}
			wantEmpty(t, temporary)
		})
	}
}
