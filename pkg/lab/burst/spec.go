// SPDX-License-Identifier: Apache-2.0

package burst

import (
	_ "embed"
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/headroom-dev/headroom/pkg/lab/stage"
)

// DefaultSpec is the scenario's own nodes, load and burst.
//
//go:embed burst.yaml
var DefaultSpec []byte

// Spec says which nodes a pool has, what runs on them, and which pods it gets at once.
type Spec struct {
	// MetricsResolution is the time between two scrapes of metrics-server, at least 10s.
	MetricsResolution metav1.Duration `json:"metricsResolution"`
	// SettledScrapes is how many scrapes show the load before the burst to the schedulers, at least 1.
	SettledScrapes int `json:"settledScrapes"`
	// SampleAge is how old the newest sample of every node is when the burst comes: 0 to less than MetricsResolution.
	SampleAge metav1.Duration `json:"sampleAge"`
	// Watch is the time from the burst to the end.
	Watch metav1.Duration `json:"watch"`
	// PressureTransition is the kubelets' evictionPressureTransitionPeriod.
	PressureTransition metav1.Duration `json:"pressureTransition"`
	// Jitter is the largest share by which a pod's usage differs from its workload's. 0 to less than 1.
	Jitter float64         `json:"jitter"`
	Nodes  stage.NodesSpec `json:"nodes"`
	// Base is what runs before.
	Base  []BaseSpec  `json:"base"`
	Burst ArrivalSpec `json:"burst"`
}

// BaseSpec is a load that some of the nodes bear before the burst.
type BaseSpec struct {
	// Name is a DNS label. The nodes' numbers come after it.
	Name string `json:"name"`
	// Nodes is how many nodes bear it; the seed says which. A node bears one load.
	Nodes int `json:"nodes"`
	// PodsPerNode is how many pods it has on each.
	PodsPerNode int               `json:"podsPerNode"`
	Request     resource.Quantity `json:"request"`
	Limit       resource.Quantity `json:"limit"`
	// Use is what a pod really holds, drawn for each node.
	Use Sizes `json:"use"`
}

// ArrivalSpec is the pods that come at once.
type ArrivalSpec struct {
	// Start is the share of its request that a pod holds at its start. 0 to 1.
	Start float64 `json:"start"`
	// Over is the time in which a pod grows to its peak.
	Over   metav1.Duration `json:"over"`
	Groups []GroupSpec     `json:"groups"`
}

// GroupSpec is a number of workloads that are drawn alike.
type GroupSpec struct {
	// Name is a DNS label. The workloads' numbers come after it.
	Name string `json:"name"`
	// Workloads is how many there are; each is a Deployment.
	Workloads int `json:"workloads"`
	// Siblings is how many pods of each workload run before the burst, Pods how many come with it.
	Siblings int `json:"siblings"`
	Pods     int `json:"pods"`
	// Request is what a pod asks for, drawn for each workload, and LimitFactor by how much its limit is more. More than 1.
	Request     Sizes   `json:"request"`
	LimitFactor float64 `json:"limitFactor"`
	// Peak is where between request (0) and limit (1) the peak of a workload lies, drawn for each.
	Peak Shares `json:"peak"`
}

// Sizes is a range of memory sizes from which draws are made evenly.
type Sizes struct {
	From resource.Quantity `json:"from"`
	To   resource.Quantity `json:"to"`
}

// Shares is a range of shares, 0 to 1, from which draws are made evenly.
type Shares struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// at returns the size at a place of the range, 0 to 1, in bytes.
func (s Sizes) at(place float64) int64 {
	return s.From.Value() + int64(place*float64(s.To.Value()-s.From.Value()))
}

func (s Shares) at(place float64) float64 { return s.From + place*(s.To-s.From) }

// ParseSpec reads a spec in YAML, strictly, and checks it. Errors name the field.
func ParseSpec(text []byte) (*Spec, error) {
	spec := &Spec{}
	if err := yaml.UnmarshalStrict(text, spec); err != nil {
		return nil, fmt.Errorf("burst spec: %w", err)
	}
	if faults := spec.validate(); len(faults) > 0 {
		return nil, fmt.Errorf("burst spec: %w", faults.ToAggregate())
	}
	return spec, nil
}

// BurstPods is how many pods come at once.
func (s *Spec) BurstPods() int {
	pods := 0
	for _, group := range s.Burst.Groups {
		pods += group.Workloads * group.Pods
	}
	return pods
}
