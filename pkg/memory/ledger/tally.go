// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// record is what is remembered of a pod from one book to the next.
type record struct {
	build           uint64 // the last one that the pod was in
	resourceVersion string
	demand          forecast.Demand
	workload        forecast.Workload
	node            string
	// measured bytes, part of the node's last sample.
	measured int64
	// unshown is what the pod counted for beyond that; nothing before its kubelet took it on.
	unshown unshown
	// earlier: the node's last sample was read without the pod.
	earlier bool
	// peak is the most that was ever measured of the pod, in bytes.
	peak int64
	// stopsBy is what StopsBy says of the pod.
	stopsBy time.Time
	// learned is the time of the last sample that the learner was told of.
	learned time.Time
	// gone is when the pod was first missing.
	gone time.Time
}

// held reports whether the pod held memory, or was to hold some, when it was seen last.
func (r *record) held() bool {
	return !r.earlier && (r.measured > 0 || r.unshown.unseenByNode > 0 || r.unshown.unseenByPods > 0)
}

// unshown is what pods count for that figures do not show, or are not known to show, in bytes.
type unshown struct {
	unseenByNode int64 // asked for, not in the node's sample yet
	unseenByPods int64 // asked for, not in the samples of pods yet
	unsampled    int64 // held at most by pods that are in the node's sample and not in one of their own
	growing      growing
}

// unshownOf returns what a pod counts for if it vanishes, besides what was measured of it with its node: as it did before, if its kubelet
// had taken it on. The sample of one that was measured later than its node goes with it.
func unshownOf(pod *corev1.Pod, entry Pod, later bool, added unshown) unshown {
	if pod.Status.StartTime == nil {
		return unshown{}
	}
	if later {
		added.unseenByPods += entry.Measured
	}
	return added
}

func (u unshown) less(other unshown) unshown { return u.plus(other, -1) }

// plus returns the sum with so many times another one.
func (u unshown) plus(other unshown, times int64) unshown {
	return unshown{
		unseenByNode: u.unseenByNode + times*other.unseenByNode,
		unseenByPods: u.unseenByPods + times*other.unseenByPods,
		unsampled:    u.unsampled + times*other.unsampled,
		growing:      growing{counted: u.growing.counted + times*other.growing.counted, peak: u.growing.peak + times*other.growing.peak},
	}
}

// tally is what adds up on a node while its pods are walked.
type tally struct {
	unshown
	requested    int64
	podsMeasured int64 // samples of pods
	earlier      int64 // of that, of pods that had stopped when the node was measured last, or did not run yet
	// expected in each hour of the day, of pods of which so much is counted, and replaced by it.
	expected [forecast.Hours]float64
	replaced int64
	gone     int64 // in the node's sample, of pods that are gone since
	// goneTogether is that in the figure of the kubepods cgroup, which has a time of its own.
	goneTogether int64
	phantom      int64 // of pods that are gone and may hold memory still
	pods         int64
	holdings     holdings
	// foreseen is what all pods are expected to hold in each hour of the day. It is added up only where no sample is to be used.
	foreseen [forecast.Hours]float64
}
