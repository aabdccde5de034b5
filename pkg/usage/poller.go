// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

const (
	// DefaultTimeout is how long a read may take when the interval is shorter: the lists of the largest clusters need some
	// seconds, and a read that is given up was for nothing.
	DefaultTimeout = 30 * time.Second
	// DefaultMaxBackoff is the longest time between two reads of a source that fails. One failing request a minute is a
	// load for nobody, while every minute more is one in which requests decide although the source is back.
	DefaultMaxBackoff = time.Minute
	// startBackoff is the time before the second read of a source that never answered yet: a scheduler that starts knows nothing of any
	// node, and a source that starts with it answers within seconds.
	startBackoff = time.Second
	// maxRetryAfter is the longest time for which a source may ask to be left alone.
	maxRetryAfter = 5 * time.Minute
)

// PollerOptions say when a poller reads.
type PollerOptions struct {
	// Interval between the starts of two reads. More than 0.
	Interval time.Duration
	// Keep is the age up to which a measurement is kept that a read no longer has.
	Keep time.Duration
	// Timeout of a read. 0: DefaultTimeout, or the interval if that is longer.
	Timeout time.Duration
	// MaxBackoff is the longest time between two reads after failures. 0: DefaultMaxBackoff, or the interval if that is
	// longer.
	MaxBackoff time.Duration
	// Jitter returns numbers from 0 to below 1, which shorten the time between two reads after failures by up to a half, so
	// that schedulers that lost a source together do not ask for it together. nil: random ones.
	Jitter func() float64
}

// Poller reads a source at an interval and keeps what it returned last. An error publishes nothing: what is there grows
// old, and its readers see that by its timestamps. So does what a read no longer has: a source may miss a node, or all of
// them when it starts again, and what was measured a moment ago is still true.
type Poller struct {
	source  Source
	options PollerOptions
	clock   clock.Clock
	latest  atomic.Pointer[sample.Set]

	mutex   sync.Mutex
	stats   Stats
	refused map[sample.Reason]time.Time // when it was seen last; used by Run alone
}

// NewPoller returns a poller; Run starts it.
func NewPoller(source Source, options PollerOptions, clock clock.Clock) *Poller {
	if options.Timeout == 0 {
		options.Timeout = max(DefaultTimeout, options.Interval)
	}
	if options.MaxBackoff == 0 {
		options.MaxBackoff = max(DefaultMaxBackoff, options.Interval)
	}
	if options.Jitter == nil {
		options.Jitter = rand.Float64
	}
	return &Poller{source: source, options: options, clock: clock, refused: map[sample.Reason]time.Time{}}
}

// Latest returns what the source returned last, or nil if it never returned anything.
func (p *Poller) Latest() *sample.Set { return p.latest.Load() }

// Run reads the source at once and then at the interval, until ctx ends; after failures it waits longer, up to
// MaxBackoff, or as long as the source asks for. After every read, failed or not, it calls afterRead, and then at the
// interval until the next: what was read grows older meanwhile. Failures are logged when they begin, and their end too.
func (p *Poller) Run(ctx context.Context, afterRead func()) {
	logger := klog.FromContext(ctx)
	failures := 0
	for {
		began := p.clock.Now()
		set, err := p.read(ctx)
		if ctx.Err() != nil {
			return
		}
		took := p.clock.Since(began)
		switch {
		case err != nil && failures == 0:
			logger.Error(err, "Memory usage cannot be read; what was read before grows old, and nodes are judged by requests once it is too old")
		case err == nil && failures > 0:
			logger.Info("Memory usage can be read again", "failures", failures)
		}
		failures++
		wait := p.backoff(failures, err)
		if err == nil {
			failures = 0
			// A read that takes as long as the interval must not become an endless one.
			wait = max(p.options.Interval-took, p.options.Interval/4)
			p.publish(set)
			p.logRefused(logger, set)
		}
		p.count(set, err, took)
		if !p.rest(ctx, wait, afterRead) {
			return
		}
	}
}

// rest waits, and calls tick at once and at the interval: what was read grows older while nothing is read. It returns false
// when ctx ended.
func (p *Poller) rest(ctx context.Context, wait time.Duration, tick func()) bool {
	for wait > 0 {
		step := min(wait, p.options.Interval)
		wait -= step
		timer := p.clock.NewTimer(step)
		tick()
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C():
		}
	}
	return true
}

// backoff is the time to wait after so many failures in a row, of which err is the last: the interval, or a moment if nothing was
// ever read, doubled with every further failure.
func (p *Poller) backoff(failures int, err error) time.Duration {
	wait := min(p.options.Interval, p.options.MaxBackoff)
	if p.latest.Load() == nil {
		wait = min(wait, startBackoff)
	}
	for range failures - 1 {
		if wait >= p.options.MaxBackoff/2 {
			wait = p.options.MaxBackoff
			break
		}
		wait *= 2
	}
	wait -= time.Duration(p.options.Jitter() * float64(wait/2))
	return max(wait, min(retryAfter(err), maxRetryAfter))
}

func (p *Poller) read(ctx context.Context) (*sample.Set, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.options.Timeout, fmt.Errorf("the read took longer than %s", p.options.Timeout))
	defer cancel()
	return p.source.Read(ctx)
}

func (p *Poller) publish(set *sample.Set) {
	if before := p.latest.Load(); before != nil {
		set = merge(before, set, p.clock.Now().Add(-p.options.Keep))
	}
	p.latest.Store(set)
}
