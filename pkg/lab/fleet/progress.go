// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"fmt"
	"time"

	"github.com/headroom-dev/headroom/pkg/lab/screen"
)

// show shows the state of the placement, which is one line.
func (p *placement) show(now time.Time, state state) {
	text := func() string { return progressText(now, state, p.settle) }
	p.screen.Show(now, text, text)
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
		return text + fmt.Sprintf(" | done in %s unless a pod finds a place after all", screen.Clock(left))
	}
	elapsed := now.Sub(state.began)
	if judged == 0 || elapsed < time.Second { // too early to tell
		return text
	}
	left := time.Duration(float64(elapsed) / float64(judged) * float64(state.pods-judged))
	return text + fmt.Sprintf(" | %.0f/s, %s left", float64(judged)/elapsed.Seconds(), screen.Clock(left))
}
