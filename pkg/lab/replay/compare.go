// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/headroom-dev/headroom/pkg/lab/trace"
)

// Matrix is what is compared: every scenario with every policy, number of nodes and seed.
type Matrix struct {
	Trace     *trace.Trace
	Arrivals  Arrivals
	Scenarios []Scenario
	Policies  []Policy
	Nodes     []int
	NodeBytes int64
	Seeds     int
	// Starts is how many pods are started from a trace of less than a day.
	Starts int
}

// Runs returns the runs of the matrix, those that are compared with each other side by side, each once: two numbers of nodes may
// come to the same number of large ones.
func (m *Matrix) Runs() []Run {
	type setting struct {
		scenario, policy string
		nodes, seed      int
	}
	known := map[setting]bool{}
	var runs []Run
	for _, scenario := range m.Scenarios {
		for _, nodes := range m.Nodes {
			for seed := range m.Seeds {
				for _, policy := range m.Policies {
					this := setting{scenario.Name, policy.Name, max(nodes/scenario.NodeFactor, 1), seed}
					if known[this] {
						continue
					}
					known[this] = true
					runs = append(runs, Run{
						Trace: m.Trace.Name, Scenario: scenario, Policy: policy, Seed: uint64(seed) + 1,
						Nodes: this.nodes, NodeBytes: m.NodeBytes * int64(scenario.NodeFactor),
					})
				}
			}
		}
	}
	return runs
}

// Check plays nothing, and says what is wrong with the matrix.
func (m *Matrix) Check(ctx context.Context) error {
	for i := range m.Policies {
		if err := m.Policies[i].Check(ctx); err != nil {
			return err
		}
	}
	for _, scenario := range m.Scenarios {
		if _, err := m.plan(m.first(scenario)); err != nil {
			return fmt.Errorf("scenario %s: %w", scenario.Name, err)
		}
	}
	return nil
}

// first is the first run of a scenario, as far as its plan depends on it.
func (m *Matrix) first(scenario Scenario) Run {
	return Run{Scenario: scenario, NodeBytes: m.NodeBytes * int64(scenario.NodeFactor), Seed: 1}
}

// plan draws the pods of a run: the same for every policy.
func (m *Matrix) plan(wanted Run) (*Plan, error) {
	return NewPlan(m.Trace, wanted.Scenario, m.Arrivals, m.Starts, wanted.NodeBytes, wanted.Seed)
}

// Play plays all runs, so many at a time, and tells done of each that is over, one at a time and in any order. Once ctx ends it
// begins no more, gives up those under way and returns its error.
func (m *Matrix) Play(ctx context.Context, parallel int, done func(Result)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	runs := make(chan Run)
	var (
		workers sync.WaitGroup
		mutex   sync.Mutex
		failure error
	)
	for range parallel {
		workers.Go(func() {
			for wanted := range runs {
				result, err := m.playOne(ctx, wanted)
				mutex.Lock()
				switch {
				case err == nil:
					done(result)
				case failure == nil || errors.Is(failure, context.Canceled):
					failure = err
					stop()
				}
				mutex.Unlock()
			}
		})
	}
	for _, wanted := range m.Runs() {
		select {
		case runs <- wanted:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(runs)
	workers.Wait()
	if failure == nil {
		failure = ctx.Err()
	}
	return failure
}

func (m *Matrix) playOne(ctx context.Context, wanted Run) (Result, error) {
	plan, err := m.plan(wanted)
	if err != nil {
		return Result{}, err
	}
	return Play(ctx, wanted, plan)
}

// Tell plays one run of the matrix and tells its story.
func (m *Matrix) Tell(ctx context.Context, wanted Run) (Story, error) {
	plan, err := m.plan(wanted)
	if err != nil {
		return Story{}, err
	}
	return Tell(ctx, wanted, plan)
}
