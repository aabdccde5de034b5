// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"fmt"
	"io"
	"time"
)

// plainInterval is the time between two plain lines of progress.
const plainInterval = 10 * time.Second

// view shows how a run goes on: on a terminal one line that is drawn again and again, elsewhere a line now and then.
type view struct {
	out      io.Writer
	terminal bool
	drawn    bool      // a line on the terminal has no end yet
	lastLine time.Time // when the last plain line was written
}

// step says what is being done.
func (v *view) step(format string, arguments ...any) {
	if v.drawn {
		fmt.Fprintln(v.out)
		v.drawn = false
	}
	fmt.Fprintf(v.out, format+"\n", arguments...)
}

// show draws the state of the placement, or writes a line of it if one is due.
func (v *view) show(now time.Time, state state, settle time.Duration) {
	text := progressText(now, state, settle)
	if v.terminal {
		fmt.Fprintf(v.out, "\r%s\x1b[K", text) // and clear what was longer before
		v.drawn = true
		return
	}
	if now.Sub(v.lastLine) >= plainInterval {
		v.lastLine = now
		fmt.Fprintln(v.out, text)
	}
}

// progressText is the state in one line, with the time left if the pods go on being judged as fast as so far.
func progressText(now time.Time, state state, settle time.Duration) string {
	judged := state.placed + state.unschedulable
	text := state.String()
	switch {
	case state.began.IsZero():
		return text
	case state.judged():
		left := max(settle-now.Sub(state.changed), 0)
		return text + fmt.Sprintf(" | done in %s unless a pod finds a place after all", clockTime(left))
	}
	elapsed := now.Sub(state.began)
	if judged == 0 || elapsed < time.Second { // too early to tell
		return text
	}
	left := time.Duration(float64(elapsed) / float64(judged) * float64(state.pods-judged))
	return text + fmt.Sprintf(" | %.0f/s, %s left", float64(judged)/elapsed.Seconds(), clockTime(left))
}

// clockTime is minutes and seconds.
func clockTime(d time.Duration) string {
	d = d.Round(time.Second)
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}
