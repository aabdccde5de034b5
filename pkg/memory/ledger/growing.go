// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// growing adds up, in bytes, what pods are counted for and are expected to hold at most beyond what was measured of them, of those
// that ran when their node was measured and have no sample of their own yet, or one of before they grew. Their node's sample shows
// some of it, and it is not known how much.
type growing struct {
	counted, peak int64
}

// machine is a node: another one may come under its name.
type machine struct {
	name string
	uid  types.UID
}

func machineOf(node *corev1.Node) machine { return machine{node.Name, node.UID} }

// show takes in a pod that the node's sample may show and that has no sample of its own to tell how much of it: one that runs for long,
// for the most that it ever held, and one that may grow still.
func (t *tally) show(pod *corev1.Pod, entry Pod, known *record, steady bool, sampled time.Time) {
	switch {
	case entry.InNode:
		t.unsampled += known.peak
	case !steady && ranBy(pod, sampled):
		t.growing.counted += entry.Counted - entry.Measured
		t.growing.peak += entry.Peak - entry.Measured
	}
}

// ranBy reports whether a container of the pod that runs did so at the given time.
func ranBy(pod *corev1.Pod, taken time.Time) bool {
	return slices.ContainsFunc(pod.Status.ContainerStatuses, func(status corev1.ContainerStatus) bool {
		return status.State.Running != nil && !status.State.Running.StartedAt.After(taken)
	})
}

// mayHaveRunBy reports whether a container of the pod was there at the given time, or one before it that was started again since.
func mayHaveRunBy(pod *corev1.Pod, taken time.Time) bool {
	by := func(started time.Time) bool { return !started.After(taken) }
	return slices.ContainsFunc(slices.Concat(pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses), func(status corev1.ContainerStatus) bool {
		return status.RestartCount > 0 || status.State.Running != nil && by(status.State.Running.StartedAt.Time) ||
			status.State.Terminated != nil && by(status.State.Terminated.StartedAt.Time)
	})
}

// shown returns how much of the kubepods cgroup's figure pods that grow hold, in bytes: what is more in it than usual. The usual, beyond
// what is known of the pods, is what was there when no pod of the node grew. Where that was never seen, nothing is said to be theirs,
// and they count twice until they are measured.
//
// In the machine's figure they count twice in any case: where that is mended too, replays of agents' containers end a third more of them
// on seven nodes, and a fifth fewer on eight.
func (b *build) shown(line *Node, sum *tally) int64 {
	beyond := line.PodsHeld - (sum.podsMeasured - sum.earlier) - sum.phantom - sum.unsampled
	if sum.growing.peak == 0 {
		b.usual[machineOf(b.Nodes[b.snapshot.index[line.Name]])] = beyond
		return 0
	}
	usual, ok := b.usual[machineOf(b.Nodes[b.snapshot.index[line.Name]])]
	if !ok {
		return 0
	}
	return max(beyond-usual, 0)
}
