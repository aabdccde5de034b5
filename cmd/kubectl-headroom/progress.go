// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/headroom-dev/headroom/pkg/explain/cluster"
)

const (
	// quiet is how long nothing is said: most clusters are read by then.
	quiet = time.Second
	// again is the time between two words about it.
	again = 2 * time.Second
)

// progress says on standard error how far reading is, until stop is called.
func (s *shared) progress(of *cluster.Cluster) (stop func()) {
	done := make(chan struct{})
	var ended sync.WaitGroup
	terminal := isTerminal(s.ErrOut)
	ended.Go(func() {
		wait := quiet
		for said := false; ; said = true {
			timer := s.clock.NewTimer(wait)
			select {
			case <-done:
				timer.Stop()
				if said && terminal {
					fmt.Fprint(s.ErrOut, "\r\x1b[K")
				}
				return
			case <-timer.C():
			}
			wait = again
			begin, end := "", "\n"
			if terminal {
				begin, end = "\r\x1b[K", ""
			}
			fmt.Fprintf(s.ErrOut, "%sreading the cluster: %d pods so far%s", begin, of.PodsRead(), end)
		}
	})
	return func() {
		close(done)
		ended.Wait()
	}
}
