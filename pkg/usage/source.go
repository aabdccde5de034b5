// SPDX-License-Identifier: Apache-2.0

// Package usage is where measurements come from: a source is read at an interval, and what it returned last is there to
// be taken without a lock.
package usage

import (
	"context"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// Source is something that measurements can be read from.
type Source interface {
	// Read returns what the source knows now. An error means that nothing was learned.
	Read(ctx context.Context) (*sample.Set, error)
}
