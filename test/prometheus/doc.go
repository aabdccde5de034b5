// SPDX-License-Identifier: Apache-2.0

// Package prometheus holds what is read from a Prometheus against a real one, where it is installed, and what was stored in it.
package prometheus
