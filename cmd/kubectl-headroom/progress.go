// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/explain/cluster"
)

const (
	// quiet is how long nothing is said: most clusters are read by then.
	quiet = time.Second
	// again is the time between two words about it.
	again = 2 * time.Second
	// emptyLine empties the line of a terminal.
	emptyLine = "\r\x1b[K"
)

// progress says on standard error how far reading is, until stop is called.
func (s *shared) progress(of *cluster.Cluster) (stop func()) {
	return tell(s.clock, s.ErrOut, isTerminal(s.ErrOut), of.PodsRead)
}

// tell writes how many pods were read, until stop is called: on a terminal over and over the same line, which is empty in the end, and
// elsewhere line by line.
func tell(by clock.Clock, to io.Writer, terminal bool, read func() int) (stop func()) {
	done := make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		wait := quiet
		for said := false; ; said = true {
			timer := by.NewTimer(wait)
			select {
			case <-done:
				timer.Stop()
				if said && terminal {
					fmt.Fprint(to, emptyLine)
				}
				return
			case <-timer.C():
			}
			wait = again
			begin, end := "", "\n"
			if terminal {
				begin, end = emptyLine, ""
			}
			fmt.Fprintf(to, "%sreading the cluster: %d pods so far%s", begin, read(), end)
		}
	})
	return func() {
		close(done)
		ended.Wait()
	}
}
