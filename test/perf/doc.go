// SPDX-License-Identifier: Apache-2.0

// Package perf keeps what "make bench" measures: results as a list in a file, their ratios, and the report of them.
package perf
