// SPDX-License-Identifier: Apache-2.0

// Package commands times commands of kubectl headroom, each in a process of its own.
package commands

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// leastAnswer is how many bytes an answer about a large cluster has at least.
const leastAnswer = 1000

// Benchmark times nodes, and explain of a pod that is not there yet, and tells their processor time and their largest memory. command makes
// the process of some arguments.
func Benchmark(b *testing.B, command func(arguments ...string) *exec.Cmd) {
	b.Helper()
	pending := filepath.Join(b.TempDir(), "pod.yaml")
	manifest := "apiVersion: v1\nkind: Pod\nmetadata: {name: new}\nspec:\n  schedulerName: headroom-scheduler\n" +
		"  containers: [{name: main, image: main, resources: {requests: {cpu: 100m, memory: 200Mi}}}]\n"
	if err := os.WriteFile(pending, []byte(manifest), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, arguments := range [][]string{{"nodes"}, {"explain", "-f", pending}} {
		b.Run(arguments[0], func(b *testing.B) {
			var processor time.Duration
			var largest int64
			for b.Loop() {
				process := command(arguments...)
				var errs bytes.Buffer
				process.Stderr = &errs
				if out, err := process.Output(); err != nil || len(out) < leastAnswer {
					b.Fatalf("%v: %v\n%s%s", arguments, err, out, errs.String())
				}
				processor += process.ProcessState.UserTime() + process.ProcessState.SystemTime()
				if used, ok := process.ProcessState.SysUsage().(*syscall.Rusage); ok {
					largest = max(largest, used.Maxrss<<10)
				}
			}
			b.ReportMetric(processor.Seconds()/float64(b.N), "CPU-s/op")
			var own syscall.Rusage // A process counts what the one that started it held; below that its own is not known.
			if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil || largest <= own.Maxrss<<10 {
				b.Fatalf("at most %d bytes, and this process %d (%v): the command's own memory is not known", largest, own.Maxrss<<10, err)
			}
			b.ReportMetric(float64(largest)/1e9, "GB")
		})
	}
}
