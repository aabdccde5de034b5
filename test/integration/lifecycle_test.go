// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// labRun is a running "headroom-lab up".
type labRun struct {
	cmd    *exec.Cmd
	folder string // of the cluster, once it is ready
	reader io.Closer
	mu     sync.Mutex
	output bytes.Buffer
	ended  chan struct{}
}

// up starts a lab whose files are in temporary, and waits until it prints a line that contains until.
func up(t *testing.T, temporary, until string) *labRun {
	t.Helper()
	r := &labRun{cmd: exec.Command(binary(t, "headroom-lab"), "up", "--nodes=2"), ended: make(chan struct{})}
	r.cmd.Env = append(os.Environ(), "TMPDIR="+temporary)
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.reader = stdout
	r.cmd.Stderr = &lockedWriter{run: r}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := make(chan struct{})
	go func() {
		defer close(r.ended)
		waiting := true
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			fmt.Fprintln(r.cmd.Stderr, lines.Text())
			if path, found := strings.CutPrefix(lines.Text(), "KUBECONFIG="); found {
				r.folder = filepath.Dir(path)
			}
			if waiting && strings.Contains(lines.Text(), until) {
				waiting = false
				close(seen)
			}
		}
		_ = r.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.ended
	})
	select {
	case <-seen:
	case <-r.ended:
		t.Fatalf("headroom-lab up ended before it printed %q:\n%s", until, r.text())
	case <-time.After(startLimit):
		t.Fatalf("headroom-lab up did not print %q within %s:\n%s", until, startLimit, r.text())
	}
	return r
}

type lockedWriter struct{ run *labRun }

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.run.mu.Lock()
	defer w.run.mu.Unlock()
	return w.run.output.Write(p)
}

func (r *labRun) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.output.String()
}

// end sends signals and waits until the program has ended.
func (r *labRun) end(t *testing.T, signals ...os.Signal) {
	t.Helper()
	for _, signal := range signals {
		if err := r.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-r.ended:
	case <-time.After(waitLimit):
		t.Fatalf("headroom-lab up did not end within %s of %v:\n%s", waitLimit, signals, r.text())
	}
}

// children returns the processes that the cluster's folder lists, by name.
func (r *labRun) children(t *testing.T) map[string]int {
	t.Helper()
	children := recorded(t, r.folder)
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "metrics-server"} {
		if !alive(children[name]) {
			t.Errorf("%s does not run: %v", name, children)
		}
	}
	return children
}

// recorded returns what the folder of a cluster says of its processes: their numbers, by name.
func recorded(t *testing.T, folder string) map[string]int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(folder, "processes.json"))
	if err != nil {
		t.Fatal(err)
	}
	var records []struct {
		Name string `json:"name"`
		PID  int    `json:"pid"`
	}
	if err := json.Unmarshal(content, &records); err != nil {
		t.Fatal(err)
	}
	children := map[string]int{}
	for _, record := range records {
		children[record.Name] = record.PID
	}
	return children
}

// alive tells whether a process runs. One that has ended counts as gone even if nobody has waited for it.
func alive(pid int) bool {
	if pid <= 0 || syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return !exists("/proc/self") // without proc(5) there is no telling
	}
	_, state, _ := bytes.Cut(stat[bytes.LastIndexByte(stat, ')'):], []byte(" "))
	return len(state) > 0 && state[0] != 'Z' && state[0] != 'X'
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// assertGone waits until no process is left and nobody listens at the addresses.
func assertGone(t *testing.T, limit time.Duration, children map[string]int, addresses []string) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for name, pid := range children {
		for alive(pid) {
			if time.Now().After(deadline) {
				t.Fatalf("%s (process %d) still runs after %s", name, pid, limit)
			}
			time.Sleep(waitInterval)
		}
	}
	// The last threads of a process close its files after it has been counted as gone.
	grace := deadline.Add(time.Second)
	for _, address := range addresses {
		for listening(address) {
			if time.Now().After(grace) {
				t.Fatalf("somebody still listens at %s", address)
			}
			time.Sleep(waitInterval)
		}
	}
}

func listening(address string) bool {
	connection, err := net.DialTimeout("tcp", address, time.Second)
	if err == nil {
		_ = connection.Close()
	}
	return err == nil
}

func assertEmpty(t *testing.T, folder string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		t.Errorf("%s is left in the temporary folder", entry.Name())
	}
}

func TestUpServesOnLoopbackOnlyAndLeavesNothingBehindAfterSIGTERM(t *testing.T) {
	t.Parallel()
	temporary := t.TempDir()
	began := time.Now()
	r := up(t, temporary, "Ctrl-C")
	t.Logf("ready after %s", time.Since(began).Round(time.Millisecond))
	children := r.children(t)
	addresses := listeners(t, children)
	for _, address := range addresses {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		if ip := net.ParseIP(host); !ip.IsLoopback() {
			t.Errorf("somebody listens at %s, which is not loopback", address)
		}
	}
	kubectl := exec.CommandContext(t.Context(), binary(t, "headroom-lab"), "kubectl", "--kubeconfig", filepath.Join(r.folder, "admin.kubeconfig"), "get", "nodes", "-o", "name")
	output, err := kubectl.CombinedOutput()
	if got, want := string(output), "node/node-1\nnode/node-2\n"; err != nil || got != want {
		t.Errorf("kubectl get nodes printed %q (%v), want %q", got, err, want)
	}

	began = time.Now()
	r.end(t, syscall.SIGTERM, os.Interrupt, syscall.SIGTERM)
	t.Logf("stopped within %s", time.Since(began).Round(time.Millisecond))
	if code := r.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s", code, r.text())
	}
	assertGone(t, 0, children, addresses)
	assertEmpty(t, temporary)
}

func TestNextStartClearsAwayWhatASIGKILLLeft(t *testing.T) {
	t.Parallel()
	temporary := t.TempDir()
	r := up(t, temporary, "Ctrl-C")
	children, left := r.children(t), r.folder
	addresses := listeners(t, children)
	r.end(t, syscall.SIGKILL)
	began := time.Now()
	assertGone(t, 15*time.Second, children, addresses)
	t.Logf("the children were gone after %s", time.Since(began).Round(time.Millisecond))
	if !exists(left) {
		t.Fatalf("%s is gone: nothing to clear away", left)
	}

	next := up(t, temporary, "removed 1 abandoned cluster")
	if exists(left) {
		t.Errorf("%s is still there", left)
	}
	next.end(t, os.Interrupt)
	assertEmpty(t, temporary)
}

// Ctrl-C in "up | tee" ends tee, too, and often first.
func TestUpLeavesNothingBehindWhenTheReaderOfItsOutputHasGone(t *testing.T) {
	t.Parallel()
	for name, signals := range map[string][]os.Signal{"alone": nil, "with an interrupt": {os.Interrupt}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			temporary := t.TempDir()
			r := up(t, temporary, "starting etcd")
			if err := r.reader.Close(); err != nil {
				t.Fatal(err)
			}
			r.end(t, signals...)
			if code := r.cmd.ProcessState.ExitCode(); code != 1 {
				t.Errorf("it ended with %s, want exit code 1: it was not ready", r.cmd.ProcessState)
			}
			assertEmpty(t, temporary)
		})
	}
}

func TestASecondInterruptDuringTheStartLeavesNothingBehind(t *testing.T) {
	temporary := t.TempDir()
	r := up(t, temporary, "starting etcd")
	r.end(t, os.Interrupt, os.Interrupt)
	if code := r.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d, want 1: it was not ready", code)
	}
	assertEmpty(t, temporary)
}

func TestUpEndsWhenAComponentDoes(t *testing.T) {
	t.Parallel()
	temporary := t.TempDir()
	r := up(t, temporary, "Ctrl-C")
	children := r.children(t)
	if err := syscall.Kill(children["kwok"], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.end(t)
	if code := r.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if !containsAll(r.text(), "kwok ended early", "killed") {
		t.Errorf("the output does not say that kwok was killed:\n%s", r.text())
	}
	assertGone(t, 0, children, nil)
	assertEmpty(t, temporary)
}

func TestUpRefusesFlagsBeforeAnythingStarts(t *testing.T) {
	for flag, want := range map[string]string{"--node-memory=much": "--node-memory", "--node-cpu=0": "--node-cpu", "--nodes=-1": "--nodes"} {
		t.Run(flag, func(t *testing.T) {
			temporary := t.TempDir()
			ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
			defer cancel()
			command := exec.CommandContext(ctx, binary(t, "headroom-lab"), "up", flag)
			command.Env = append(os.Environ(), "TMPDIR="+temporary)
			output, err := command.CombinedOutput()
			if err == nil || !strings.Contains(string(output), want) {
				t.Errorf("it ended with %v and printed %q, want an error that names %s", err, output, want)
			}
			assertEmpty(t, temporary)
		})
	}
}

func containsAll(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}
