// SPDX-License-Identifier: Apache-2.0

// Command headroom-lab runs a real Kubernetes control plane with fake nodes on this machine.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/headroom-dev/headroom/pkg/lab/component"
)

func main() {
	// As a child of itself this binary is etcd, the API server and so on: see pkg/lab/component.
	if component.Main(os.Args) {
		return
	}
	os.Exit(run())
}

// run returns the exit code. The first signal cancels the context, and the commands then clean up. Later signals do nothing:
// the handler stays, so that an impatient second Ctrl-C cannot end the process half-way through.
func run() int {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signals = append(signals, syscall.SIGHUP)
	}
	// Caught, or a write after the reader of the output has gone would end the process before it has cleaned up: in "up | tee",
	// Ctrl-C ends tee first. Connections to servers break that way, too, so that the signal itself says nothing.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	ctx, stop := signal.NotifyContext(ctx, signals...)
	defer stop()
	root := newRootCommand()
	root.SetOut(&output{file: os.Stdout, gone: cancel})
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "headroom-lab: %v\n", err)
		return 1
	}
	return 0
}
