// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// labCommand runs headroom-lab with the real headroom-scheduler. Its temporary files go to a folder of their own.
func labCommand(t *testing.T, arguments ...string) (command *exec.Cmd, temporary string) {
	t.Helper()
	temporary = t.TempDir()
	command = exec.CommandContext(t.Context(), binary(t, "headroom-lab"), append(arguments, "--scheduler", binary(t, "headroom-scheduler"))...)
	command.Env = append(os.Environ(), "TMPDIR="+temporary)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = waitLimit
	return command, temporary
}

// interruptAt interrupts the command as interruptWhen does, and fails if that did not make the command fail. It returns
// what the command wrote to its standard error.
func interruptAt(t *testing.T, command *exec.Cmd, text string) string {
	t.Helper()
	stderr, err := interruptWhen(t, command, text)
	if err == nil {
		t.Errorf("it ended well, want it to fail when interrupted at %q: %s", text, stderr)
	}
	return stderr
}

// interruptWhen runs the command and interrupts it, as Ctrl-C does, when it prints a line with the text; see actWhen.
func interruptWhen(t *testing.T, command *exec.Cmd, text string) (string, error) {
	t.Helper()
	return actWhen(t, command, text, func() {
		if err := command.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	})
}

// actWhen runs the command and acts when it prints a line with the text. It fails if that did not come, and returns what the
// command wrote to its standard error and how it ended.
func actWhen(t *testing.T, command *exec.Cmd, text string, act func()) (string, error) {
	t.Helper()
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	command.Stderr = &stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	acted := false
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if !acted && strings.Contains(lines.Text(), text) {
			acted = true
			act()
		}
	}
	err = command.Wait()
	if !acted {
		t.Errorf("it ended with %v before it printed %q: %s", err, text, &stderr)
	}
	return stderr.String(), err
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
