// SPDX-License-Identifier: Apache-2.0

// Package usage is where measurements come from: a source is read at an interval, and what it returned last is there to
// be taken without a lock. The sources are in the folders below: metrics.k8s.io, Prometheus, and the kubelets themselves.
package usage

import (
	"context"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// Source is something that measurements can be read from.
type Source interface {
	// Read returns what the source knows now; the set is the caller's to keep and not to change. An error means that
	// nothing was learned. It may have a method RetryAfter() time.Duration: for so long the source wants to be left alone.
	// Read ends when ctx does.
	Read(ctx context.Context) (*sample.Set, error)
}
