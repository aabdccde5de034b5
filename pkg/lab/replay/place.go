// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"fmt"
	"iter"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
)

// Standing is a cluster that stands still.
type Standing struct {
	Nodes []*corev1.Node
	// Samples were measured at Now.
	Samples *sample.Set
	Now     time.Time
}

// Place gives pods to the policy's scheduler one after another, as a run does, so that a run can be compared with a scheduler
// that really places them. chosen is told of the nodes that score best for a pod, none if no node is feasible, and returns the
// one that the pod is put on, or "".
func (s *Standing) Place(ctx context.Context, policy Policy, pods iter.Seq[*corev1.Pod], chosen func(pod *corev1.Pod, best []string) (string, error)) error {
	profile, err := policy.profile()
	if err != nil {
		return err
	}
	still := memory.NewStill()
	scheduler, err := newScheduler(ctx, profile, table(still.New), nil, 1)
	if err != nil {
		return err
	}
	defer scheduler.close()
	for _, object := range s.Nodes {
		scheduler.cache.AddNode(scheduler.logger, object)
	}
	var best []string
	scheduler.tied = func(nodes []string) { best = nodes }
	var placed []*corev1.Pod
	for object := range pods {
		for _, book := range still.Books() {
			book.Make(ledger.Input{Now: s.Now, Nodes: s.Nodes, Pods: placed, Samples: s.Samples})
		}
		best = nil
		if _, err := scheduler.choose(object); err != nil {
			return err
		}
		name, err := chosen(object, best)
		if err != nil {
			return err
		}
		if name == "" {
			continue
		}
		running := started(object, name, s.Now.Sub(epoch()).Seconds(), 0)
		placed = append(placed, running)
		if err := scheduler.cache.AddPod(scheduler.logger, running); err != nil {
			return fmt.Errorf("pod %s: %w", object.Name, err)
		}
	}
	return nil
}
