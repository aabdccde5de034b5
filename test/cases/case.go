// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// File is one text file of cases.
type File struct {
	Name  string // as errors name it
	Cases []Case
}

// Case is one story: nodes, pods and what comes of them, in order.
type Case struct {
	Title string
	At    Position
	// Config is the configuration that the scheduler runs: a file of the folder config without its ending, or "" for the
	// shipped profile.
	Config string
	Skips  []Skip
	Steps  []Step
}

// Runner is a way to play cases.
type Runner string

const (
	// InProcess: Headroom's plugins in a scheduler of the test's own process, without an API server.
	InProcess Runner = "process"
	// InCluster: the real binary on a real control plane.
	InCluster Runner = "cluster"
	// OnKind: the chart's release on a kind cluster, on nodes without a kubelet. What is not for InCluster is not for it either.
	OnKind Runner = "kind"
	// Stock: as InProcess, with the in-tree plugins that Headroom's replace.
	Stock Runner = "stock"
)

func runners() []Runner { return []Runner{InProcess, InCluster, OnKind, Stock} }

// Skip says that a case is not for a runner, and why.
type Skip struct {
	Runner Runner
	Reason string
}

// Skipped returns why the case is not for the runner, or "" if it is.
func (c *Case) Skipped(runner Runner) string {
	for _, skip := range c.Skips {
		if skip.Runner == runner || (skip.Runner == InCluster && runner == OnKind) {
			return skip.Reason
		}
	}
	return ""
}

// Measures reports whether the case depends on measured memory, so that it needs a scheduler that measures.
func (c *Case) Measures() bool {
	return slices.ContainsFunc(c.Steps, func(step Step) bool {
		return step.Node != nil && step.Node.Annotations[heldAnnotation] != ""
	})
}

// Step is one thing that happens or is expected: exactly one field beside At is set.
type Step struct {
	At     Position
	Node   *corev1.Node // a node is added
	Pod    *corev1.Pod  // a pod is created; Existing tells which are bound and running already
	Change *Change
	Expect *Expectation
}

// Existing reports whether a pod runs on its node from the start, as opposed to one that is created with a node's name.
func Existing(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodRunning }

// ChangeKind is the word for what happens to a node or a pod.
type ChangeKind string

// The kinds of changes.
const (
	Label      ChangeKind = "label"
	Unlabel    ChangeKind = "unlabel"
	Taint      ChangeKind = "taint"
	Untaint    ChangeKind = "untaint"
	Cordon     ChangeKind = "cordon"
	Uncordon   ChangeKind = "uncordon"
	Hold       ChangeKind = "hold"
	RemoveNode ChangeKind = "remove"
	DeletePod  ChangeKind = "delete"
)

// Change is what happens to one node, or to one pod for DeletePod.
type Change struct {
	Kind  ChangeKind
	Name  string            // of the node or pod
	Set   map[string]string // Label: the labels
	Key   string            // Unlabel, Untaint
	Taint corev1.Taint      // Taint
	Held  resource.Quantity // Hold: bytes outside pods
}

// ExpectationKind is the word for what becomes of a pod.
type ExpectationKind string

// The kinds of expectations.
const (
	// Placed: the pod is on one of Nodes, and Victims are gone.
	Placed ExpectationKind = "on"
	// Pending: the scheduler says that the pod fits nowhere, in words that contain Reason.
	Pending ExpectationKind = "pending"
	// Gone: the pod no longer exists.
	Gone ExpectationKind = "gone"
	// Untouched: no scheduler has written anything about the pod. Judged at once: a case first awaits a later pod.
	Untouched ExpectationKind = "untouched"
)

// Expectation is what is to become of a pod.
type Expectation struct {
	Kind    ExpectationKind
	Pod     string
	Nodes   []string
	Victims []string
	Reason  string
}

// Position is a place in a file. Lines and columns count from 1; a column is a character.
type Position struct {
	File         string
	Line, Column int
}

func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// Error is a fault in the text of a file.
type Error struct {
	At      Position
	Message string // what was found and what was expected
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.At, e.Message) }
