// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"fmt"
	"math"
)

// validatePools refuses what summary.json cannot say.
func validatePools(run Run) error {
	if len(run.Pools) == 0 {
		return errors.New("report: the run has no pools: fill Run.Pools with one entry per scheduler")
	}
	seen := map[string]bool{}
	for i, pool := range run.Pools {
		if pool.Name == "" {
			return fmt.Errorf("report: Pools[%d] has no name: set Name", i)
		}
		if seen[pool.Name] {
			return fmt.Errorf("report: two pools are named %q: give each its own name", pool.Name)
		}
		seen[pool.Name] = true
		if err := validateSummary(pool); err != nil {
			return err
		}
	}
	return nil
}

func validateSummary(pool Pool) error {
	summary := pool.Summary
	for _, field := range []struct {
		name  string
		value float64
	}{
		{"PodsPlaced", float64(summary.PodsPlaced)},
		{"PodsRunning", float64(summary.PodsRunning)},
		{"Evictions", float64(summary.Evictions)},
		{"OOMKills", float64(summary.OOMKills)},
		{"PendingSeconds", summary.PendingSeconds},
		{"NodeUseP50", summary.NodeUseP50},
		{"NodeUseP99", summary.NodeUseP99},
	} {
		if math.IsNaN(field.value) || math.IsInf(field.value, 0) || field.value < 0 {
			return fmt.Errorf("report: pool %q: Summary.%s is %v: it must be a number from 0 up", pool.Name, field.name, field.value)
		}
	}
	return nil
}

// validateRun refuses what the page cannot draw.
func validateRun(run Run) error {
	if err := validatePools(run); err != nil {
		return err
	}
	if run.Duration <= 0 {
		return fmt.Errorf("report: Run.Duration is %v: set how long the run took", run.Duration)
	}
	points := 0
	for _, pool := range run.Pools {
		if len(pool.Nodes) == 0 {
			return fmt.Errorf("report: pool %q has no nodes: fill Nodes with one series per node", pool.Name)
		}
		nodes := map[string]bool{}
		for _, node := range pool.Nodes {
			if nodes[node.Name] {
				return fmt.Errorf("report: pool %q: two nodes are named %q: give one series per node", pool.Name, node.Name)
			}
			nodes[node.Name] = true
			if err := validateNode(pool.Name, node); err != nil {
				return err
			}
			points += len(node.Points)
		}
		for i, event := range pool.Events {
			if err := validateEvent(event, nodes); err != nil {
				return fmt.Errorf("report: pool %q: Events[%d] (pod %q): %w", pool.Name, i, event.Pod, err)
			}
		}
	}
	if points == 0 {
		return errors.New("report: no node has a memory sample: fill Points of the nodes of at least one pool")
	}
	return nil
}

func validateNode(pool string, node NodeSeries) error {
	if node.Name == "" {
		return fmt.Errorf("report: pool %q: a node has no name: set Name", pool)
	}
	if node.CapacityBytes <= 0 {
		return fmt.Errorf("report: pool %q: node %q: CapacityBytes is %d: set the memory of the node", pool, node.Name, node.CapacityBytes)
	}
	if node.ThresholdBytes < 0 || node.ThresholdBytes > node.CapacityBytes {
		return fmt.Errorf("report: pool %q: node %q: ThresholdBytes is %d: it must lie between 0 and the capacity of %d",
			pool, node.Name, node.ThresholdBytes, node.CapacityBytes)
	}
	for i, point := range node.Points {
		if point.Offset < 0 || point.WorkingSetBytes < 0 {
			return fmt.Errorf("report: pool %q: node %q: Points[%d] is %d bytes at %v: neither may be negative",
				pool, node.Name, i, point.WorkingSetBytes, point.Offset)
		}
	}
	return nil
}

func validateEvent(event Event, nodes map[string]bool) error {
	if event.Kind != KindEviction && event.Kind != KindOOMKill {
		return fmt.Errorf("kind %q is unknown: use %q or %q", event.Kind, KindEviction, KindOOMKill)
	}
	if !nodes[event.Node] {
		return fmt.Errorf("node %q is not in the pool: name a node that has a series", event.Node)
	}
	if event.Offset < 0 || event.Bytes < 0 {
		return fmt.Errorf("%d bytes at %v: neither may be negative", event.Bytes, event.Offset)
	}
	return nil
}
