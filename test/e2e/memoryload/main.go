// SPDX-License-Identifier: Apache-2.0

// Command memoryload holds as much memory as its arguments say, step by step: it grows, stays, frees and bursts.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const usage = `usage: memoryload [-repeat | -exit] SIZE[:OVER[:STAY]]...

Each step brings the memory that is held to SIZE, evenly over OVER, and stays there for STAY. A smaller SIZE frees memory.
After the last step it stays as it is; with -repeat it begins again at the first, and with -exit it ends.

  memoryload 350Mi:5s                             grow to 350 MiB within five seconds
  memoryload -repeat 30Mi:0s:40s 150Mi:2s:20s     a burst every minute
  memoryload -exit 200Mi:5s:30s                   a job
`

// terminatedCode is the exit code of a program that a SIGTERM ended. With code 0 a pod that was evicted would have succeeded.
const terminatedCode = 128 + int(syscall.SIGTERM)

var errTerminated = errors.New("terminated")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	switch err := run(ctx, os.Args[1:]); {
	case errors.Is(err, errTerminated):
		os.Exit(terminatedCode)
	case err != nil:
		fmt.Fprintf(os.Stderr, "memoryload: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("memoryload", flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprint(flags.Output(), usage) }
	repeat := flags.Bool("repeat", false, "begin again after the last step")
	exit := flags.Bool("exit", false, "end after the last step")
	if err := flags.Parse(args); err != nil {
		return err
	}
	steps, err := parseSteps(flags.Args())
	if err != nil {
		return err
	}
	var held memory
	defer held.free()
	for first := true; first || *repeat; first = false {
		for _, step := range steps {
			if err := held.take(ctx, step); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return errTerminated
			}
		}
	}
	if *exit {
		return nil
	}
	<-ctx.Done()
	return errTerminated
}
