// SPDX-License-Identifier: Apache-2.0

// Package sample holds what was measured: working sets in bytes, each with the time at which it was taken.
package sample

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// MaxClockSkew is how far ahead of our clock the time of a sample, or of a pod's end, may be: what is from the future would be fresh for
// too long.
const MaxClockSkew = time.Minute

// Measurement is one working set.
type Measurement struct {
	// Bytes of working set: usage minus inactive file cache, as the kubelet's eviction counts it. Never negative.
	Bytes int64
	// Time at which it was taken, by the clock of whoever took it; not the time at which we read it.
	Time time.Time
	// Missed counts the reads in a row, since the one that brought it, that did not have it.
	Missed int
}

// Known reports whether anything was measured.
func (m Measurement) Known() bool { return !m.Time.IsZero() }

// Taken returns the time at which it was taken.
func (m Measurement) Taken() time.Time { return m.Time }

// Node is what was measured of one node.
type Node struct {
	// Measurement of the whole machine, system included.
	Measurement
	// Pods is the working set of the kubepods cgroup. It is not Known where the source does not tell.
	Pods Measurement
	// Stall is nil where the source does not tell.
	Stall *Stall
}

// Stall is how long processes waited for memory: the kernel's pressure stall information (PSI), in percent of the last ten
// seconds. 0 to 100.
type Stall struct {
	// Some: at least one process waited. Full: all of them did.
	Some, Full float64
}

// Pod is what was measured of one pod.
type Pod struct {
	// Measurement of the pod's cgroup, or the sum of its containers where the source knows only those.
	Measurement
	// UID of the pod that was measured, for a static pod the one its kubelet gave it. Empty where the source knows pods by
	// name only.
	UID types.UID
}

// Reason is why a figure was refused.
type Reason string

// The reasons.
const (
	ReasonNegative   Reason = "negative"     // less than no memory
	ReasonNotANumber Reason = "not-a-number" // NaN, an infinity, or more than an int64 holds
	ReasonNoTime     Reason = "no-time"      // nobody knows when it was taken
	ReasonFuture     Reason = "future"       // taken later than now, by more than clocks may differ
	ReasonIncomplete Reason = "incomplete"   // of some of a pod's containers only, or without memory
	ReasonDuplicate  Reason = "duplicate"    // a second, different figure for the same object
	ReasonUnnamed    Reason = "unnamed"      // nobody knows what it is about
	ReasonImpossible Reason = "impossible"   // more than the machine has
	ReasonUnknown    Reason = "unknown"      // of a node or a pod that is not there
	ReasonEarlier    Reason = "earlier"      // of an earlier pod or node of the same name
)

// Refusal is a figure that cannot be true and was left out: what it is about is unknown.
type Refusal struct {
	// Object is "node NAME" or "pod NAMESPACE/NAME".
	Object string
	Reason Reason
	// Detail is the figure in words, for a log.
	Detail string
}

// Set is what one read of a source returned. It is immutable once published. A node or pod that is missing is unknown,
// never zero.
type Set struct {
	// Nodes by name.
	Nodes map[string]Node
	// Pods by namespace and name.
	Pods map[types.NamespacedName]Pod
	// Refused is what the source said and cannot be true, at most MaxRefusals of it, and RefusedCount how much there was.
	Refused      []Refusal
	RefusedCount map[Reason]int
}

// MaxRefusals is how many refusals a set holds one by one: a source that sends nothing but garbage must not fill our memory.
const MaxRefusals = 20

// Refuse notes a refusal.
func (s *Set) Refuse(object string, reason Reason, detail string) {
	if s.RefusedCount == nil {
		s.RefusedCount = map[Reason]int{}
	}
	s.RefusedCount[reason]++
	if len(s.Refused) < MaxRefusals {
		s.Refused = append(s.Refused, Refusal{Object: object, Reason: reason, Detail: detail})
	}
}
