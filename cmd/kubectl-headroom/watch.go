// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"
)

// watching are the flags of commands that may answer again and again.
type watching struct {
	*shared
	watch    bool
	interval time.Duration
	// answered is true once there was an answer.
	answered bool
}

// addFlags adds them. usage says when a watch answers and when it ends.
func (w *watching) addFlags(flags *pflag.FlagSet, usage string) {
	flags.BoolVarP(&w.watch, "watch", "w", false, usage)
	flags.DurationVar(&w.interval, "interval", 15*time.Second, "time between two looks of --watch, at least 1s")
}

// check says what is wrong with the flags.
func (w *watching) check() error {
	if w.interval < time.Second {
		return fmt.Errorf("--interval %s: want 1s or more", w.interval)
	}
	return nil
}

// repeat looks once, or with --watch until look says that it is over or until it is interrupted. A cluster that does not answer may do so
// again, but for the first time: then something else is likely wrong.
func (w *watching) repeat(ctx context.Context, look func(context.Context) (over bool, err error)) (interrupted bool, err error) {
	var unwritten *writeError
	for first := true; ; first = false {
		over, err := look(ctx)
		switch {
		case w.watch && ctx.Err() != nil:
			return true, nil //nolint:nilerr // what was asked last was not answered because of the interruption
		case !w.watch, over, first && err != nil, errors.As(err, &unwritten):
			return false, err
		case err != nil:
			fmt.Fprintf(w.ErrOut, "error: %v; trying again in %s\n", err, w.interval)
		}
		select {
		case <-ctx.Done():
			return true, nil
		case <-w.clock.After(w.interval):
		}
	}
}

// next prints an answer, apart from the one before, if there was one.
func (w *watching) next(answer any, names []string, text func(*page)) error {
	between := "\n"
	if w.output == outputYAML {
		between = "---\n"
	}
	if w.answered {
		if err := writeAll(w.Out, []byte(between)); err != nil {
			return err
		}
	}
	w.answered = true
	return w.print(answer, names, text)
}
