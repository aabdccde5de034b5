// SPDX-License-Identifier: Apache-2.0

// Package explain tells what a cluster's scheduler would do and why: it runs the scheduler's own framework, with the
// cluster's profile, over what was read of the cluster once, and changes nothing.
package explain
