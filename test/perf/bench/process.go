// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/headroom-dev/headroom/test/perf"
)

const (
	// stopDelay is how long a measurement may take to end its API server and etcd when it is interrupted.
	stopDelay = 20 * time.Second
	// endDelay is how long etcd may take to end when its API server has.
	endDelay = 5 * time.Second
	// limit is how long an arm may take to be ready for a turn, and for a turn; interval how often its result is looked for.
	limit, interval = 30 * time.Minute, 200 * time.Millisecond
)

// process is a subject that is measured, in a process of its own. It stands before each of its turns until it is let.
type process struct {
	of      subject
	log     string // the file that its output is kept in
	folder  string // a temporary one, for all else
	command *exec.Cmd
	let     *os.File      // a byte lets it take its next turn
	ready   chan struct{} // it stands before a turn; closed when it never will again
	ended   chan struct{}
	runErr  error // once it ended
	over    bool
}

// start starts a subject.
func (b *bench) start(ctx context.Context, binary, etcdFolder string, of subject) (*process, error) {
	p := &process{of: of, ready: make(chan struct{}), ended: make(chan struct{})}
	p.log = filepath.Join(filepath.Dir(binary), fmt.Sprintf("%s-%d-%s.log", of.workload.name, of.workload.nodes, of.arm))
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	if p.folder, err = os.MkdirTemp("", "headroom-bench-"); err != nil {
		return nil, err
	}
	letting, let, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(p.folder))
	}
	defer letting.Close()
	ready, telling, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, let.Close(), os.RemoveAll(p.folder))
	}
	defer telling.Close()
	p.let = let

	p.command = exec.CommandContext(ctx, binary, "-test.run=^$", "-test.benchtime=1x", "-test.timeout=0",
		fmt.Sprintf("-test.bench=^BenchmarkScheduling$/^%s$/^%dNodes$", of.workload.name, of.workload.nodes), "-data-items-dir="+p.folder)
	p.command.Dir = harness
	p.command.Stdout, p.command.Stderr = log, log
	p.command.ExtraFiles = []*os.File{letting, telling}
	p.command.Env = append(os.Environ(), "PATH="+etcdFolder+string(os.PathListSeparator)+os.Getenv("PATH"),
		"TMPDIR="+p.folder, "ARTIFACTS="+p.folder, // etcd's data, and what the components log
		"HEADROOM_BENCH_ARM="+string(of.arm), "HEADROOM_BENCH_CONFIG="+b.config, "HEADROOM_BENCH_TURNS="+strconv.Itoa(of.workload.turns),
		"HEADROOM_BENCH_RESULT="+p.result())
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that etcd ends with it
	p.command.Cancel = func() error { return syscall.Kill(-p.command.Process.Pid, syscall.SIGTERM) }
	p.command.WaitDelay = stopDelay
	if err := p.command.Start(); err != nil {
		return nil, errors.Join(err, let.Close(), ready.Close(), os.RemoveAll(p.folder))
	}
	go func() {
		defer close(p.ended)
		p.runErr = p.command.Wait()
	}()
	go func() {
		defer close(p.ready)
		defer ready.Close()
		for {
			if _, err := ready.Read(make([]byte, 1)); err != nil {
				return
			}
			select {
			case p.ready <- struct{}{}:
			case <-p.ended:
				return
			}
		}
	}()
	return p, nil
}

// result is the file that it writes what was measured to.
func (p *process) result() string { return filepath.Join(p.folder, "measured.json") }

// awaitReady waits until it stands before its next turn.
func (p *process) awaitReady(ctx context.Context) error {
	select {
	case _, ok := <-p.ready:
		if !ok {
			return fmt.Errorf("%s ended before it was measured, see %s", p.of, p.log)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(limit):
		return fmt.Errorf("%s is not ready for its next turn after %s, see %s", p.of, limit, p.log)
	}
}

// takeTurn lets it take its next turn.
func (p *process) takeTurn() error {
	if _, err := p.let.Write([]byte{'.'}); err != nil {
		return fmt.Errorf("let %s take its turn (see %s): %w", p.of, p.log, err)
	}
	return nil
}

// awaitMeasured waits until there is a result, or the process ended without one.
func (p *process) awaitMeasured(ctx context.Context) (*perf.Measured, error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	late := time.After(limit)
	for over := false; ; {
		measured, err := perf.ReadMeasured(p.result())
		switch {
		case err == nil:
			return measured, nil
		case over:
			return nil, fmt.Errorf("no result of %s, see %s: %w", p.of, p.log, errors.Join(p.runErr, err))
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
		select {
		case <-p.ended:
			over = true // It may have written the result at the last moment: once more.
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-late:
			return nil, fmt.Errorf("no result of %s after %s, see %s", p.of, limit, p.log)
		case <-ticker.C:
		}
	}
}

// end ends it, and all that it started and left, once. Nobody waits for its API server to end by itself.
func (p *process) end() error {
	if p.over {
		return nil
	}
	p.over = true
	defer func() { _ = os.RemoveAll(p.folder) }() // it lies in the temporary folder
	err := syscall.Kill(-p.command.Process.Pid, syscall.SIGTERM)
	if errors.Is(err, syscall.ESRCH) {
		err = nil
	}
	select {
	case <-p.ended:
	case <-time.After(stopDelay):
	}
	err = errors.Join(err, p.let.Close(), endGroup(p.command.Process.Pid))
	<-p.ended
	return err
}

// endGroup ends what a measurement left of its process group, etcd above all, and waits until it is gone.
func endGroup(group int) error {
	for deadline := time.Now().Add(endDelay); time.Now().Before(deadline); time.Sleep(interval / 4) {
		err := syscall.Kill(-group, syscall.SIGTERM)
		if errors.Is(err, syscall.ESRCH) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("end process group %d: %w", group, err)
		}
	}
	if err := syscall.Kill(-group, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill process group %d: %w", group, err)
	}
	return nil
}
