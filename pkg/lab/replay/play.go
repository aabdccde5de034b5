// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"fmt"

	"github.com/headroom-dev/headroom/pkg/plugins/memory"
)

// Run is what is to be played.
type Run struct {
	Trace     string
	Scenario  Scenario
	Policy    Policy
	Nodes     int
	NodeBytes int64
	Seed      uint64
}

// Play plays a plan, which is used up by it, with a policy and returns what it came to.
func Play(ctx context.Context, wanted Run, plan *Plan) (Result, error) {
	if wanted.Policy.bound {
		return bound(ctx, wanted, plan)
	}
	r := newRun(wanted, plan)
	defer r.close()
	if err := r.prepare(ctx, wanted.Policy); err != nil {
		return Result{}, err
	}
	if err := r.play(ctx); err != nil {
		return Result{}, fmt.Errorf("%s, %s, %s, %d nodes, seed %d: %w", wanted.Trace, wanted.Scenario.Name, wanted.Policy.Name, wanted.Nodes, wanted.Seed, err)
	}
	return r.result, nil
}

func newRun(wanted Run, plan *Plan) *run {
	r := &run{
		scenario: wanted.Scenario, plan: plan, seed: wanted.Seed, uses: &histogram{}, now: plan.from,
		cluster: newCluster(wanted.Nodes, wanted.NodeBytes, wanted.Scenario.evictionHard(wanted.NodeBytes)),
		ends:    map[*life]int{}, lives: map[string]*life{},
		result: Result{Trace: wanted.Trace, Scenario: wanted.Scenario.Name, Policy: wanted.Policy.Name, Nodes: wanted.Nodes, Seed: wanted.Seed},
	}
	return r
}

// close ends what the scheduler does in the background, if there is one.
func (r *run) close() {
	if r.scheduler != nil {
		r.scheduler.close()
	}
}

// prepare makes the scheduler of the policy.
func (r *run) prepare(ctx context.Context, policy Policy) error {
	profile, err := policy.profile()
	if err != nil {
		return err
	}
	still := memory.NewStill()
	plugins := table(still.New)
	judge := policy.judge
	if policy.clairvoyant {
		judge = newClairvoyant(r)
	}
	plugins[peerName] = newPeer(r, judge)
	if r.scheduler, err = newScheduler(ctx, profile, plugins, r.cluster.nodes, r.seed); err != nil {
		return err
	}
	if books := still.Books(); len(books) > 0 {
		r.headroom = &headroom{book: books[0], stale: true}
		r.headroom.book.Learner().LeaveOut(policy.unlearned)
		return r.headroom.learn(ctx, r.plan)
	}
	return nil
}
