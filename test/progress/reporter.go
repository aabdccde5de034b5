// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"time"
)

const (
	terminalInterval = time.Second
	plainInterval    = 15 * time.Second
	// clearLine moves to the start of the line and empties it.
	clearLine = "\r\x1b[K"
)

// reporter turns the output of "go build -v" into progress.
type reporter struct {
	out      io.Writer
	terminal bool
	total    int
	compiled int
	now      func() time.Time
	start    time.Time
}

func newReporter(out io.Writer, terminal bool, total int) *reporter {
	return &reporter{out: out, terminal: terminal, total: total, now: time.Now, start: time.Now()}
}

// follow counts the packages in lines until the channel closes. A line that is no pending package is something that
// the user has to see, an error above all, and is printed as it came.
func (r *reporter) follow(lines <-chan string, pending map[string]bool) {
	interval := plainInterval
	if r.terminal {
		interval = terminalInterval
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	if r.total > 0 {
		r.print()
	}
	for {
		select {
		case line, open := <-lines:
			if !open {
				return
			}
			r.line(line, pending)
		case <-ticker.C:
			r.print()
		}
	}
}

// line handles one line of "go build -v".
func (r *reporter) line(line string, pending map[string]bool) {
	if pending[line] {
		r.compiled++
		return
	}
	if r.terminal {
		fmt.Fprint(r.out, clearLine)
	}
	fmt.Fprintln(r.out, line)
}

// print shows the present state.
func (r *reporter) print() {
	if r.terminal {
		fmt.Fprint(r.out, clearLine, r.state())
		return
	}
	fmt.Fprintln(r.out, r.state())
}

// state is the progress in words. The time left assumes that the packages to come take as long as those before.
func (r *reporter) state() string {
	elapsed := r.now().Sub(r.start)
	switch {
	case r.compiled >= r.total:
		return fmt.Sprintf("linking, %s elapsed", rounded(elapsed))
	case r.compiled == 0:
		return fmt.Sprintf("compiling about %d packages, %s elapsed", r.total, rounded(elapsed))
	}
	left := elapsed / time.Duration(r.compiled) * time.Duration(r.total-r.compiled)
	return fmt.Sprintf("compiled %d packages of about %d, %s elapsed, about %s left",
		r.compiled, r.total, rounded(elapsed), rounded(left))
}

// finish prints the last line, given the result of the build.
func (r *reporter) finish(err error) {
	if r.terminal {
		fmt.Fprint(r.out, clearLine)
	}
	elapsed := rounded(r.now().Sub(r.start))
	switch {
	case err != nil:
		fmt.Fprintf(r.out, "build failed after %s\n", elapsed)
	case r.total == 0:
		fmt.Fprintln(r.out, "build is up to date")
	default:
		fmt.Fprintf(r.out, "compiled %d packages in %s\n", r.compiled, elapsed)
	}
}

func rounded(d time.Duration) time.Duration { return d.Round(time.Second) }
