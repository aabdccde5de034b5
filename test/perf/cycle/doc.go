// SPDX-License-Identifier: Apache-2.0

// Package cycle compares the arms cycle by cycle: all schedulers in one process, one pod after the other, without API
// server and etcd. What disturbs the machine disturbs all alike, so that small differences show; the code is in the tests.
package cycle
