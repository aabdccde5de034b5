// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"
)

const (
	blockSize = 1 << 20
	// pace is the time between two parts of a growth.
	pace = 50 * time.Millisecond
)

// memory is what is held: blocks of anonymous memory that were written to, outside of Go's heap so that what is freed is
// gone at once.
type memory struct{ blocks [][]byte }

// take brings the memory to the size of the step and stays there. It returns early, without an error, when ctx ends.
func (m *memory) take(ctx context.Context, s step) error {
	start, begin := time.Now(), len(m.blocks)
	want := int((s.bytes + blockSize - 1) / blockSize)
	for {
		share := 1.0
		if elapsed := time.Since(start); elapsed < s.over {
			share = float64(elapsed) / float64(s.over)
		}
		if err := m.resize(begin + int(share*float64(want-begin))); err != nil {
			return err
		}
		if share == 1 {
			break
		}
		if !wait(ctx, pace) {
			return nil
		}
	}
	wait(ctx, s.stay)
	return nil
}

// resize holds a number of blocks.
func (m *memory) resize(count int) error {
	for len(m.blocks) < count {
		block, err := syscall.Mmap(-1, 0, blockSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			return fmt.Errorf("take block %d: %w", len(m.blocks), err)
		}
		for page := 0; page < blockSize; page += os.Getpagesize() {
			block[page] = 1
		}
		m.blocks = append(m.blocks, block)
	}
	for len(m.blocks) > count {
		last := len(m.blocks) - 1
		if err := syscall.Munmap(m.blocks[last]); err != nil {
			return fmt.Errorf("free block %d: %w", last, err)
		}
		m.blocks = m.blocks[:last]
	}
	return nil
}

// free gives everything back.
func (m *memory) free() {
	// Freeing fails only for what was not taken.
	_ = m.resize(0)
}

// wait waits for a time and reports whether it passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
