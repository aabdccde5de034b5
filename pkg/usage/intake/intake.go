// SPDX-License-Identifier: Apache-2.0

// Package intake takes what a source says into a sample set, and refuses what cannot be true: it is then unknown, never
// zero. It judges by the figure alone; what only the API objects can tell (a size that no machine has, a node that is not
// there, an earlier pod of the same name) is judged by whoever has them.
package intake

import (
	"fmt"
	"math"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

const (
	// maxNameBytes is the longest name of an object of Kubernetes.
	maxNameBytes = 253
	// maxDetailBytes is how much of a figure a refusal repeats.
	maxDetailBytes = 200
)

// Intake is a sample set in the making. It is not safe for concurrent use.
type Intake struct {
	set    *sample.Set
	latest time.Time
	// Objects whose figures contradicted each other, with the time of those.
	nodes map[string]time.Time
	pods  map[types.NamespacedName]time.Time
}

// New returns an intake for a read at the time now that expects about so many nodes and pods.
func New(now time.Time, nodes, pods int) *Intake {
	return &Intake{
		set:    &sample.Set{Nodes: make(map[string]sample.Node, nodes), Pods: make(map[types.NamespacedName]sample.Pod, pods)},
		latest: now.Add(sample.MaxClockSkew),
		nodes:  map[string]time.Time{},
		pods:   map[types.NamespacedName]time.Time{},
	}
}

// Set returns what was taken in. The intake must not be used any more.
func (in *Intake) Set() *sample.Set { return in.set }

// Refuse notes that the source said something of no use about an object, "node NAME" or "pod NAMESPACE/NAME".
func (in *Intake) Refuse(object string, reason sample.Reason, detail string) {
	in.set.Refuse(shorten(object), reason, shorten(detail))
}

// RefuseNode notes that what the source says about a node is of no use.
func (in *Intake) RefuseNode(name string, reason sample.Reason, detail string) {
	in.Refuse("node "+name, reason, detail)
}

// RefusePod notes that what the source says about a pod is of no use.
func (in *Intake) RefusePod(pod types.NamespacedName, reason sample.Reason, detail string) {
	in.Refuse("pod "+pod.String(), reason, detail)
}

// Node takes in what was measured of a node. Of two figures the newer counts; if they are of the same time and differ,
// neither. A machine that holds nothing is refused. A kubepods figure or a stall that cannot be true, or a kubepods figure of
// nothing, is left out, and the rest is taken.
func (in *Intake) Node(name string, node sample.Node) {
	if name == "" || len(name) > maxNameBytes {
		in.RefuseNode(name, sample.ReasonUnnamed, fmt.Sprintf("%d bytes", node.Bytes))
		return
	}
	if reason, detail := in.judge(node.Measurement); reason != "" {
		in.RefuseNode(name, reason, detail)
		return
	}
	if node.Bytes == 0 { // A machine that answers holds something; a floor or a default was sent for what is not known.
		in.RefuseNode(name, sample.ReasonImpossible, "0 bytes")
		return
	}
	if node.Pods.Bytes == 0 {
		node.Pods = sample.Measurement{}
	}
	if node.Pods != (sample.Measurement{}) {
		if reason, detail := in.judge(node.Pods); reason != "" {
			in.RefuseNode(name, reason, "kubepods: "+detail)
			node.Pods = sample.Measurement{}
		}
	}
	if node.Stall != nil && (!percent(node.Stall.Some) || !percent(node.Stall.Full)) {
		in.RefuseNode(name, sample.ReasonNotANumber, fmt.Sprintf("memory stall of %g%% and %g%%", node.Stall.Some, node.Stall.Full))
		node.Stall = nil
	}
	before, ok := in.set.Nodes[name]
	switch verdict(before.Measurement, ok, in.nodes[name], node.Measurement) {
	case replaces:
		in.set.Nodes[name] = node
	case contradicts:
		delete(in.set.Nodes, name)
		in.nodes[name] = node.Time
		in.RefuseNode(name, sample.ReasonDuplicate, contradiction(before.Measurement, node.Measurement))
	}
}

// Pod takes in what was measured of a pod, as Node does.
func (in *Intake) Pod(name types.NamespacedName, pod sample.Pod) {
	if name.Name == "" || name.Namespace == "" || len(name.Name) > maxNameBytes || len(name.Namespace) > maxNameBytes {
		in.RefusePod(name, sample.ReasonUnnamed, fmt.Sprintf("%d bytes", pod.Bytes))
		return
	}
	if reason, detail := in.judge(pod.Measurement); reason != "" {
		in.RefusePod(name, reason, detail)
		return
	}
	before, ok := in.set.Pods[name]
	switch verdict(before.Measurement, ok, in.pods[name], pod.Measurement) {
	case replaces:
		in.set.Pods[name] = pod
	case contradicts:
		delete(in.set.Pods, name)
		in.pods[name] = pod.Time
		in.RefusePod(name, sample.ReasonDuplicate, contradiction(before.Measurement, pod.Measurement))
	}
}

// judge returns why a measurement cannot be true, or "".
func (in *Intake) judge(m sample.Measurement) (sample.Reason, string) {
	switch {
	case m.Bytes < 0:
		return sample.ReasonNegative, fmt.Sprintf("%d bytes", m.Bytes)
	case m.Time.IsZero() || m.Time.Unix() == 0:
		return sample.ReasonNoTime, fmt.Sprintf("%d bytes", m.Bytes)
	case m.Time.After(in.latest):
		return sample.ReasonFuture, fmt.Sprintf("%d bytes at %s, more than %s ahead of our clock", m.Bytes, m.Time.UTC().Format(time.RFC3339), sample.MaxClockSkew)
	}
	return "", ""
}

// The ways in which a figure meets the one before.
const (
	replaces = iota
	contradicts
	isNothingNew
)

// verdict compares a figure with the one before, if there was one, and with the time of earlier contradictions, if there
// were any.
func verdict(before sample.Measurement, known bool, disputed time.Time, now sample.Measurement) int {
	switch {
	case !disputed.IsZero() && !now.Time.After(disputed):
		return isNothingNew
	case !known || now.Time.After(before.Time):
		return replaces
	case now.Time.Equal(before.Time) && now.Bytes != before.Bytes:
		return contradicts
	}
	return isNothingNew
}

func contradiction(a, b sample.Measurement) string {
	return fmt.Sprintf("%d and %d bytes, both at %s", a.Bytes, b.Bytes, b.Time.UTC().Format(time.RFC3339))
}

// FromFloat returns a figure that came as a floating point number as bytes, or the reason why it is none.
func FromFloat(value float64) (int64, sample.Reason) {
	switch {
	case math.IsNaN(value) || math.IsInf(value, 0) || value >= math.MaxInt64:
		return 0, sample.ReasonNotANumber
	case value < 0:
		return 0, sample.ReasonNegative
	}
	return int64(value), ""
}

func percent(value float64) bool { return value >= 0 && value <= 100 }

func shorten(text string) string {
	if len(text) <= maxDetailBytes+maxNameBytes {
		return text
	}
	return text[:maxDetailBytes] + "..."
}
