// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// feed plays the lines of a build into a reporter that thinks each line took one second.
func feed(t *testing.T, terminal bool, total int, lines []string, result error) (output string, state string) {
	t.Helper()
	var out bytes.Buffer
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := start
	r := &reporter{out: &out, terminal: terminal, total: total, now: func() time.Time { return now }, start: start}
	pending := map[string]bool{"example.com/a": true, "example.com/b": true, "example.com/c": true}
	for _, line := range lines {
		now = now.Add(time.Second)
		r.line(line, pending)
	}
	state = r.state()
	r.finish(result)
	return out.String(), state
}

func TestReporterCountsPackagesAndPassesErrorsThrough(t *testing.T) {
	failed := errors.New("exit status 1")
	tests := []struct {
		name       string
		terminal   bool
		total      int
		lines      []string
		result     error
		wantOutput string
		wantState  string
	}{
		{
			name:       "part of the way",
			total:      3,
			lines:      []string{"example.com/a", "example.com/b"},
			wantState:  "compiled 2 packages of about 3, 2s elapsed, about 1s left",
			wantOutput: "compiled 2 packages in 2s\n",
		},
		{
			name:       "nothing compiled yet",
			total:      3,
			wantState:  "compiling about 3 packages, 0s elapsed",
			wantOutput: "compiled 0 packages in 0s\n",
		},
		{
			name:       "all compiled, the linker at work",
			total:      3,
			lines:      []string{"example.com/a", "example.com/b", "example.com/c"},
			wantState:  "linking, 3s elapsed",
			wantOutput: "compiled 3 packages in 3s\n",
		},
		{
			name:       "nothing to do",
			total:      0,
			wantState:  "linking, 0s elapsed",
			wantOutput: "build is up to date\n",
		},
		{
			name:       "a compile error is shown as it came",
			total:      3,
			lines:      []string{"example.com/a", "# example.com/b", "b/b.go:3:1: undefined: x"},
			result:     failed,
			wantState:  "compiled 1 packages of about 3, 3s elapsed, about 6s left",
			wantOutput: "# example.com/b\nb/b.go:3:1: undefined: x\nbuild failed after 3s\n",
		},
		{
			name:       "a terminal's progress line is cleared before an error",
			terminal:   true,
			total:      3,
			lines:      []string{"go: downloading example.com/d v1.0.0"},
			wantState:  "compiling about 3 packages, 1s elapsed",
			wantOutput: clearLine + "go: downloading example.com/d v1.0.0\n" + clearLine + "compiled 0 packages in 1s\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			output, state := feed(t, tt.terminal, tt.total, tt.lines, tt.result)
			if diff := cmp.Diff(tt.wantState, state); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.wantOutput, output); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRunBuildsAModuleAndFailsWhenItDoesNotCompile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	t.Setenv("GOFLAGS", "-buildvcs=false")
	t.Setenv("GOWORK", "off")
	write("go.mod", "module example.com/m\n\ngo 1.26\n")
	write("main.go", "package main\n\nvar version string\n\nfunc main() { println(version) }\n")

	binary := filepath.Join(dir, "out")
	if err := run(t.Context(), []string{"-o", binary, "-ldflags", "-X main.version=v1", "."}); err != nil {
		t.Fatalf("building a module that compiles: %v", err)
	}
	if _, err := os.Stat(binary); err != nil {
		t.Errorf("the build left no binary: %v", err)
	}

	write("main.go", "package main\n\nfunc main() { undefined() }\n")
	err := run(t.Context(), []string{"-o", binary, "."})
	if err == nil || !strings.Contains(err.Error(), "go build: exit status 1") {
		t.Errorf("error of a build that does not compile: got %v, want one with %q", err, "go build: exit status 1")
	}
}

func TestRunRefusesToBuildNothing(t *testing.T) {
	err := run(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "no packages given") {
		t.Errorf("got error %v, want one with %q", err, "no packages given")
	}
}
