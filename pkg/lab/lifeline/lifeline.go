// SPDX-License-Identifier: Apache-2.0

// Package lifeline ends child processes when their parent is gone, however the parent ended.
//
// The parent holds the write end of a pipe that nobody writes to, and every child inherits the read end. The kernel closes
// the write end with the parent, even after SIGKILL, and each child then reads end of file.
package lifeline

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// EnvironmentVariable names the variable that tells a child the number of its end of the pipe.
const EnvironmentVariable = "HEADROOM_LAB_PARENT_FD"

// Grace is how long a child may take to stop in an orderly way after its parent is gone, before it exits hard.
const Grace = 8 * time.Second

// exitParentGone is the exit code of a child that did not stop within Grace.
const exitParentGone = 3

// Parent is the parent's side. Its children live no longer than it does.
type Parent struct {
	read, write *os.File
}

// NewParent opens the pipe.
func NewParent() (*Parent, error) {
	// Both ends are close-on-exec: only Attach hands the read end on, and the write end never leaves this process.
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("opening the pipe that child processes watch: %w", err)
	}
	return &Parent{read: read, write: write}, nil
}

// Attach ties command, which must not have been started, to the parent. command.Env must be set: an empty one would mean
// the whole environment of this process.
func (p *Parent) Attach(command *exec.Cmd) {
	command.ExtraFiles = append(command.ExtraFiles, p.read)
	descriptor := 2 + len(command.ExtraFiles) // 0-2 are the standard streams
	command.Env = append(command.Env, EnvironmentVariable+"="+strconv.Itoa(descriptor))
}

// Close lets go of the pipe: children that still run see end of file.
func (p *Parent) Close() error {
	readErr := p.read.Close()
	if err := p.write.Close(); err != nil {
		return err
	}
	return readErr
}

// Watch is the child's side: if this process was attached to a parent it sends itself SIGTERM once the parent is gone, and
// exits hard after Grace. It returns at once, and does nothing in a process that was not attached.
func Watch() error { return watch(Grace) }

func watch(grace time.Duration) error {
	value, attached := os.LookupEnv(EnvironmentVariable)
	if !attached {
		return nil
	}
	// Not for this process's own children: the number means nothing to them.
	if err := os.Unsetenv(EnvironmentVariable); err != nil {
		return fmt.Errorf("unsetting %s: %w", EnvironmentVariable, err)
	}
	descriptor, err := strconv.Atoi(value)
	if err != nil || descriptor < 3 {
		return fmt.Errorf("%s=%q: want the number of an inherited file descriptor, 3 or higher", EnvironmentVariable, value)
	}
	syscall.CloseOnExec(descriptor)
	pipe := os.NewFile(uintptr(descriptor), "lifeline")
	if _, err := pipe.Stat(); err != nil {
		return fmt.Errorf("%s=%d is not an open file descriptor: %w", EnvironmentVariable, descriptor, err)
	}
	go func() {
		// Nobody writes, so a return of Read means that the parent is gone.
		_, _ = pipe.Read(make([]byte, 1))
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		time.Sleep(grace)
		os.Exit(exitParentGone) //nolint:forbidigo // the last resort of a process that nobody waits for any more
	}()
	return nil
}
