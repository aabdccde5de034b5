// SPDX-License-Identifier: Apache-2.0

// Package eviction holds pkg/memory against the kubelet's own code: its eviction manager, run on generated nodes and pods,
// and its functions for oom_score_adj, cgroup limits and the parsing of thresholds.
//
// It is apart from pkg/memory because it compiles the kubelet.
package eviction
