// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"context"
	"sync/atomic"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// Poller reads a source at an interval and keeps what it returned last. An error publishes nothing: what is there grows
// old, and its readers see that by its timestamps.
type Poller struct {
	source   Source
	interval time.Duration
	clock    clock.WithTicker
	latest   atomic.Pointer[sample.Set]
}

// NewPoller returns a poller; Run starts it. interval must be more than 0.
func NewPoller(source Source, interval time.Duration, clock clock.WithTicker) *Poller {
	return &Poller{source: source, interval: interval, clock: clock}
}

// Latest returns what the source returned last, or nil if it never returned anything.
func (p *Poller) Latest() *sample.Set { return p.latest.Load() }

// Run reads the source at once and then at the interval, until ctx ends. After every read, failed or not, it calls
// afterRead. A read may take as long as the interval. Failures are logged when they begin, and their end too.
func (p *Poller) Run(ctx context.Context, afterRead func()) {
	logger := klog.FromContext(ctx)
	ticker := p.clock.NewTicker(p.interval)
	defer ticker.Stop()
	failing := false
	for {
		err := p.read(ctx)
		if ctx.Err() != nil {
			return
		}
		switch {
		case err != nil && !failing:
			logger.Error(err, "Memory usage cannot be read; what was read before grows old, and nodes are judged by requests once it is too old")
		case err == nil && failing:
			logger.Info("Memory usage can be read again")
		}
		failing = err != nil
		afterRead()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
		}
	}
}

func (p *Poller) read(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.interval)
	defer cancel()
	set, err := p.source.Read(ctx)
	if err != nil {
		return err
	}
	p.latest.Store(set)
	return nil
}
