// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
)

// headroom keeps the book of HeadroomMemory as a scheduler's keeper does: made anew when there are new samples, and when pods
// left or changed since.
type headroom struct {
	book  *memory.StillBook
	nodes []*corev1.Node
	pods  []*corev1.Pod
	// samples are of the measurement.
	measured *measurement
	stale    bool // something changed since the book was made
}

func (h *headroom) refresh(r *run) {
	m := r.measure(r.now)
	if m == h.measured && !h.stale {
		return
	}
	h.measured, h.stale = m, false
	h.nodes, h.pods = h.nodes[:0], h.pods[:0]
	for _, n := range r.cluster.nodes {
		h.nodes = append(h.nodes, n.object)
	}
	for _, p := range r.cluster.pods {
		h.pods = append(h.pods, p.object)
	}
	h.book.Make(ledger.Input{
		Now: timeAt(r.now), Nodes: h.nodes, Pods: h.pods, Samples: r.samples(m), Troubles: r.troubles, Ended: r.cluster.ended(),
	})
	r.troubles = nil
}

// learn tells of the time before the run, as a scheduler that starts reads it from Prometheus, or until ctx ends: at each step of the
// sample that was the last one then. What comes later is not known yet.
func (h *headroom) learn(ctx context.Context, plan *Plan) error {
	learner := h.book.Learner()
	indices := make([]int, len(plan.history))
	workloads := make([]forecast.Workload, len(plan.history))
	for i, l := range plan.history {
		workloads[i] = workloadIn(l)
	}
	step := time.Duration(plan.step * float64(time.Second))
	for second := 0.0; second < plan.from; second += plan.step {
		if err := ctx.Err(); err != nil {
			return err
		}
		learner.Begin(timeAt(second))
		for i, l := range plan.history {
			bytes, index, known := l.sampled(second, indices[i])
			indices[i] = index
			if known {
				learner.Observe(workloads[i], bytes, step)
			}
		}
	}
	learner.Publish()
	return nil
}

// workloadIn is the workload as the plugin sees it.
func workloadIn(l *life) forecast.Workload { return forecast.WorkloadOf(newPod(l, 0, 0)) }
