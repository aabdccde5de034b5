// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/headroom-dev/headroom/test/perf"
)

const (
	harness = "./test/perf/harness"
	etcd    = "go.etcd.io/etcd/server/v3"
	// stopDelay is how long a measurement may take to end its API server and etcd when it is interrupted.
	stopDelay = 20 * time.Second
	// endDelay is how long etcd may take to end when its API server has.
	endDelay = 5 * time.Second
	// limit is how long a measurement may take; interval how often its result is looked for.
	limit, interval = 20 * time.Minute, 200 * time.Millisecond
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

func (b *bench) measure(ctx context.Context, todo []measurement) error {
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
		fmt.Fprintf(b.out, "%d of %d%s: %-16s %-13s run %d ", i+1, len(todo), left, next.workload, next.arm, next.run)
		measured, err := b.once(ctx, binary, etcdFolder, next)
		if err != nil {
			fmt.Fprintln(b.out)
			return fmt.Errorf("%s with %s: %w", next.workload, next.arm, err)
		}
		fmt.Fprintf(b.out, "%7.1f pods/s, %.3f ms to choose a node\n", measured.PodsPerSecond, measured.AlgorithmMsMean)
		b.have = append(b.have, perf.Result{
			Workload: next.workload.name, Nodes: next.workload.nodes, Arm: next.arm, Run: next.run, Measured: *measured,
			Config: b.config, Revision: b.revision,
		})
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

// once takes one measurement in a process of its own, whose output is kept in a log file. The process is ended when its
// result is there.
func (b *bench) once(ctx context.Context, binary, etcdFolder string, what measurement) (*perf.Measured, error) {
	logPath := filepath.Join(filepath.Dir(binary), fmt.Sprintf("%s-%d-%s.log", what.workload.name, what.workload.nodes, what.arm))
	log, err := os.Create(logPath)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	folder, err := os.MkdirTemp("", "headroom-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }() // it lies in the temporary folder
	resultPath := filepath.Join(folder, "measured.json")

	running, stop := context.WithTimeout(ctx, limit)
	defer stop()
	command := exec.CommandContext(running, binary, "-test.run=^$", "-test.benchtime=1x", "-test.timeout="+limit.String(),
		fmt.Sprintf("-test.bench=^BenchmarkScheduling$/^%s$/^%dNodes$", what.workload.name, what.workload.nodes), "-data-items-dir="+folder)
	command.Dir = harness
	command.Stdout, command.Stderr = log, log
	command.Env = append(os.Environ(), "PATH="+etcdFolder+string(os.PathListSeparator)+os.Getenv("PATH"),
		"TMPDIR="+folder, "ARTIFACTS="+folder, // etcd's data, and what the components log
		"HEADROOM_BENCH_ARM="+string(what.arm), "HEADROOM_BENCH_CONFIG="+b.config, "HEADROOM_BENCH_RESULT="+resultPath)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that etcd ends with it
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
	command.WaitDelay = stopDelay
	if err := command.Start(); err != nil {
		return nil, err
	}
	var runErr error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runErr = command.Wait()
	}()
	measured, err := awaitMeasured(resultPath, ended)
	timedOut := running.Err() != nil && ctx.Err() == nil
	stop()
	<-ended
	if stopErr := endGroup(command.Process.Pid); stopErr != nil {
		err = errors.Join(err, stopErr)
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case timedOut:
		return nil, fmt.Errorf("no result after %s, see %s", limit, logPath)
	case err != nil:
		return nil, fmt.Errorf("no result, see %s: %w", logPath, errors.Join(runErr, err))
	}
	return measured, nil
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

// awaitMeasured waits until there is a result, or the process ended without one.
func awaitMeasured(path string, ended <-chan struct{}) (*perf.Measured, error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for over := false; ; {
		measured, err := perf.ReadMeasured(path)
		if err == nil || over || !errors.Is(err, fs.ErrNotExist) {
			return measured, err
		}
		select {
		case <-ended:
			over = true // It may have written the result at the last moment: once more.
		case <-ticker.C:
		}
	}
}
