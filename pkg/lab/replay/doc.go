// SPDX-License-Identifier: Apache-2.0

// Package replay places the pods of a memory trace with the scheduler's own plugins on a virtual clock, and counts what the
// kubelets evict and the kernel kills.
//
// Nodes and pods are API objects, verdicts and scores come from the scheduler framework running a KubeSchedulerConfiguration,
// and victims are chosen by package eviction. Only time, memory and the metrics pipeline are simulated: docs/evaluation.md
// says how, and what that leaves out.
package replay
