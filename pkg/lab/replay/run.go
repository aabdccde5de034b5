// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
)

// run is one policy on one plan.
type run struct {
	scenario Scenario
	plan     *Plan
	seed     uint64

	cluster   *cluster
	scheduler *scheduler
	headroom  *headroom // nil for policies without HeadroomMemory
	result    Result
	uses      *histogram

	events   []event // in the order of time
	number   int
	now      float64
	waiting  []*pod // unschedulable when last tried
	measured *measurement
	ends     map[*life]int    // evictions in a row
	lives    map[string]*life // by the names of pods
	troubles []ledger.Trouble
	retrying bool // it is planned
	failure  error

	// placed is told of every pod that comes to a node (+1) or leaves it (-1), and decided of every decision; node is "" if
	// there was none. nil: nobody wants to know.
	placed  func(p *pod, sign int64)
	decided func(second float64, pod, node string)
	// moved is told when memory has moved on to a step, before kubelets and kernels act, stepped when the step is over, and story of
	// every pod that is ended for want of memory.
	moved   func(second float64)
	stepped func(second float64)
	story   func(n *node, second float64, p *pod, what string)
}

// event is something that happens at a second.
type event struct {
	second float64
	number int // among those of one second, in the order in which they were planned
	do     func()
}

// at plans what is done at a second, after what is planned for it already.
func (r *run) at(second float64, do func()) {
	r.number++
	next := event{second, r.number, do}
	i, _ := slices.BinarySearchFunc(r.events, next, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.second, b.second), cmp.Compare(a.number, b.number))
	})
	r.events = slices.Insert(r.events, i, next)
}

// play runs the plan to its end, or until ctx ends.
func (r *run) play(ctx context.Context) error {
	for _, life := range r.plan.lives {
		if life.start < r.plan.to {
			r.at(life.start, func() { r.create(life, 0, life.start, life.start) })
		}
	}
	for second := r.plan.from; second < r.plan.to; second += r.plan.step {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.pass(second)
		if err := r.step(second); err != nil {
			return err
		}
	}
	r.pass(r.plan.to)
	r.finish()
	return r.failure
}

// pass does what is planned before a second.
func (r *run) pass(second float64) {
	for len(r.events) > 0 && r.events[0].second < second && r.failure == nil {
		next := r.events[0]
		r.events = r.events[1:]
		r.now = next.second
		next.do()
	}
	r.now = second
}

func (r *run) fail(err error) {
	if r.failure == nil {
		r.failure = err
	}
}

// create makes a pod for a life at one second and gives it to the scheduler at another.
func (r *run) create(l *life, attempt int, second, ready float64) {
	p := &pod{life: l, attempt: attempt, object: newPod(l, attempt, second), created: second}
	if attempt == 0 {
		r.result.Pods++
	}
	r.lives[p.object.Name] = l
	if ready >= r.plan.to { // It waits for its restart when the run ends.
		r.drop(p)
		return
	}
	r.at(ready, func() { r.try(p) })
}

// try gives a pod to the scheduler.
func (r *run) try(p *pod) {
	if r.now >= p.life.end {
		r.drop(p)
		return
	}
	if r.headroom != nil {
		r.headroom.refresh(r)
	}
	name, err := r.scheduler.choose(p.object)
	if err != nil {
		r.fail(fmt.Errorf("second %.0f: %w", r.now, err))
		return
	}
	if r.decided != nil {
		r.decided(r.now, p.object.Name, name)
	}
	if name == "" {
		r.waiting = append(r.waiting, p)
		return
	}
	r.cluster.place(p, r.cluster.byName[name], r.now)
	if err := r.scheduler.addPod(p); err != nil {
		r.fail(fmt.Errorf("second %.0f: %w", r.now, err))
	}
	if r.placed != nil {
		r.placed(p, +1)
	}
	r.result.PendingHours += (r.now - p.created) / 3600
	if p.life.end < r.plan.to {
		r.at(p.life.end, func() {
			if p.left == 0 {
				r.leave(p, r.now)
			}
		})
	}
}

// drop gives up a pod that was never placed in its life.
func (r *run) drop(p *pod) {
	r.result.PendingHours += (min(p.life.end, r.plan.to) - p.created) / 3600
	r.result.Unplaced++
}

// leave takes a pod off its node; whoever waits is tried again a moment later.
func (r *run) leave(p *pod, second float64) {
	r.result.PodHours += (second - p.placed) / 3600
	if r.placed != nil {
		r.placed(p, -1)
	}
	r.cluster.remove(p, second)
	if err := r.scheduler.removePod(p); err != nil {
		r.fail(fmt.Errorf("second %.0f: %w", second, err))
	}
	if r.headroom != nil {
		r.headroom.stale = true
	}
	r.retry(second + 1)
}

// retry tries the waiting pods again at a second.
func (r *run) retry(second float64) {
	if len(r.waiting) == 0 || r.retrying {
		return
	}
	r.retrying = true
	r.at(second, func() {
		r.retrying = false
		waiting := r.waiting
		r.waiting = nil
		for _, p := range waiting {
			r.try(p)
		}
	})
}

// step moves memory on to a second, and lets the kubelets look.
func (r *run) step(second float64) error {
	r.cluster.step(second)
	if r.moved != nil {
		r.moved(second)
	}
	r.kubelets(second, r.plan.step)
	r.mark(second)
	for _, n := range r.cluster.nodes {
		r.uses.add(float64(n.marks[len(n.marks)-1].bytes) / float64(n.bytes))
	}
	if r.stepped != nil {
		r.stepped(second)
	}
	r.cluster.forget(second - r.scenario.Lag.Seconds() - max(2*scrapeSeconds, keptSeconds) - r.plan.step)
	r.retry(second + 1)
	if r.headroom != nil { // It sees every measurement, whether or not there is a pod to place.
		r.at(second+math.Ceil(r.scenario.Lag.Seconds()/scrapeSeconds)*scrapeSeconds, func() { r.headroom.refresh(r) })
	}
	return r.failure
}

// finish counts what is still there at the end.
func (r *run) finish() {
	for _, p := range r.cluster.pods {
		r.result.PodHours += (r.plan.to - p.placed) / 3600
	}
	for _, p := range r.waiting {
		r.drop(p)
	}
	r.result.NodeUseP50, r.result.NodeUseP99 = r.uses.quantile(0.5), r.uses.quantile(0.99)
}

// trouble is what a kubelet says of a pod that it evicted after a look: what it held then, if that is more than it requests
// (k8s.io/kubernetes pkg/kubelet/eviction/helpers.go: evictionMessage).
func trouble(p *pod, second, look float64) ledger.Trouble {
	held := p.holds(max(look, p.placed))
	if held <= p.life.request {
		held = 0
	}
	return ledger.Trouble{Node: p.node.object.Name, Workload: forecast.WorkloadOf(p.object), Time: timeAt(second), HeldBytes: held}
}

// updatePod tells the scheduler that a pod's status changed.
func (r *run) updatePod(p *pod, updated *corev1.Pod) {
	if err := r.scheduler.cache.UpdatePod(r.scheduler.logger, p.object, updated); err != nil {
		r.fail(fmt.Errorf("second %.0f: %w", r.now, err))
	}
	p.object = updated
	if r.headroom != nil {
		r.headroom.stale = true
	}
}
