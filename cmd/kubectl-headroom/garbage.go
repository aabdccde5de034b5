// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"runtime"
	"runtime/debug"
)

// firstCollection is how large the heap may get before garbage is collected, in bytes.
const firstCollection = 512 << 20

// collectLate puts garbage collection off until the heap has a size that only large clusters need, and lets it go on as usual
// from then on. A command reads a cluster once and ends: most of what it allocates stays, and looking through it again and
// again took a third of its time with 50,000 pods. Who sets GOGC or GOMEMLIMIT decides.
func collectLate(getenv func(string) string) {
	if getenv("GOGC") != "" || getenv("GOMEMLIMIT") != "" {
		return
	}
	percent := debug.SetGCPercent(-1)
	debug.SetMemoryLimit(firstCollection)
	runtime.AddCleanup(new([64]byte), func(percent int) { // the first collection finds that nobody holds it
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(math.MaxInt64)
	}, percent)
}
