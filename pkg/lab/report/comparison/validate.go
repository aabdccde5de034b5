// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// validate refuses what the page cannot draw. Its errors name the place.
func (c *Comparison) validate() error {
	if len(c.Curves) == 0 && len(c.Predictors) == 0 {
		return errors.New("neither curves nor predictors: there is nothing to compare")
	}
	for i, row := range c.Results {
		if err := row.validate(); err != nil {
			return fmt.Errorf("results[%d]: %w", i, err)
		}
	}
	seen := map[[3]string]bool{}
	for i, curve := range c.Curves {
		key := [3]string{curve.Trace, curve.Scenario, curve.Policy}
		if seen[key] {
			return fmt.Errorf("curves[%d]: there is one of %s, %s, %s already", i, curve.Trace, curve.Scenario, curve.Policy)
		}
		seen[key] = true
		if err := curve.validate(); err != nil {
			return fmt.Errorf("curves[%d]: %w", i, err)
		}
	}
	for i, d := range c.Paired {
		if err := errors.Join(named(d.Trace, d.Scenario, d.Policy), interval(d.Low, d.Mean, d.High)); err != nil {
			return fmt.Errorf("paired[%d]: %w", i, err)
		}
	}
	for i, story := range c.Stories {
		if err := story.validate(); err != nil {
			return fmt.Errorf("stories[%d]: %w", i, err)
		}
	}
	for i, p := range c.Predictors {
		if err := errors.Join(named(p.Trace, p.Predictor), numbers(p.HorizonHours, p.Violation, p.Severity), finite(p.Savings)); err != nil {
			return fmt.Errorf("predictors[%d]: %w", i, err)
		}
	}
	return nil
}

func (r *Row) validate() error {
	return errors.Join(named(r.Trace, r.Scenario, r.Policy),
		numbers(float64(r.Nodes), r.PodHours, float64(r.Evictions), float64(r.OOMKills), r.PendingHours, float64(r.Unplaced), r.NodeUseP50, r.NodeUseP99))
}

func (c *Curve) validate() error {
	if err := named(c.Trace, c.Scenario, c.Policy); err != nil {
		return err
	}
	if len(c.Points) == 0 {
		return errors.New("it has no points")
	}
	for i, p := range c.Points {
		if i > 0 && p.Nodes <= c.Points[i-1].Nodes {
			return fmt.Errorf("points[%d] is of %d nodes after %d: want them ascending", i, p.Nodes, c.Points[i-1].Nodes)
		}
		if err := errors.Join(numbers(float64(p.Nodes), p.Mean), interval(p.Low, p.Mean, p.High)); err != nil {
			return fmt.Errorf("points[%d]: %w", i, err)
		}
	}
	return nil
}

func (s *Story) validate() error {
	if err := named(s.Trace, s.Scenario, s.Policy); err != nil {
		return err
	}
	if s.Span <= 0 || len(s.Nodes) == 0 || len(s.Nodes[0].Shares) == 0 {
		return errors.New("want a span above 0, and nodes with shares")
	}
	for _, node := range s.Nodes {
		if len(node.Shares) != len(s.Nodes[0].Shares) {
			return fmt.Errorf("node %s has %d shares, the first one %d: want as many", node.Node, len(node.Shares), len(s.Nodes[0].Shares))
		}
		if err := finite(node.Shares...); err != nil {
			return fmt.Errorf("node %s: %w", node.Node, err)
		}
	}
	return nil
}

// named wants every name.
func named(names ...string) error {
	if slices.Contains(names, "") {
		return errors.New("a trace, a scenario, a policy or a predictor has no name")
	}
	return nil
}

// numbers wants finite ones from 0 up.
func numbers(values ...float64) error {
	for _, value := range values {
		if value < 0 {
			return fmt.Errorf("the figure %v: want 0 or more", value)
		}
	}
	return finite(values...)
}

func finite(values ...float64) error {
	for _, value := range values {
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return fmt.Errorf("the figure %v: want a number", value)
		}
	}
	return nil
}

func interval(low, mean, high float64) error {
	if err := finite(low, mean, high); err != nil {
		return err
	}
	if low > mean || mean > high {
		return fmt.Errorf("the interval from %v to %v does not hold the mean %v", low, high, mean)
	}
	return nil
}
