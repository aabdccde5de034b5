// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestMemoryGrowsAndFrees(t *testing.T) {
	var held memory
	t.Cleanup(held.free)
	for _, s := range []struct {
		step step
		want int
	}{
		{step: step{bytes: 3 << 20, over: 60 * time.Millisecond}, want: 3},
		{step: step{bytes: 8<<20 - 1}, want: 8},
		{step: step{bytes: 2 << 20, over: 60 * time.Millisecond}, want: 2},
		{step: step{}, want: 0},
	} {
		if err := held.take(t.Context(), s.step); err != nil {
			t.Fatal(err)
		}
		if len(held.blocks) != s.want {
			t.Errorf("after %+v: %d blocks, want %d", s.step, len(held.blocks), s.want)
		}
	}
}

func TestRunEndsWhenAskedTo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{{"1Mi:1h"}, {"1Mi:0s:1h"}, {"1Mi"}, {"-repeat", "1Mi", "2Mi"}, {"-exit", "1Mi"}} {
		if err := run(ctx, args); !errors.Is(err, errTerminated) {
			t.Errorf("%q: %v, want %v", args, err, errTerminated)
		}
	}
	if err := run(t.Context(), []string{"-exit", "1Mi"}); err != nil {
		t.Errorf("-exit: %v", err)
	}
}
