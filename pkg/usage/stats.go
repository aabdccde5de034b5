// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"errors"
	"maps"
	"time"

	"github.com/go-logr/logr"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// quietFor is how long a reason to refuse figures has to be away before it is logged anew.
const quietFor = time.Hour

// Stats are what a poller did so far, for metrics.
type Stats struct {
	// Reads that ended, and Errors among them.
	Reads, Errors int64
	// ConsecutiveFailures is 0 after a read that succeeded.
	ConsecutiveFailures int
	// LastSuccess is the time at which a read ended well; zero: none did.
	LastSuccess time.Time
	// LastDuration of a read, failed or not.
	LastDuration time.Duration
	// Nodes and Pods are how many the last good read had, before it was merged with those before.
	Nodes, Pods int
	// Refused counts figures of all reads by the reason for which they were refused.
	Refused map[sample.Reason]int64
}

// Stats returns what the poller did so far. It is safe for concurrent use.
func (p *Poller) Stats() Stats {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	stats := p.stats
	stats.Refused = maps.Clone(p.stats.Refused)
	return stats
}

// count notes how a read ended; set is nil if it failed.
func (p *Poller) count(set *sample.Set, err error, took time.Duration) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.stats.Reads++
	p.stats.LastDuration = took
	if err != nil {
		p.stats.Errors++
		p.stats.ConsecutiveFailures++
		return
	}
	p.stats.ConsecutiveFailures = 0
	p.stats.LastSuccess = p.clock.Now()
	p.stats.Nodes, p.stats.Pods = len(set.Nodes), len(set.Pods)
	if p.stats.Refused == nil {
		p.stats.Refused = map[sample.Reason]int64{}
	}
	for reason, count := range set.RefusedCount {
		p.stats.Refused[reason] += int64(count)
	}
}

// logRefused says for every reason that is new what was refused, with an example: the same source refuses the same every
// few seconds.
func (p *Poller) logRefused(logger logr.Logger, set *sample.Set) {
	now := p.clock.Now()
	for reason, count := range set.RefusedCount {
		seen, known := p.refused[reason]
		p.refused[reason] = now
		if known && now.Sub(seen) < quietFor {
			continue
		}
		var example sample.Refusal
		for _, refusal := range set.Refused {
			if refusal.Reason == reason {
				example = refusal
				break
			}
		}
		logger.Info("Figures of memory usage were refused, and what they are about is unknown; further ones for this reason are counted only",
			"reason", reason, "count", count, "example", example.Object, "detail", example.Detail)
	}
}

// retryAfter is how long the source that returned err asks to be left alone. 0: it does not ask.
func retryAfter(err error) time.Duration {
	var asks interface{ RetryAfter() time.Duration }
	if errors.As(err, &asks) {
		return asks.RetryAfter()
	}
	return 0
}
