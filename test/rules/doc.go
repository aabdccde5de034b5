// SPDX-License-Identifier: Apache-2.0

// Package rules holds the rules of the house as functions over the repository's files, so that a test can keep them and
// a test can break them: each rule is shown to report a synthetic offender.
//
// A rule takes what it needs as plain values and returns its findings; loading the repository is in load.go.
package rules
