// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"maps"
	"math"
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

// Input is what a book is made from.
type Input struct {
	Now   time.Time
	Nodes []*corev1.Node
	// Pods with a node that have not ended, of every scheduler. A pod of a node that is not in Nodes is left out.
	Pods []*corev1.Pod
	// Samples may be nil: nothing was ever read.
	Samples *sample.Set
	// Kubelets has what is known of the nodes' kubelets, by node.
	Kubelets map[string]*threshold.Settings
	// Ended says of a pod whether it is known to have ended, its containers having stopped, and when they did by its node's clock; zero
	// if that is not known. Nil: nothing is known.
	Ended func(types.UID) (stopped time.Time, ended bool)
	// Troubles happened since the last book, or before it: telling of one twice does no harm.
	Troubles []Trouble
}

// Builder makes snapshots. It remembers what it saw of each pod. It is not safe for concurrent use.
type Builder struct {
	options   Options
	builds    uint64
	degraded  bool
	sampled   bool // by now some node was
	pods      map[types.UID]*record
	troubles  troubles
	pressures pressures
	// usual is what the figure of a node's kubepods cgroup has beyond what is known of its pods, in bytes, by node.
	usual map[machine]int64
}

// NewBuilder returns a builder.
func NewBuilder(options Options) *Builder {
	return &Builder{options: options, pods: map[types.UID]*record{}, troubles: troubles{}, pressures: pressures{}, usual: map[machine]int64{}}
}

// build is one book in the making.
type build struct {
	*Builder
	Input
	snapshot *Snapshot
	tallies  []tally
	learned  int // pods of workloads of which something was learned
}

// Build returns the book at input.Now.
func (b *Builder) Build(input Input) *Snapshot {
	if input.Samples == nil {
		input.Samples = &sample.Set{}
	}
	input.Troubles = Believed(input.Troubles, input.Now)
	b.builds++
	made := build{Builder: b, Input: input, tallies: make([]tally, len(input.Nodes)), snapshot: &Snapshot{
		Time:  input.Now,
		Nodes: make([]Node, len(input.Nodes)),
		index: make(NodeIndex, len(input.Nodes)),
		pods:  make(map[types.UID]Pod, len(input.Pods)),
	}}
	made.fill()
	return made.snapshot
}

func (b *build) fill() {
	for i, node := range b.Nodes {
		b.snapshot.index[node.Name] = i
		line := &b.snapshot.Nodes[i]
		line.Name = node.Name
		known, err := threshold.Override(node, b.Kubelets[node.Name])
		if err != nil {
			line.Problem = err.Error()
		}
		// An error is a node that has not reported its size yet: absent, as one without a sample.
		if thresholds, err := threshold.Of(node, known, b.options.EvictionHardBytes); err == nil {
			line.Thresholds = thresholds
			b.measure(line, node)
		}
	}
	b.degrade()
	for node := range b.Samples.Nodes {
		if _, ok := b.snapshot.index[node]; !ok {
			b.refuse(sample.ReasonUnknown, types.NamespacedName{Name: node})
		}
	}
	b.troubles.add(b.Troubles)
	if b.options.Learner != nil {
		b.learnTroubles()
		defer b.options.Learner.Publish()
	}
	for _, pod := range b.Pods {
		if i, ok := b.snapshot.index[pod.Spec.NodeName]; ok && !ended(pod) {
			b.count(i, pod)
		}
	}
	b.snapshot.Foreseen = b.learned > 0 && 2*b.learned >= len(b.snapshot.pods)
	b.leave()
	for i := range b.Nodes {
		b.finish(i)
	}
	b.pressures.forget(b.options.Cooldown, b.Now)
	maps.DeleteFunc(b.usual, func(node machine, _ int64) bool {
		i, ok := b.snapshot.index[node.name]
		return !ok || b.Nodes[i].UID != node.uid
	})
	b.snapshot.cooling = b.troubles.ofWorkloads(b.Nodes, b.snapshot.index, b.options.Cooldown, b.Now)
}

// finish makes a node's figures, once all pods are counted.
func (b *build) finish(i int) {
	node := b.Nodes[i]
	line := &b.snapshot.Nodes[i]
	line.Requested = b.tallies[i].requested
	if line.State == Fresh || line.State == Stale {
		b.sum(line, &b.tallies[i])
	}
	if b.unsampled(i) {
		line.foresee(&b.tallies[i].foreseen)
	}
	var stall *sample.Stall
	if line.State == Fresh {
		stall = b.Samples.Nodes[node.Name].Stall
	}
	b.pressures.follow(node, b.Now)
	line.Cooling = max(b.pressures.cooling(node, b.options.Cooldown, b.Now), b.troubles.ofNode(node, stall, b.options, b.Now))
}

// unsampled reports whether the node is to be judged without its sample: it has none, or an old one, or so few nodes have a fresh
// one that they would take all pods.
func (b *build) unsampled(node int) bool {
	return b.degraded || b.snapshot.Nodes[node].State != Fresh
}

// learnTroubles begins a round of learning with what pods held that were ended.
func (b *build) learnTroubles() {
	b.options.Learner.Begin(b.Now)
	for _, trouble := range b.Troubles {
		if trouble.HeldBytes > 0 {
			b.options.Learner.Ended(trouble.Workload, trouble.HeldBytes, trouble.Time)
		}
	}
}

// measure says how far a node's sample can be trusted. One that the machine cannot hold is refused, and that of a node that runs Windows says
// nothing of when its kubelet evicts.
func (b *build) measure(line *Node, node *corev1.Node) {
	if runsWindows(node) {
		line.State = Unsupported
		return
	}
	measured, ok := b.Samples.Nodes[node.Name]
	if !ok {
		return
	}
	capacity := node.Status.Capacity.Memory().Value()
	if together, ok := b.kubepods(b.snapshot.index[node.Name]); measured.Bytes > capacity || ok && together.Bytes > capacity {
		b.refuse(sample.ReasonImpossible, types.NamespacedName{Name: node.Name})
		return
	}
	if tooFarAhead(measured.Time, b.Now) {
		b.refuse(sample.ReasonFuture, types.NamespacedName{Name: node.Name})
		return
	}
	if measured.Time.Before(node.CreationTimestamp.Time) { // Another machine had the name, or this one was empty.
		b.refuse(sample.ReasonEarlier, types.NamespacedName{Name: node.Name})
		delete(b.usual, machineOf(node))
		return
	}
	line.SampleTime = measured.Time
	line.State = Fresh
	if b.Now.Sub(measured.Time) > b.options.FreshFor {
		line.State = Stale
	}
}

// runsWindows reports whether the node's kubelet goes by memory that was committed, which no sample shows (k8s.io/kubernetes
// pkg/kubelet/eviction/helpers_windows.go), and limits no pods together.
func runsWindows(node *corev1.Node) bool {
	const windows = string(corev1.Windows)
	return node.Status.NodeInfo.OperatingSystem == windows || node.Labels[corev1.LabelOSStable] == windows
}

// kubepods returns what all pods of a node hold together, by their cgroup; ok is false where that was not measured of late, or of an earlier
// machine of the node's name: a read that lacks it leaves the one before.
func (b *build) kubepods(node int) (together sample.Measurement, ok bool) {
	together = b.Samples.Nodes[b.Nodes[node].Name].Pods
	ok = together.Known() && b.Now.Sub(together.Time) <= b.options.FreshFor && !ofEarlier(b.Nodes[node], together.Time)
	return together, ok
}

// sum makes a node's figures from its sample and the tally of its pods.
func (b *build) sum(line *Node, sum *tally) {
	measured := b.Samples.Nodes[line.Name]
	line.NodeHeld = max(measured.Bytes-sum.gone, 0)
	line.PodsHeld = sum.podsMeasured + sum.phantom + sum.pods*podMarginBytes
	unseenByPods, shown := sum.unseenByPods, int64(0)
	if together, ok := b.kubepods(b.snapshot.index[line.Name]); ok { // The cgroup itself: it holds what the pods' own samples may lack.
		line.PodsHeld = max(together.Bytes-sum.goneTogether, 0)
		unseenByPods, shown = sum.unseenByNode, b.shown(line, sum)
	}
	line.Removable = sum.holdings.removable(max(line.NodeHeld, line.PodsHeld))
	line.MeasuredLeft, _ = line.Thresholds.Left(line.NodeHeld, line.PodsHeld)
	node, pods := line.NodeHeld+sum.unseenByNode, line.PodsHeld+unseenByPods
	line.Left, line.Signal = line.Thresholds.Left(node, pods-min(shown, sum.growing.counted))
	left, _ := line.Thresholds.Left(node, pods-min(shown, sum.growing.peak))
	rest := line.Thresholds.Pods - left - sum.replaced // system, and what is counted of others
	most := int64(math.MinInt64)
	for hour, expected := range sum.expected {
		line.Expected[hour] = rest + int64(expected)
		most = max(most, line.Expected[hour])
	}
	line.ForecastLeft = line.Thresholds.Pods - most
}

// foresee makes what the node is expected to hold what its pods are expected to, and nothing else.
func (n *Node) foresee(hours *[forecast.Hours]float64) {
	for hour, expected := range hours {
		n.Expected[hour] = int64(expected)
	}
}

// degrade decides whether too few nodes are fresh.
func (b *build) degrade() {
	for i := range b.snapshot.Nodes {
		switch b.snapshot.Nodes[i].State {
		case Stale, Absent:
			b.snapshot.NotFresh++
		case Unsupported:
			b.snapshot.Unsupported++
		case Fresh:
		}
	}
	limit := b.options.MaxNotFreshPercent * b.snapshot.Supported()
	if b.degraded && b.sampled { // Before the first samples it is no news that nothing is known.
		limit -= limit / 5
	}
	b.sampled = b.sampled || len(b.Samples.Nodes) > 0
	b.degraded = b.snapshot.NotFresh*100 > limit
	b.snapshot.Degraded = b.degraded
}
