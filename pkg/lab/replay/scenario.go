// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"fmt"
	"time"
)

// Requests says where the requests of pods come from.
type Requests string

const (
	// RequestsProfiled: a factor times the 90th percentile of the trace's first day, as VerticalPodAutoscaler would set them.
	RequestsProfiled Requests = "profiled"
	// RequestsGiven: as the trace has them.
	RequestsGiven Requests = "given"
)

// Fill says when pods arrive, of a trace of two days or more. From one of less than a day they are started at random times instead.
type Fill string

const (
	// FillStatic: all pods that live in the profile day arrive within an hour after it, and stay as long as the trace has them.
	FillStatic Fill = "static"
	// FillChurn: pods come and go as in an arrival process, each with the memory of a random series.
	FillChurn Fill = "churn"
)

// Scenario is what a run assumes, beside the trace and the nodes.
type Scenario struct {
	Name          string
	Requests      Requests
	RequestFactor float64 // of RequestsProfiled
	// Sticky memory is the maximum of the last hour: what a process held it gives back late.
	Sticky bool
	// Lag is the age at which a measurement becomes visible to the scheduler.
	Lag time.Duration
	// MissingPercent of nodes have no measurement, others at every refresh.
	MissingPercent int
	Fill           Fill
	// EvictionPercent of a node's memory is the kubelet's threshold; 0: its default, 100Mi.
	EvictionPercent int
	// NodeFactor makes nodes so many times larger, and as many fewer.
	NodeFactor int
}

// Base is the scenario around which the others vary one factor.
func Base() Scenario {
	return Scenario{Name: "base", Requests: RequestsProfiled, RequestFactor: 1.15, Lag: time.Minute, Fill: FillStatic, EvictionPercent: 3, NodeFactor: 1}
}

// Scenarios returns the base case and those that vary one factor of it.
func Scenarios() []Scenario {
	vary := func(name string, change func(*Scenario)) Scenario {
		scenario := Base()
		scenario.Name = name
		change(&scenario)
		return scenario
	}
	return []Scenario{
		Base(),
		vary("requests-provisioned", func(s *Scenario) { s.Requests = RequestsGiven }),
		vary("requests-underset", func(s *Scenario) { s.RequestFactor /= 2 }),
		vary("memory-sticky", func(s *Scenario) { s.Sticky = true }),
		vary("lag-15s", func(s *Scenario) { s.Lag = 15 * time.Second }),
		vary("lag-300s", func(s *Scenario) { s.Lag = 5 * time.Minute }),
		vary("metrics-missing", func(s *Scenario) { s.MissingPercent = 10 }),
		vary("threshold-100Mi", func(s *Scenario) { s.EvictionPercent = 0 }),
		vary("churn", func(s *Scenario) { s.Fill = FillChurn }),
		vary("nodes-large", func(s *Scenario) { s.NodeFactor = 4 }),
	}
}

// evictionHard is the kubelet's threshold on a node with so much memory, in bytes.
func (s *Scenario) evictionHard(nodeBytes int64) int64 {
	if s.EvictionPercent == 0 {
		return defaultEvictionHard
	}
	return nodeBytes / 100 * int64(s.EvictionPercent)
}

// ScenarioNamed returns the scenario of that name.
func ScenarioNamed(name string) (Scenario, error) {
	var names []string
	for _, scenario := range Scenarios() {
		if scenario.Name == name {
			return scenario, nil
		}
		names = append(names, scenario.Name)
	}
	return Scenario{}, fmt.Errorf("scenario %q is not one of %v", name, names)
}
