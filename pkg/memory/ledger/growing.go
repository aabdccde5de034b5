// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// growing adds up, in bytes, what pods are counted for and are expected to hold at most beyond what was measured of them, of those
// that ran when their node was measured and have no sample of their own yet, or one of before they grew. Their node's sample shows
// some of it, and it is not known how much.
type growing struct {
	counted, peak int64
}

func (g *growing) add(pod *corev1.Pod, entry Pod, sampled time.Time) {
	if pod.DeletionTimestamp == nil && ranBy(pod, sampled) {
		g.counted += entry.Counted - entry.Measured
		g.peak += entry.Peak - entry.Measured
	}
}

// ranBy reports whether a container of the pod that runs did so at the given time.
func ranBy(pod *corev1.Pod, taken time.Time) bool {
	return slices.ContainsFunc(pod.Status.ContainerStatuses, func(status corev1.ContainerStatus) bool {
		return status.State.Running != nil && !status.State.Running.StartedAt.After(taken)
	})
}

// surplus is what a node's samples show beyond what is known of its pods, in bytes: of the machine and of the kubepods cgroup. It is the
// system, and what the pods' own samples lack.
type surplus struct {
	node, cgroup int64
}

// beyond returns how much more the samples show than usual: pods that grow hold it. The usual is what was there when no pod of the node
// grew; where that was never seen, nothing is said to be theirs, and they count twice until they are measured.
func (b *build) beyond(line *Node, sum *tally) surplus {
	known := sum.podsMeasured + sum.phantom + sum.unsampled
	now := surplus{node: line.NodeHeld - known, cgroup: line.PodsHeld - known}
	if sum.growing.peak == 0 {
		if line.State == Fresh {
			b.usual[line.Name] = now
		}
		return surplus{}
	}
	usual, ok := b.usual[line.Name]
	if !ok {
		return surplus{}
	}
	return surplus{node: max(now.node-usual.node, 0), cgroup: max(now.cgroup-usual.cgroup, 0)}
}
