// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/test/perf"
)

func TestWhatIsMissingIsMeasuredWithAllArms(t *testing.T) {
	plan, err := newPlan("selective/5000,selective/1000,selective/1000,basic", "stock,headroom", 2)
	if err != nil {
		t.Fatal(err)
	}
	of := func(nodes, run int, arm perf.Arm) perf.Result {
		return perf.Result{Workload: "basic", Nodes: nodes, Run: run, Arm: arm}
	}
	selective := func(nodes, run int, arm perf.Arm) perf.Result {
		return perf.Result{Workload: "selective", Nodes: nodes, Run: run, Arm: arm}
	}
	have := []perf.Result{
		of(5000, 1, perf.Headroom), of(5000, 1, perf.Stock), // whole
		of(5000, 2, perf.Headroom), of(5000, 2, perf.Config), // without stock
		of(100, 7, perf.Headroom),                                                                                                            // another size
		selective(1000, 1, perf.Stock), selective(1000, 1, perf.Headroom), selective(5000, 2, perf.Stock), selective(5000, 2, perf.Headroom), // not side by side
	}
	var got []string
	for _, next := range plan.missing(have) {
		got = append(got, fmt.Sprint(next.run, " ", next.subjects))
	}
	want := []string{
		"3 [basic/5000 stock basic/5000 headroom]",
		"3 [selective/1000 stock selective/1000 headroom selective/5000 stock selective/5000 headroom]",
		"4 [selective/1000 stock selective/1000 headroom selective/5000 stock selective/5000 headroom]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("to do (-want +got):\n%s", diff)
	}
}

func TestAPlanOfUnknownThingsIsRefused(t *testing.T) {
	for _, test := range []struct {
		workloads, arms string
		runs            int
		want            string
	}{
		{"selective/7", "", 1, `"selective/7"`},
		{"", "stock,other", 1, `"other"`},
		{"", "", 0, "--runs=0"},
	} {
		if _, err := newPlan(test.workloads, test.arms, test.runs); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("newPlan(%q, %q, %d) = %v, want an error that names %s", test.workloads, test.arms, test.runs, err, test.want)
		}
	}
}

// Pods of a turn are fewer than those of a whole, and other configurations do other work: they are not to be mixed.
func TestOnlyResultsThatWereMeasuredAlikeAreAddedTo(t *testing.T) {
	const config = "a.yaml"
	for _, test := range []struct {
		name   string
		result perf.Result
		want   string // in the error; "": none
	}{
		{"alike", perf.Result{Workload: "basic", Nodes: 5000, Turns: 20, Config: config}, ""},
		{"before there were turns", perf.Result{Workload: "basic", Nodes: 5000, Config: config}, "basic/5000 in 0 turns, and it is measured in 20 now"},
		{"another configuration", perf.Result{Workload: "basic", Nodes: 5000, Turns: 20, Config: "b.yaml"}, "b.yaml, not of a.yaml"},
	} {
		err := checkAlike([]perf.Result{test.result}, config)
		if (err == nil) != (test.want == "") || err != nil && err.Error() != test.want {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

// etcd outlives a harness that dies by itself.
func TestAGroupIsEndedWithTheChildrenOfItsLeader(t *testing.T) {
	leader := exec.Command("sh", "-c", "sleep 300 & echo started; exit 1")
	leader.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := leader.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := leader.Start(); err != nil {
		t.Fatal(err)
	}
	started := make([]byte, len("started"))
	if _, err := out.Read(started); err != nil || !slices.Equal(started, []byte("started")) {
		t.Fatalf("%q, %v", started, err)
	}
	state, err := leader.Process.Wait()
	if err != nil || state.Success() {
		t.Fatalf("leader: %v, %v", state, err)
	}
	if err := endGroup(leader.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(-leader.Process.Pid, 0); err == nil {
		t.Error("the group is still there")
	}
}
