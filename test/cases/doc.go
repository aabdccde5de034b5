// SPDX-License-Identifier: Apache-2.0

// Package cases reads placement cases written in plain text and plays them on a cluster, real or simulated.
//
// A case says which nodes and pods there are and where each pod is to end. The language is described in README.md.
package cases
