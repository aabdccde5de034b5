// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// firstCredit is how much of the time that a pod ran before it was first seen counts as observed.
const firstCredit = 5 * time.Minute

// young is how long after a pod became ready what it held at most is expected of it again at any time: what it did while it warmed
// up is not learned, and what it does by and by could hardly be yet.
const young = 10 * time.Minute

// count takes a pod into the book, on the node of the index.
func (b *build) count(node int, pod *corev1.Pod) {
	known := b.record(pod)
	measured, found := b.sampleOf(node, pod)
	// An old figure says nothing of what the pod holds now.
	old := found && b.Now.Sub(measured.Time) > b.options.FreshFor
	entry, steady := b.entry(node, pod, known, measured, found && !old)
	entry.Earlier = found && measured.Missed > b.Samples.Nodes[pod.Spec.NodeName].Missed
	sampled := b.snapshot.Nodes[node].SampleTime
	later := found && !old && measuredLater(pod, measured.Time, sampled)
	b.keep(pod, known, entry, later)
	if steady {
		b.learn(pod, known, entry.Measured, sampled)
	} else if old && b.snapshot.Nodes[node].State != Unsupported && pod.DeletionTimestamp == nil && !b.warming(pod, measured.Time) {
		b.recall(pod, known, measured)
	}
	sum := &b.tallies[node]
	sum.requested += known.demand.RequestBytes
	before := sum.unshown
	sum.take(pod, entry, known, steady, later, sampled)
	known.unshown = unshownOf(pod, entry, later, sum.less(before))
	if entry.Peak > entry.Counted || !entry.InNode { // what was never counted cannot be given back
		entry.Course.AddTo(&sum.expected, 1)
		sum.replaced += entry.Counted
	}
	if !entry.Course.Even() {
		b.learned++
	}
	if b.unsampled(node) {
		entry.Course.AddTo(&sum.foreseen, 1)
	}
	sum.pods++
	sum.holdings.add(victimPriority(pod), entry.Measured)
	b.troubles.addKills(pod, known.workload, b.Now)
}

// measuredLater reports whether a pod was measured later than its node, whose sample there is, and did not run then.
func measuredLater(pod *corev1.Pod, measured, node time.Time) bool {
	return !node.IsZero() && measured.After(node) && !mayHaveRunBy(pod, node)
}

// keep takes in what a pod counts for, and what its node's figures have of it: nothing, if it was measured later than its node and did not
// run then.
func (b *build) keep(pod *corev1.Pod, known *record, entry Pod, later bool) {
	known.peak = max(known.peak, entry.Measured)
	if later {
		entry.Measured = 0
	}
	b.snapshot.pods[pod.UID] = entry
	known.measured, known.earlier = entry.Measured, entry.Earlier
}

// take adds a pod to what its node's figures show and do not show.
func (t *tally) take(pod *corev1.Pod, entry Pod, known *record, steady, later bool, sampled time.Time) {
	if later {
		t.countLater(entry)
		return
	}
	t.count(pod, entry, sampled)
	t.show(pod, entry, known, steady, sampled)
}

// countLater adds a pod that was measured after its node, whose figures lack it.
func (t *tally) countLater(entry Pod) {
	t.podsMeasured += entry.Measured
	t.unseenByPods += entry.Counted - entry.Measured
	t.earlier += entry.Measured
	t.unseenByNode += entry.Counted
}

// count adds what was measured of a pod, and what it counts for beyond that.
func (t *tally) count(pod *corev1.Pod, entry Pod, sampled time.Time) {
	t.podsMeasured += entry.Measured
	t.unseenByPods += entry.Counted - entry.Measured
	if !entry.InNode {
		t.unseenByNode += entry.Counted - entry.Measured
	}
	leaves := pod.DeletionTimestamp != nil
	if entry.Earlier && (leaves || !ranBy(pod, sampled)) { // Its node held nothing of it; one that runs was missed by the source.
		t.earlier += entry.Measured
		if !leaves { // It is started again.
			t.unseenByNode += entry.Measured
		}
	}
}

// record returns what is known of a pod, up to date with the pod itself.
func (b *build) record(pod *corev1.Pod) *record {
	known := b.pods[pod.UID]
	if known == nil {
		known = &record{}
		b.pods[pod.UID] = known
	}
	if known.build == 0 || known.resourceVersion != pod.ResourceVersion {
		known.resourceVersion = pod.ResourceVersion
		known.demand = b.options.Estimator.Demand(pod)
		known.workload = forecast.WorkloadOf(pod)
		known.node = pod.Spec.NodeName
		if !LetGo(known.stopsBy, pod, b.Now) { // It is about to be gone, as it was to be.
			known.stopsBy = StopsBy(pod)
		}
	}
	known.build, known.gone = b.builds, time.Time{}
	return known
}

// entry says what one pod counts for. A pod without a sample of its own is in its node's all the same if it has been running
// for longer than its warm-up. steady is true for a pod whose own sample says what it holds when it is warm. covered is true for one with a sample that counts.
func (b *build) entry(node int, pod *corev1.Pod, known *record, measured sample.Pod, covered bool) (entry Pod, steady bool) {
	demand, sampled := known.demand, b.snapshot.Nodes[node].SampleTime
	if b.options.Learner != nil {
		demand = b.options.Learner.Adjust(demand, known.workload)
	}
	least := int64(0) // of the peak
	entry.Node = node
	if covered {
		entry.Measured = measured.Bytes
	}
	entry.Counted = entry.Measured
	switch {
	case !covered:
		least = heldBefore(pod, known)
		entry.Counted = max(demand.FirmBytes, least)
		entry.InNode = startedBy(pod, sampled) && !b.warming(pod, sampled)
	case b.warming(pod, measured.Time):
		least = heldBefore(pod, known)
		entry.Counted = max(entry.Measured, demand.FirmBytes, least)
	default:
		steady = true
		if measured.Time.Sub(readySince(pod)) < young {
			least = known.peak
		}
	}
	entry.Peak = max(entry.Measured, least, demand.PeakBytes)
	entry.Course = demand.Course(least)
	if demand.Learned == nil {
		entry.Course = forecast.Flat(entry.Peak)
	}
	if pod.DeletionTimestamp != nil { // On its way out: it will not grow.
		entry.Counted = entry.Measured
		if !covered {
			entry.Counted = known.peak
			if known.peak == 0 && pod.Status.StartTime != nil { // It runs on until its grace is over, and was never measured.
				entry.Counted = demand.FirmBytes
			}
		}
		entry.Peak, entry.Course, steady = entry.Counted, forecast.Flat(entry.Counted), false
	}
	return entry, steady
}

// learn tells the learner what a warm pod holds. When a pod is seen for the first time, it has had the time since it became
// ready to grow, of which a few minutes count.
func (b *build) learn(pod *corev1.Pod, known *record, bytes int64, sampled time.Time) {
	if b.options.Learner == nil || !sampled.After(known.learned) {
		return
	}
	b.options.Learner.Observe(known.workload, bytes, known.ran(pod, sampled))
	b.options.Learner.Requested(known.workload, known.demand.RequestBytes)
	known.learned = sampled
}

// recall tells the learner what a warm pod held when a sample was taken that is too old to say what it holds now.
func (b *build) recall(pod *corev1.Pod, known *record, old sample.Pod) {
	if b.options.Learner == nil || !old.Time.After(known.learned) {
		return
	}
	b.options.Learner.Recall(known.workload, old.Bytes, old.Time, known.ran(pod, old.Time))
	b.options.Learner.Requested(known.workload, known.demand.RequestBytes)
	known.learned = old.Time
}

// ran is how long the pod ran until a sample since the learner was told of it.
func (r *record) ran(pod *corev1.Pod, sampled time.Time) time.Duration {
	if r.learned.IsZero() {
		return min(sampled.Sub(readySince(pod)), firstCredit)
	}
	return sampled.Sub(r.learned)
}

// readySince returns since when a pod is ready, if it is: of one that is not, since when it is not. Zero: its kubelet has not said.
func readySince(pod *corev1.Pod) time.Time {
	for i := range pod.Status.Conditions {
		if condition := &pod.Status.Conditions[i]; condition.Type == corev1.PodReady {
			return condition.LastTransitionTime.Time
		}
	}
	return time.Time{}
}

// heldBefore is what a pod held before it was started again, in bytes: it will hold that again, and if it was killed for want of memory,
// more. 0 for one that was never measured nor killed.
func heldBefore(pod *corev1.Pod, known *record) int64 {
	return max(known.peak, forecast.Raised(pod, known.demand, known.peak))
}

// sampleOf returns the sample of a pod, if there is one and it is of this pod.
func (b *build) sampleOf(node int, pod *corev1.Pod) (sample.Pod, bool) {
	name := types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}
	measured, ok := b.Samples.Pods[name]
	if !ok {
		return sample.Pod{}, false
	}
	if measured.UID != "" && !isOf(measured.UID, pod) {
		b.refuse(sample.ReasonEarlier, name)
		return sample.Pod{}, false
	}
	if measured.Bytes == 0 {
		return sample.Pod{}, false // a pod that runs holds something
	}
	if !startedBy(pod, measured.Time) {
		if measured.Time.Before(pod.CreationTimestamp.Time) {
			b.refuse(sample.ReasonEarlier, name)
		}
		return sample.Pod{}, false
	}
	if capacity := b.Nodes[node].Status.Capacity.Memory().Value(); measured.Bytes > capacity && capacity > 0 {
		b.refuse(sample.ReasonImpossible, name)
		return sample.Pod{}, false
	}
	return measured, true
}
