// SPDX-License-Identifier: Apache-2.0

// Command kubectl-headroom is kubectl headroom: why a pod is pending or where it is, what memory nodes have left, and who dies
// first.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // credentials of clouds
	"k8s.io/utils/clock"
)

// Exit codes, which docs/explain.md names.
const (
	codeYes   = 0 // it fits; nothing is wrong
	codeNo    = 1 // it does not fit; something is wrong
	codeError = 2 // there is no answer
)

// errNo ends a command whose answer was printed and is no.
var errNo = errors.New("no")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // A second one ends the process at once, whatever a plugin does with the first.
	collectLate(os.Getenv)
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	code := run(ctx, environment{IOStreams: streams, clock: clock.RealClock{}, getenv: os.Getenv}, os.Args[1:])
	stop()
	os.Exit(code)
}

// run runs the command of the arguments and returns the exit code.
func run(ctx context.Context, env environment, arguments []string) int {
	root := newRootCommand(&env)
	root.SetArgs(arguments)
	root.SetOut(env.Out)
	root.SetErr(env.ErrOut)
	switch err := root.ExecuteContext(ctx); {
	case err == nil:
		return codeYes
	case errors.Is(err, errNo):
		return codeNo
	default:
		fmt.Fprintf(env.ErrOut, "error: %v\n", err)
		return codeError
	}
}
