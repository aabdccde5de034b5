// SPDX-License-Identifier: Apache-2.0

package demo

import (
	_ "embed"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"github.com/headroom-dev/headroom/pkg/lab/kubelet"
	"github.com/headroom-dev/headroom/pkg/lab/stage"
)

// DefaultSpec is the demo's own nodes and workload.
//
//go:embed workload.yaml
var DefaultSpec []byte

// Spec says which nodes a pool has and which pods it gets.
type Spec struct {
	// Duration of the run, from the first pod on.
	Duration metav1.Duration `json:"duration"`
	// PressureTransition is the kubelets' evictionPressureTransitionPeriod.
	PressureTransition metav1.Duration `json:"pressureTransition"`
	// Jitter is the largest share by which a pod's usage differs from its profile. 0 to less than 1.
	Jitter    float64         `json:"jitter"`
	Nodes     stage.NodesSpec `json:"nodes"`
	Workloads []WorkloadSpec  `json:"workloads"`
}

// WorkloadSpec is one workload of the run.
type WorkloadSpec struct {
	Name string `json:"name"`
	// Kind is Deployment or Job.
	Kind     string `json:"kind"`
	Replicas int32  `json:"replicas"`
	// At is when it is created, counted from the start of the run.
	At metav1.Duration `json:"at"`
	// Duration is how long a Job's pods run.
	Duration metav1.Duration   `json:"duration"`
	Request  resource.Quantity `json:"request"`
	Limit    resource.Quantity `json:"limit"`
	// Profile is what a pod holds over time; see kubelet.ParseProfile.
	Profile string `json:"profile"`
	// Behaviour and Constraint say in words, for the report, what Profile and the fields below do.
	Behaviour  string `json:"behaviour,omitempty"`
	Constraint string `json:"constraint,omitempty"`

	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	Affinity     *corev1.Affinity  `json:"affinity,omitempty"`
}

// ParseSpec reads a spec in YAML, strictly, and checks it. Errors name the field.
func ParseSpec(text []byte) (*Spec, error) {
	spec := &Spec{}
	if err := yaml.UnmarshalStrict(text, spec); err != nil {
		return nil, fmt.Errorf("demo spec: %w", err)
	}
	if faults := spec.validate(); len(faults) > 0 {
		return nil, fmt.Errorf("demo spec: %w", faults.ToAggregate())
	}
	return spec, nil
}

func (s *Spec) validate() field.ErrorList {
	var faults field.ErrorList
	if s.Duration.Duration < time.Second {
		faults = append(faults, field.Invalid(field.NewPath("duration"), s.Duration.Duration.String(), "must be at least 1s"))
	}
	if s.PressureTransition.Duration < 0 {
		faults = append(faults, field.Invalid(field.NewPath("pressureTransition"), s.PressureTransition.Duration.String(), "must not be negative"))
	}
	if s.Jitter < 0 || s.Jitter >= 1 {
		faults = append(faults, field.Invalid(field.NewPath("jitter"), s.Jitter, "must be 0 or more, and less than 1"))
	}
	faults = append(faults, s.Nodes.Validate(field.NewPath("nodes"))...)
	seen := map[string]bool{}
	for i := range s.Workloads {
		w, path := &s.Workloads[i], field.NewPath("workloads").Index(i)
		faults = append(faults, w.validate(path)...)
		if seen[w.Name] {
			faults = append(faults, field.Duplicate(path.Child("name"), w.Name))
		}
		seen[w.Name] = true
		if w.At.Duration < 0 || w.At.Duration >= s.Duration.Duration {
			faults = append(faults, field.Invalid(path.Child("at"), w.At.Duration.String(), "must be 0s or more, and before the end of the run, "+s.Duration.Duration.String()))
		}
	}
	return faults
}

func (w *WorkloadSpec) validate(path *field.Path) field.ErrorList {
	var faults field.ErrorList
	for _, problem := range validation.IsDNS1123Label(w.Name) {
		faults = append(faults, field.Invalid(path.Child("name"), w.Name, problem))
	}
	if w.Kind != kindDeployment && w.Kind != kindJob {
		faults = append(faults, field.NotSupported(path.Child("kind"), w.Kind, []string{kindDeployment, kindJob}))
	}
	if w.Kind == kindJob && w.Duration.Duration <= 0 {
		faults = append(faults, field.Required(path.Child("duration"), "a Job's pods must end"))
	}
	if w.Replicas < 1 {
		faults = append(faults, field.Invalid(path.Child("replicas"), w.Replicas, "must be at least 1"))
	}
	faults = append(faults, stage.Positive(path.Child("request"), w.Request)...)
	if w.Limit.Cmp(w.Request) < 0 {
		faults = append(faults, field.Invalid(path.Child("limit"), w.Limit.String(), "must be at least the request"))
	}
	if _, err := kubelet.ParseProfile(w.Profile); err != nil {
		faults = append(faults, field.Invalid(path.Child("profile"), w.Profile, err.Error()))
	}
	return faults
}
