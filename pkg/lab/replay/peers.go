// SPDX-License-Identifier: Apache-2.0

package replay

// unseen adds up, over the pods that came to the node after a second, what each is taken to use.
func unseen(n *node, second float64, use func(l *life) float64) float64 {
	var sum float64
	for _, p := range n.pods {
		if p.placed > second {
			sum += use(p.life)
		}
	}
	return sum
}

func (n *node) allocatable() float64 { return float64(n.bytes - n.evictionHard) }

// share is what Trimaran's plugins take for bytes of the node: load-watcher reports percent of capacity, and they apply it to what is
// allocatable (scheduler-plugins pkg/trimaran/resourcestats.go:CreateResourceStats).
func (n *node) share(bytes float64) float64 { return bytes / float64(n.bytes) * n.allocatable() }

// everywhere admits all nodes: most peers only score.
type everywhere struct{}

func (everywhere) admits(*run, *node, *usage, *life) bool { return true }

type loadVariationJudge struct {
	everywhere
	margin float64
}

func (j loadVariationJudge) score(_ *run, n *node, u *usage, l *life) int64 {
	if !u.known {
		return 0 // as the plugin does
	}
	return loadVariation(n.share(u.quarter), n.share(u.deviation), float64(l.request), n.allocatable(), j.margin)
}

type lowRiskJudge struct {
	everywhere
	limitWeight float64
}

func (j lowRiskJudge) score(_ *run, n *node, u *usage, l *life) int64 {
	if !u.known {
		return 0
	}
	var sums nodeSums
	for _, p := range n.pods {
		sums.request += float64(p.life.request)
		sums.limit += float64(max(p.life.limit, p.life.request))
	}
	sums.requestWithPod = sums.request + float64(l.request)
	sums.limitWithPod = sums.limit + float64(max(l.limit, l.request))
	return lowRisk(n.share(u.quarter), n.share(u.deviation), sums, n.allocatable(), j.limitWeight)
}

// targetLoadJudge expects of pods that metrics do not show yet what TargetLoadPacking does: those of the last minute before
// the measurement are among them.
type targetLoadJudge struct {
	everywhere
	target float64
}

func (j targetLoadJudge) score(r *run, n *node, u *usage, l *life) int64 {
	if !u.known {
		return 0
	}
	use := func(l *life) float64 { return expectedUse(l.request, l.limit) }
	return targetLoad(100*(u.quarter+use(l)+unseen(n, r.measured.taken-60, use))/float64(n.bytes), j.target)
}

// koordinatorJudge takes a mean of five minutes for what is used, and counts the pod to be placed and what pods that came after
// a minute before the measurement are not seen to use yet (koordinator pkg/scheduler/plugins/loadaware). Its metrics expire by
// when they are reported, which is not what lags in a scenario: here they never do.
type koordinatorJudge struct{ most, estimate float64 }

func (j koordinatorJudge) used(r *run, n *node, u *usage, l *life) float64 {
	used := u.fiveMinutes + j.use(l.request, l.limit)
	taken := r.measured.taken
	for _, p := range n.pods {
		if p.placed <= taken-koordinatorReport {
			continue
		}
		var seen float64
		if p.there(taken) {
			seen = float64(p.holds(taken))
		}
		used += max(j.use(p.life.request, p.life.limit)-seen, 0)
	}
	return used
}

func (j koordinatorJudge) admits(r *run, n *node, u *usage, l *life) bool {
	return !u.known || j.used(r, n, u, l) <= j.most*n.allocatable()
}

func (j koordinatorJudge) score(r *run, n *node, u *usage, l *life) int64 {
	if !u.known {
		return 0
	}
	return int64(100 * max(n.allocatable()-j.used(r, n, u, l), 0) / n.allocatable())
}

// craneJudge ignores the pod's size, as Crane does.
type craneJudge struct{ fiveMinutes, hour float64 }

func (j craneJudge) admits(_ *run, n *node, u *usage, _ *life) bool {
	return !u.known || (u.fiveMinutes <= j.fiveMinutes*float64(n.bytes) && float64(u.hour) <= j.hour*float64(n.bytes))
}

func (craneJudge) score(r *run, n *node, u *usage, _ *life) int64 {
	if !u.known {
		return 0
	}
	var long, short int
	for _, p := range n.pods {
		if p.placed > r.now-craneHotSpan {
			long++
		}
		if p.placed > r.now-craneHotShort {
			short++
		}
	}
	size := float64(n.bytes)
	return crane(u.fiveMinutes/size, float64(u.hour)/size, float64(u.day)/size, long/craneHotCount+short/craneHotShortMax)
}
