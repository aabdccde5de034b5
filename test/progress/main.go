// SPDX-License-Identifier: Apache-2.0

// Command progress runs "go build" and says how far it is. A first build compiles all of Kubernetes, which takes
// minutes in which the go command prints nothing.
//
// On a terminal one line is overwritten every second; elsewhere a plain line appears every 15 seconds. Errors of the
// compiler pass through at once and the exit status is that of "go build". It needs the standard library only, so that
// "go run ./test/progress" itself starts at once.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err == nil {
		return
	}
	fmt.Fprintf(os.Stderr, "progress: %v\n", err)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 0 {
		os.Exit(exit.ExitCode())
	}
	os.Exit(1)
}

// run parses the arguments, asks which packages are not compiled yet, and builds.
func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("progress", flag.ContinueOnError)
	output := flags.String("o", "", `where "go build" writes its binaries; empty discards them`)
	ldflags := flags.String("ldflags", "", `linker flags for "go build"`)
	race := flags.Bool("race", false, "build with the race detector")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("no packages given, for example: go run ./test/progress -o bin/ ./cmd/...")
	}
	b := build{output: *output, ldflags: *ldflags, race: *race, packages: flags.Args()}

	terminal := isTerminal(os.Stderr)
	pending, err := b.pending(ctx)
	if err != nil {
		return err
	}
	return b.run(ctx, pending, newReporter(os.Stderr, terminal, len(pending)))
}

// isTerminal reports whether f is a character device, which is what a terminal is.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
