// SPDX-License-Identifier: Apache-2.0

// Package validation checks the arguments of Headroom's scheduler plugins and names the field that is wrong.
package validation

import (
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	schedulervalidation "k8s.io/kubernetes/pkg/scheduler/apis/config/validation"

	"github.com/headroom-dev/headroom/pkg/apis/config"
)

// minRefreshInterval keeps a typing error from asking the API server for the whole fleet many times a second.
const minRefreshInterval = time.Second

// minFreshIntervals is how many refresh intervals a sample has to be trusted for: it is of some age when it is read, and has to
// last until the next was read, or the breaker opens between any two reads.
const minFreshIntervals = 2

// largestQuantity is more memory than any machine has, in bytes: figures up to it add up without overflow, and what an int64
// does not hold would count as another figure.
const largestQuantity = int64(1) << 56

// ValidateHeadroomNodeAffinityArgs returns every fault of the arguments as one error, or nil. path is the field that holds
// them and may be nil.
func ValidateHeadroomNodeAffinityArgs(path *field.Path, args *config.HeadroomNodeAffinityArgs) error {
	// The in-tree plugin has the same single argument: its validation is the definition of what is valid.
	return schedulervalidation.ValidateNodeAffinityArgs(path, &schedulerconfig.NodeAffinityArgs{AddedAffinity: args.AddedAffinity})
}

// ValidateHeadroomMemoryArgs returns every fault of the arguments as one error, or nil. path is the field that holds them
// and may be nil.
func ValidateHeadroomMemoryArgs(path *field.Path, args *config.HeadroomMemoryArgs) error {
	var faults field.ErrorList
	faults = append(faults, filterMode(path.Child("filter"), args.Filter)...)
	for _, class := range slices.Sorted(maps.Keys(args.FilterByQOSClass)) {
		where := path.Child("filterByQOSClass").Key(string(class))
		if classes := qosClasses(); !slices.Contains(classes, class) {
			faults = append(faults, field.NotSupported(where, class, classes))
		}
		faults = append(faults, filterMode(where, args.FilterByQOSClass[class])...)
	}
	if strategies := config.Strategies(); !slices.Contains(strategies, args.Strategy) {
		faults = append(faults, field.NotSupported(path.Child("strategy"), args.Strategy, strategies))
	}
	if args.PackPercent < 1 || args.PackPercent > 100 {
		faults = append(faults, field.Invalid(path.Child("packPercent"), args.PackPercent, "must be 1 to 100"))
	}
	if args.RefreshInterval.Duration < minRefreshInterval {
		faults = append(faults, field.Invalid(path.Child("refreshInterval"), args.RefreshInterval.Duration.String(),
			"must be at least "+minRefreshInterval.String()))
	}
	if args.FreshFor.Duration/minFreshIntervals < args.RefreshInterval.Duration {
		faults = append(faults, field.Invalid(path.Child("freshFor"), args.FreshFor.Duration.String(),
			"must be at least twice refreshInterval ("+args.RefreshInterval.Duration.String()+"), or samples are too old before the next are read"))
	}
	if args.WarmUp.Duration < 0 {
		faults = append(faults, field.Invalid(path.Child("warmUp"), args.WarmUp.Duration.String(), "must not be negative"))
	}
	if args.Cooldown.Duration < 0 {
		faults = append(faults, field.Invalid(path.Child("cooldown"), args.Cooldown.Duration.String(), "must not be negative"))
	}
	faults = append(faults, source(path.Child("source"), &args.Source)...)
	faults = append(faults, checkpoint(path.Child("checkpoint"), &args.Checkpoint)...)
	faults = append(faults, percent(path.Child("reservePercent"), args.ReservePercent)...)
	faults = append(faults, percent(path.Child("maxStallPercent"), args.MaxStallPercent)...)
	faults = append(faults, percent(path.Child("maxNotFreshPercent"), args.MaxNotFreshPercent)...)
	faults = append(faults, percent(path.Child("limitPriorPercent"), args.LimitPriorPercent)...)
	faults = append(faults, memory(path.Child("assumedEvictionHard"), args.AssumedEvictionHard)...)
	faults = append(faults, memory(path.Child("reserve"), args.Reserve)...)
	faults = append(faults, memory(path.Child("defaultContainerPeak"), args.DefaultContainerPeak)...)
	if len(faults) == 0 {
		return nil
	}
	return faults.ToAggregate()
}

func percent(path *field.Path, value int32) field.ErrorList {
	if value < 0 || value > 100 {
		return field.ErrorList{field.Invalid(path, value, "must be from 0 to 100 (percent)")}
	}
	return nil
}

func memory(path *field.Path, value resource.Quantity) field.ErrorList {
	if value.Sign() < 0 {
		return field.ErrorList{field.Invalid(path, value.String(), "must not be negative (bytes)")}
	}
	if value.CmpInt64(largestQuantity) > 0 {
		largest := resource.NewQuantity(largestQuantity, resource.BinarySI)
		return field.ErrorList{field.Invalid(path, value.String(), "must be at most "+largest.String()+" (bytes)")}
	}
	return nil
}

func qosClasses() []corev1.PodQOSClass {
	return []corev1.PodQOSClass{corev1.PodQOSGuaranteed, corev1.PodQOSBurstable, corev1.PodQOSBestEffort}
}

func filterMode(path *field.Path, mode config.FilterMode) field.ErrorList {
	if modes := config.FilterModes(); !slices.Contains(modes, mode) {
		return field.ErrorList{field.NotSupported(path, mode, modes)}
	}
	return nil
}
