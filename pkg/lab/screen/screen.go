// SPDX-License-Identifier: Apache-2.0

// Package screen shows how a run goes on: on a terminal text that is drawn again and again in its place, elsewhere a line
// now and then.
package screen

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// PlainInterval is the time between two lines of progress where there is no terminal.
const PlainInterval = 10 * time.Second

// A row that is wider than the terminal is cut at its edge: wrapped, it would be two lines, and the next drawing begin too low.
const wrapOff, wrapOn = "\x1b[?7l", "\x1b[?7h"

// Screen is where a run is shown. It is for one goroutine.
type Screen struct {
	out      io.Writer
	terminal bool
	drawn    int       // lines on the terminal that the next Show draws over
	lastLine time.Time // when the last plain line was written
}

// New returns a screen that writes to out. terminal says that out is one.
func New(out io.Writer, terminal bool) *Screen { return &Screen{out: out, terminal: terminal} }

// Step says what is being done, on lines that stay.
func (s *Screen) Step(format string, arguments ...any) {
	fmt.Fprintf(s.out, format+"\n", arguments...)
	s.drawn = 0
}

// Show draws table on a terminal, over what the last Show drew unless there was a Step since. Elsewhere it writes line if
// one is due.
func (s *Screen) Show(now time.Time, table, line func() string) {
	if !s.terminal {
		if now.Sub(s.lastLine) >= PlainInterval {
			s.lastLine = now
			fmt.Fprintln(s.out, line())
		}
		return
	}
	var frame strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&frame, "\x1b[%dA", s.drawn) // up, to the first line
	}
	frame.WriteString(wrapOff)
	text := strings.TrimSuffix(table(), "\n")
	for row := range strings.SplitSeq(text, "\n") {
		frame.WriteString("\x1b[K" + row + "\n") // instead of what was there, which may be longer
	}
	frame.WriteString(wrapOn)
	_, _ = io.WriteString(s.out, frame.String()) // at once: nobody sees half of it, or is left without wrapping
	s.drawn = 1 + strings.Count(text, "\n")
}

// Quoted is a word as a shell has to be given it: in quotes where it has more than what paths usually have.
func Quoted(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_"
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// Clock is a duration in minutes and seconds, 0:00 for a negative one.
func Clock(d time.Duration) string {
	d = max(d, 0).Round(time.Second)
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}
