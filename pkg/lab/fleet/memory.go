// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"time"
)

// sampleInterval is the time between two samples of the cluster's memory. Taking one makes the kernel walk the page tables
// of all processes.
const sampleInterval = 3 * time.Second

// peakMemory samples the memory of a cluster's processes until ctx ends, and returns the highest sum in bytes. Samples
// fail while a process starts or ends, and always where PSS is not to be had; without any the peak is 0.
func peakMemory(ctx context.Context, sumPSS func() (int64, error)) int64 {
	ticker := time.NewTicker(sampleInterval)
	defer ticker.Stop()
	var peak int64
	for {
		if bytes, err := sumPSS(); err == nil {
			peak = max(peak, bytes)
		}
		select {
		case <-ctx.Done():
			return peak
		case <-ticker.C:
		}
	}
}
