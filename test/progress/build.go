// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// staleTemplate prints the packages to compile. The go command also calls a package stale that the cache holds and only
// the installation folder does not.
const staleTemplate = `{{if and .Stale (ne .StaleReason "not installed but available in build cache")}}{{.ImportPath}}{{end}}`

// build is one call of "go build".
type build struct {
	output   string
	ldflags  string
	race     bool
	packages []string
}

// listArgs returns the arguments of the "go list" that prints each package which the build cache does not hold.
func (b build) listArgs() []string {
	// The linker flags matter: they are part of what makes a binary fresh.
	args := append([]string{"list"}, b.flags()...)
	args = append(args, "-deps", "-f", staleTemplate)
	return append(args, b.packages...)
}

// buildArgs returns the arguments of the "go build" itself.
func (b build) buildArgs() []string {
	args := append([]string{"build", "-v"}, b.flags()...)
	if b.output != "" {
		args = append(args, "-o", b.output)
	}
	return append(args, b.packages...)
}

// flags returns the flags that both commands share.
func (b build) flags() []string {
	var flags []string
	if b.race {
		flags = append(flags, "-race")
	}
	if b.ldflags != "" {
		flags = append(flags, "-ldflags", b.ldflags)
	}
	return flags
}

// pending returns the import paths that the build will have to compile.
func (b build) pending(ctx context.Context) (map[string]bool, error) {
	list := exec.CommandContext(ctx, "go", b.listArgs()...)
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w", strings.Join(b.packages, " "), err)
	}
	pending := map[string]bool{}
	for path := range strings.FieldsSeq(string(out)) {
		pending[path] = true
	}
	return pending, nil
}

// run builds and reports. It returns the error of "go build".
func (b build) run(ctx context.Context, pending map[string]bool, r *reporter) error {
	cmd := exec.CommandContext(ctx, "go", b.buildArgs()...)
	cmd.Stdout = os.Stdout
	// An interrupted go command removes its own temporary files; a killed one does not.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	lines := make(chan string)
	readErr := make(chan error, 1)
	go func() {
		defer close(lines)
		readErr <- readLines(stderr, lines)
	}()
	r.follow(lines, pending)
	err = cmd.Wait()
	r.finish(err)
	if err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	return <-readErr
}

// readLines sends every line of in to lines, without its end.
func readLines(in io.Reader, lines chan<- string) error {
	reader := bufio.NewReader(in)
	for {
		line, err := reader.ReadString('\n')
		if line != "" {
			lines <- strings.TrimSuffix(line, "\n")
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the output of go build: %w", err)
		}
	}
}
