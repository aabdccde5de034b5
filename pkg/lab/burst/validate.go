// SPDX-License-Identifier: Apache-2.0

package burst

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
	"github.com/headroom-dev/headroom/pkg/lab/stage"
)

func (s *Spec) validate() field.ErrorList {
	faults := atLeast(field.NewPath("metricsResolution"), s.MetricsResolution, cluster.MinimumMetricsResolution)
	faults = append(faults, count(field.NewPath("settledScrapes"), s.SettledScrapes, 1)...)
	if s.SampleAge.Duration < 0 || s.SampleAge.Duration >= s.MetricsResolution.Duration {
		faults = append(faults, field.Invalid(field.NewPath("sampleAge"), s.SampleAge.Duration.String(), "must be 0s or more, and less than metricsResolution"))
	}
	faults = append(faults, atLeast(field.NewPath("watch"), s.Watch, time.Second)...)
	faults = append(faults, atLeast(field.NewPath("pressureTransition"), s.PressureTransition, 0)...)
	if s.Jitter < 0 || s.Jitter >= 1 {
		faults = append(faults, field.Invalid(field.NewPath("jitter"), s.Jitter, "must be 0 or more, and less than 1"))
	}
	faults = append(faults, s.Nodes.Validate(field.NewPath("nodes"))...)
	nodes, names := 0, map[string]bool{}
	for i := range s.Base {
		path := field.NewPath("base").Index(i)
		faults = append(faults, s.Base[i].validate(path, s.Jitter)...)
		faults = append(faults, unique(path.Child("name"), s.Base[i].Name, names)...)
		nodes += s.Base[i].Nodes
	}
	if nodes > s.Nodes.Count {
		faults = append(faults, field.Invalid(field.NewPath("base"), nodes, fmt.Sprintf("the sum of nodes must be at most nodes.count, %d", s.Nodes.Count)))
	}
	if s.Burst.Start < 0 || s.Burst.Start > 1 {
		faults = append(faults, field.Invalid(field.NewPath("burst", "start"), s.Burst.Start, "must be from 0 to 1"))
	}
	faults = append(faults, atLeast(field.NewPath("burst", "over"), s.Burst.Over, time.Second)...)
	for i := range s.Burst.Groups {
		path := field.NewPath("burst", "groups").Index(i)
		faults = append(faults, s.Burst.Groups[i].validate(path)...)
		faults = append(faults, unique(path.Child("name"), s.Burst.Groups[i].Name, names)...)
	}
	if len(s.Burst.Groups) == 0 {
		faults = append(faults, field.Required(field.NewPath("burst", "groups"), "a burst needs pods"))
	}
	return faults
}

func (b BaseSpec) validate(path *field.Path, jitter float64) field.ErrorList {
	faults := count(path.Child("nodes"), b.Nodes, 1)
	faults = append(faults, count(path.Child("podsPerNode"), b.PodsPerNode, 1)...)
	faults = append(faults, stage.Positive(path.Child("request"), b.Request)...)
	if b.Limit.Cmp(b.Request) < 0 {
		faults = append(faults, field.Invalid(path.Child("limit"), b.Limit.String(), "must be at least the request"))
	}
	faults = append(faults, b.Use.validate(path.Child("use"))...)
	if float64(b.Use.To.Value())*(1+jitter) > float64(b.Limit.Value()) {
		faults = append(faults, field.Invalid(path.Child("use", "to"), b.Use.To.String(), "with jitter it must not be more than the limit"))
	}
	return faults
}

func (g GroupSpec) validate(path *field.Path) field.ErrorList {
	faults := count(path.Child("workloads"), g.Workloads, 1)
	faults = append(faults, count(path.Child("siblings"), g.Siblings, 0)...)
	faults = append(faults, count(path.Child("pods"), g.Pods, 1)...)
	faults = append(faults, g.Request.validate(path.Child("request"))...)
	if g.LimitFactor <= 1 {
		faults = append(faults, field.Invalid(path.Child("limitFactor"), g.LimitFactor, "must be more than 1"))
	}
	if g.Peak.From < 0 || g.Peak.To > 1 || g.Peak.From > g.Peak.To {
		faults = append(faults, field.Invalid(path.Child("peak"), fmt.Sprint(g.Peak.From, " to ", g.Peak.To), "must be a range from 0 to 1, the lower end first"))
	}
	return faults
}

func (s Sizes) validate(path *field.Path) field.ErrorList {
	faults := stage.Positive(path.Child("from"), s.From)
	if s.From.Cmp(s.To) > 0 {
		faults = append(faults, field.Invalid(path.Child("to"), s.To.String(), "must be at least from"))
	}
	return faults
}

func count(path *field.Path, value, least int) field.ErrorList {
	if value < least {
		return field.ErrorList{field.Invalid(path, value, fmt.Sprintf("must be at least %d", least))}
	}
	return nil
}

func atLeast(path *field.Path, value metav1.Duration, least time.Duration) field.ErrorList {
	if value.Duration < least {
		return field.ErrorList{field.Invalid(path, value.Duration.String(), "must be at least "+least.String())}
	}
	return nil
}

// unique checks a name that becomes the first part of workloads' names. seen has those above it.
func unique(path *field.Path, name string, seen map[string]bool) field.ErrorList {
	var faults field.ErrorList
	for _, problem := range validation.IsDNS1123Label(name) {
		faults = append(faults, field.Invalid(path, name, problem))
	}
	if seen[name] {
		faults = append(faults, field.Duplicate(path, name))
	}
	seen[name] = true
	return faults
}
