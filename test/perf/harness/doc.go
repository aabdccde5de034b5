// SPDX-License-Identifier: Apache-2.0

// Package harness runs one workload with one arm on upstream's scheduler_perf: an API server and a scheduler in one
// process, etcd in another. "make bench" runs it once for each measurement; the code is in the tests.
package harness
