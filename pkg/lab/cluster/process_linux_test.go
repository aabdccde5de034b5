// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headroom-dev/headroom/pkg/lab/lifeline"
)

// ownerVariable makes the test binary the owner of a scheduler that does not watch its parent.
const ownerVariable = "HEADROOM_LAB_TEST_OWNER"

func TestMain(m *testing.M) {
	if folder := os.Getenv(ownerVariable); folder != "" {
		runOwner(folder)
	}
	os.Exit(m.Run())
}

// runOwner starts a child, prints its process number and waits to be killed.
func runOwner(folder string) {
	parent, err := lifeline.NewParent()
	if err != nil {
		panic(err)
	}
	child := foreignCommand("/bin/sleep", []string{"300"})
	child.name = "scheduler"
	p, err := startProcess(child, folder, parent, make(chan error))
	if err != nil {
		panic(err)
	}
	fmt.Println(p.pid())
	time.Sleep(time.Minute)
	os.Exit(1)
}

func TestASchedulerOfItsOwnExecutableIsKilledWithItsOwner(t *testing.T) {
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, logsFolder), 0o700); err != nil {
		t.Fatal(err)
	}
	owner := exec.CommandContext(t.Context(), os.Args[0])
	owner.Env = []string{ownerVariable + "=" + folder}
	stdout, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := processIdentity(pid); err != nil {
		t.Fatalf("the scheduler does not run: %v", err)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := processIdentity(pid); err != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the scheduler still runs")
		}
	}
}

func TestProportionalSetSizeOfThisProcessIsPlausible(t *testing.T) {
	got, err := proportionalSetSize(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if got < 1<<20 || got > 1<<30 {
		t.Errorf("%d bytes, want 1 MiB to 1 GiB", got)
	}
}

func TestProcessIdentityTellsProcessesApart(t *testing.T) {
	own, err := processIdentity(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	again, err := processIdentity(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if own != again || own == "" {
		t.Errorf("this process is %q, then %q", own, again)
	}
	if parent, err := processIdentity(1); err == nil && parent == own {
		t.Errorf("process 1 has the identity %q of this one", parent)
	}
	if _, err := processIdentity(1 << 30); err == nil {
		t.Error("a process that does not exist has an identity")
	}
}
