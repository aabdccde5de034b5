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
}

type demandOfVersion struct {
	resourceVersion string
	demand          forecast.Demand
}

// NewBuilder returns a builder.
func NewBuilder(options Options) *Builder {
	return &Builder{options: options}
}

// tally is what adds up on a node while its pods are walked.
type tally struct {
	podsMeasured int64 // samples
	unseen       int64 // asked for, not in the sample yet
	growth       int64 // expected beyond what is counted
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
	for _, pod := range pods {
		i, ok := snapshot.index[pod.Spec.NodeName]
		if !ok || ended(pod) {
			continue
		}
		demand := b.demand(pod)
		demands[pod.UID] = demand
		entry := b.entry(now, pod, demand.demand, samples)
		entry.Node = i
		snapshot.pods[pod.UID] = entry
		tallies[i].podsMeasured += entry.Measured
		tallies[i].unseen += entry.Counted - entry.Measured
		tallies[i].growth += entry.Peak - entry.Counted
		tallies[i].pods++
	}
	b.demands = demands

	for i, node := range nodes {
		snapshot.Nodes[i] = b.line(now, node, tallies[i], samples)
		if snapshot.Nodes[i].State != Fresh {
			snapshot.NotFresh++
		}
	}
	snapshot.Degraded = snapshot.NotFresh*100 > b.options.MaxNotFreshPercent*len(nodes)
	return snapshot
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
	podsHeld := sum.podsMeasured + sum.pods*podMarginBytes
	line.MeasuredLeft, _ = thresholds.Left(measured.Bytes, podsHeld)
	line.Left, line.Signal = thresholds.Left(measured.Bytes+sum.unseen, podsHeld+sum.unseen)
	line.ForecastLeft = line.Left - sum.growth
	return line
}

// entry says what one pod counts for.
func (b *Builder) entry(now time.Time, pod *corev1.Pod, demand forecast.Demand, samples *sample.Set) Pod {
	entry := Pod{}
	measured, ok := samples.Pods[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}]
	covered := ok && coveredBy(pod, measured.Time)
	if covered {
		entry.Measured = measured.Bytes
	}
	entry.Counted = entry.Measured
	if !covered || b.warming(now, pod, measured.Time) {
		entry.Counted = max(entry.Measured, demand.RequestBytes)
	}
	entry.Peak = max(entry.Counted, demand.PeakBytes)
	return entry
}

func (b *Builder) demand(pod *corev1.Pod) demandOfVersion {
	if known, ok := b.demands[pod.UID]; ok && known.resourceVersion == pod.ResourceVersion {
		return known
	}
	return demandOfVersion{pod.ResourceVersion, b.options.Prior.Demand(pod)}
}
