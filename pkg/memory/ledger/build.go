// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

// podMarginBytes is added for every pod to the sum of pod samples that stands in for the kubepods working set: a pod's
// sample is the sum of its containers and lacks the pause process and what else is charged to the pod's cgroup.
const podMarginBytes = 1 << 20

// Builder makes snapshots. It remembers the demand of pods that have not changed since the last one. It is not safe for
// concurrent use.
type Builder struct {
	options Options
	demands map[types.UID]demandOfVersion
	present map[types.UID]presence
	gone    map[types.UID]presence
}

type demandOfVersion struct {
	resourceVersion string
	demand          forecast.Demand
}

// presence is what a pod was last seen to hold.
type presence struct {
	node string
	// measured bytes, part of the node's sample of that time.
	measured int64
	sampled  time.Time
	// peak is the most that was ever measured of the pod, in bytes.
	peak int64
}

// NewBuilder returns a builder.
func NewBuilder(options Options) *Builder {
	return &Builder{options: options}
}

// tally is what adds up on a node while its pods are walked.
type tally struct {
	podsMeasured int64 // samples of pods
	unseenByNode int64 // asked for, not in the node's sample yet
	unseenByPods int64 // asked for, not in the samples of pods yet
	growth       int64 // expected beyond what is counted
	gone         int64 // in the node's sample, of pods that are gone since
	pods         int64
}

// Build returns the book at the time now. pods are all pods with a node that have not ended, of every scheduler; a pod of a
// node that is not in nodes is left out. samples may be nil: nothing was ever read.
func (b *Builder) Build(now time.Time, nodes []*corev1.Node, pods []*corev1.Pod, samples *sample.Set) *Snapshot {
	if samples == nil {
		samples = &sample.Set{}
	}
	snapshot := &Snapshot{
		Nodes: make([]Node, len(nodes)),
		index: make(map[string]int, len(nodes)),
		pods:  make(map[types.UID]Pod, len(pods)),
	}
	for i, node := range nodes {
		snapshot.index[node.Name] = i
	}

	tallies := make([]tally, len(nodes))
	demands := make(map[types.UID]demandOfVersion, len(pods))
	present := make(map[types.UID]presence, len(pods))
	for _, pod := range pods {
		i, ok := snapshot.index[pod.Spec.NodeName]
		if !ok || ended(pod) {
			continue
		}
		demand := b.demand(pod)
		demands[pod.UID] = demand
		sampled := samples.Nodes[pod.Spec.NodeName].Time
		entry, inNode := b.entry(now, pod, demand.demand, samples, sampled)
		entry.Node = i
		snapshot.pods[pod.UID] = entry
		present[pod.UID] = presence{
			node: pod.Spec.NodeName, measured: entry.Measured, sampled: sampled, peak: max(entry.Measured, b.present[pod.UID].peak),
		}
		tallies[i].podsMeasured += entry.Measured
		tallies[i].unseenByPods += entry.Counted - entry.Measured
		if !inNode {
			tallies[i].unseenByNode += entry.Counted - entry.Measured
		}
		tallies[i].growth += entry.Peak - entry.Counted
		tallies[i].pods++
	}
	b.leave(present, snapshot, tallies, samples)
	b.demands, b.present = demands, present

	for i, node := range nodes {
		snapshot.Nodes[i] = b.line(now, node, tallies[i], samples)
		if snapshot.Nodes[i].State != Fresh {
			snapshot.NotFresh++
		}
	}
	snapshot.Degraded = snapshot.NotFresh*100 > b.options.MaxNotFreshPercent*len(nodes)
	return snapshot
}

// leave gives back the memory of pods that are gone while their node's sample still shows them, until there is a newer one:
// without it, a pod that made room would seem to have made none, and the next would have to go.
func (b *Builder) leave(present map[types.UID]presence, snapshot *Snapshot, tallies []tally, samples *sample.Set) {
	gone := map[types.UID]presence{}
	for _, earlier := range []map[types.UID]presence{b.gone, b.present} {
		for uid, pod := range earlier {
			_, stays := present[uid]
			i, known := snapshot.index[pod.node]
			if stays || !known || pod.measured == 0 || !samples.Nodes[pod.node].Time.Equal(pod.sampled) {
				continue
			}
			gone[uid] = pod
			tallies[i].gone += pod.measured
		}
	}
	b.gone = gone
}

// line makes a node's line from its sample and the tally of its pods.
func (b *Builder) line(now time.Time, node *corev1.Node, sum tally, samples *sample.Set) Node {
	line := Node{Name: node.Name}
	thresholds, err := threshold.Of(node, b.options.EvictionHardBytes)
	if err != nil { // A node that has not reported its size yet: absent, as one without a sample.
		return line
	}
	line.Thresholds = thresholds
	measured, ok := samples.Nodes[node.Name]
	if !ok {
		return line
	}
	line.SampleTime = measured.Time
	line.State = Fresh
	if now.Sub(measured.Time) > b.options.FreshFor {
		line.State = Stale
	}
	nodeHeld := max(measured.Bytes-sum.gone, 0)
	podsHeld := sum.podsMeasured + sum.pods*podMarginBytes
	line.MeasuredLeft, _ = thresholds.Left(nodeHeld, podsHeld)
	line.Left, line.Signal = thresholds.Left(nodeHeld+sum.unseenByNode, podsHeld+sum.unseenByPods)
	line.ForecastLeft = line.Left - sum.growth
	return line
}

// entry says what one pod counts for. inNode is true for a pod without a sample of its own whose memory is in its node's
// sample all the same, taken at sampled: it has been running for longer than its warm-up.
func (b *Builder) entry(now time.Time, pod *corev1.Pod, demand forecast.Demand, samples *sample.Set, sampled time.Time) (entry Pod, inNode bool) {
	measured, ok := samples.Pods[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}]
	covered := ok && coveredBy(pod, measured.Time)
	if covered {
		entry.Measured = measured.Bytes
	}
	entry.Counted = entry.Measured
	switch {
	case !covered:
		entry.Counted = demand.RequestBytes
		inNode = coveredBy(pod, sampled) && !b.warming(now, pod, sampled)
	case b.warming(now, pod, measured.Time):
		// What it held before it was restarted, it will hold again.
		entry.Counted = max(entry.Measured, demand.RequestBytes, b.present[pod.UID].peak)
	}
	entry.Peak = max(entry.Counted, demand.PeakBytes)
	if pod.DeletionTimestamp != nil { // On its way out: it will not grow.
		entry.Peak = entry.Counted
	}
	return entry, inNode
}

func (b *Builder) demand(pod *corev1.Pod) demandOfVersion {
	if known, ok := b.demands[pod.UID]; ok && known.resourceVersion == pod.ResourceVersion {
		return known
	}
	return demandOfVersion{pod.ResourceVersion, b.options.Prior.Demand(pod)}
}
