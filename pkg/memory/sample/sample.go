// SPDX-License-Identifier: Apache-2.0

// Package sample holds what was measured: working sets in bytes, each with the time at which it was taken.
package sample

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Measurement is one working set.
type Measurement struct {
	// Bytes of working set: usage minus inactive file cache, as the kubelet's eviction counts it. Never negative.
	Bytes int64
	// Time at which it was taken, by the clock of whoever took it; not the time at which we read it.
	Time time.Time
}

// Set is what one read of a source returned. It is immutable once published. A node or pod that is missing is unknown,
// never zero.
type Set struct {
	// Nodes by name. The working set of the whole machine, system included.
	Nodes map[string]Measurement
	// Pods by namespace and name. The sum of the pod's containers.
	Pods map[types.NamespacedName]Measurement
}
