// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/headroom-dev/headroom/test/perf"
)

const (
	harness = "./test/perf/harness"
	etcd    = "go.etcd.io/etcd/server/v3"
)

// bench takes measurements and appends them to the results.
type bench struct {
	out      io.Writer
	config   string // a file of config/
	revision string // of this repository
	results  string
	have     []perf.Result
	folder   string // for binaries and logs
}

func (b *bench) measure(ctx context.Context, todo []comparison) error {
	binary, etcdFolder, err := b.build(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	for i, next := range todo {
		left := ""
		if i > 0 {
			left = fmt.Sprintf(", about %s left", (time.Since(began) / time.Duration(i) * time.Duration(len(todo)-i)).Round(time.Minute))
		}
		fmt.Fprintf(b.out, "%d of %d%s: run %d of %s\n", i+1, len(todo), left, next.run, next.subjects[0].workload.name)
		measured, err := b.compare(ctx, binary, etcdFolder, next)
		if err != nil {
			return err
		}
		for j, of := range next.subjects {
			b.have = append(b.have, perf.Result{
				Workload: of.workload.name, Nodes: of.workload.nodes, Arm: of.arm, Run: next.run, Turns: of.workload.turns, Measured: *measured[j],
				Config: b.config, Revision: b.revision,
			})
		}
		if err := perf.WriteResults(b.results, b.have); err != nil {
			return err
		}
	}
	return nil
}

// build compiles the harness and etcd.
func (b *bench) build(ctx context.Context) (binary, etcdFolder string, err error) {
	folder, err := filepath.Abs(b.folder)
	if err != nil {
		return "", "", err
	}
	binary, etcdFolder = filepath.Join(folder, "harness.test"), filepath.Join(folder, "etcd")
	fmt.Fprintln(b.out, "compiling the harness and etcd; the first time takes minutes")
	for _, arguments := range [][]string{
		{"build", "-o", filepath.Join(etcdFolder, "etcd"), etcd},
		{"test", "-c", "-vet=off", "-o", binary, harness},
	} {
		command := exec.CommandContext(ctx, "go", arguments...)
		command.Stdout, command.Stderr = b.out, b.out
		command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
		if err := command.Run(); err != nil {
			return "", "", fmt.Errorf("go %v: %w", arguments, err)
		}
	}
	return binary, etcdFolder, nil
}

// compare measures all subjects once. Who is first changes from run to run, and with turns from turn to turn.
func (b *bench) compare(ctx context.Context, binary, etcdFolder string, what comparison) ([]*perf.Measured, error) {
	if what.subjects[0].workload.turns > 1 {
		return b.together(ctx, binary, etcdFolder, what)
	}
	measured := make([]*perf.Measured, len(what.subjects))
	for i := range what.subjects {
		at := (i + what.run) % len(what.subjects)
		alone, err := b.together(ctx, binary, etcdFolder, comparison{what.subjects[at : at+1], what.run})
		if err != nil {
			return nil, err
		}
		measured[at] = alone[0]
	}
	return measured, nil
}

// together measures subjects that take turns. Each is ended before the next one's turn when it was its last.
func (b *bench) together(ctx context.Context, binary, etcdFolder string, what comparison) (measured []*perf.Measured, err error) {
	var started []*process
	defer func() {
		for _, p := range started {
			err = errors.Join(err, p.end()) // Those that have ended by then are left as they are.
		}
		if ctx.Err() != nil {
			err = ctx.Err()
		}
	}()
	for _, of := range what.subjects {
		p, err := b.start(ctx, binary, etcdFolder, of)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", of, err)
		}
		started = append(started, p)
		if err := p.awaitReady(ctx); err != nil {
			return nil, err
		}
	}
	measured = make([]*perf.Measured, len(started))
	turns := what.subjects[0].workload.turns
	for turn := 1; turn <= turns; turn++ {
		for i := range started {
			at := (i + turn + what.run) % len(started)
			p := started[at]
			if err := p.takeTurn(); err != nil {
				return nil, err
			}
			if turn < turns {
				err = p.awaitReady(ctx)
			} else if measured[at], err = p.awaitMeasured(ctx); err == nil {
				fmt.Fprintf(b.out, "  %-16s %-13s %7.1f pods/s, %.3f ms to choose a node\n", p.of.workload, p.of.arm, measured[at].PodsPerSecond, measured[at].AlgorithmMsMean)
				err = p.end()
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return measured, nil
}
