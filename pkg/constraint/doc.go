// SPDX-License-Identifier: Apache-2.0

// Package constraint is the algebra of node selectors and node affinity: what a pod asks of a node, compiled once,
// matched against many.
//
// It is pure: no client, no clock, no logging, and matching a node allocates nothing. Its verdicts are those of
// k8s.io/component-helpers/scheduling/corev1/nodeaffinity, which its tests compare it with; see Required for the
// order in which things count.
package constraint
