// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"context"
	"maps"
	"sync/atomic"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// Poller reads a source at an interval and keeps what it returned last. An error publishes nothing: what is there grows
// old, and its readers see that by its timestamps. So does what a read no longer has: a source may miss a node, or all of
// them when it starts again, and what was measured a moment ago is still true.
type Poller struct {
	source   Source
	interval time.Duration
	keep     time.Duration
	clock    clock.WithTicker
	latest   atomic.Pointer[sample.Set]
}

// NewPoller returns a poller; Run starts it. interval must be more than 0; a measurement that a read no longer has is kept
// until it is older than keep.
func NewPoller(source Source, interval, keep time.Duration, clock clock.WithTicker) *Poller {
	return &Poller{source: source, interval: interval, keep: keep, clock: clock}
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
	if before := p.latest.Load(); before != nil {
		oldest := p.clock.Now().Add(-p.keep)
		set = &sample.Set{Nodes: merge(before.Nodes, set.Nodes, oldest), Pods: merge(before.Pods, set.Pods, oldest)}
	}
	p.latest.Store(set)
	return nil
}

// timed is a measurement of a node or a pod.
type timed interface{ Taken() time.Time }

// merge returns the newer measurement of each, without those that are older than oldest and not in the new read.
func merge[K comparable, V timed](before, read map[K]V, oldest time.Time) map[K]V {
	merged := make(map[K]V, len(read))
	maps.Copy(merged, read)
	for key, measured := range before {
		if now, ok := merged[key]; (!ok && !measured.Taken().Before(oldest)) || (ok && now.Taken().Before(measured.Taken())) {
			merged[key] = measured
		}
	}
	return merged
}
