// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/apis/config/validation"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
)

// validArgs returns the arguments of a plugin, or what is wrong with them.
func validArgs(arguments runtime.Object) (*config.HeadroomMemoryArgs, error) {
	args, ok := arguments.(*config.HeadroomMemoryArgs)
	if !ok {
		return nil, fmt.Errorf("the arguments are of type %T, want HeadroomMemoryArgs", arguments)
	}
	return args, validation.ValidateHeadroomMemoryArgs(nil, args)
}

// priorOf returns what the arguments say of pods of which nothing was learned.
func priorOf(args *config.HeadroomMemoryArgs) forecast.Prior {
	return forecast.Prior{LimitPercent: int64(args.LimitPriorPercent), DefaultContainerBytes: args.DefaultContainerPeak.Value()}
}

// keepingOf is the part of the arguments by which a book is kept, as text: profiles of the same text share a book.
func keepingOf(args *config.HeadroomMemoryArgs) (string, error) {
	keeping := args.DeepCopy()
	keeping.Filter, keeping.FilterByQOSClass, keeping.Shadow = "", nil, false
	keeping.Strategy, keeping.PackPercent = "", 0
	keeping.FilterDaemonSetPods, keeping.FilterCriticalPods = false, false
	text, err := json.Marshal(keeping)
	return string(text), err
}

// reserveOf returns what the arguments say is kept free.
func reserveOf(args *config.HeadroomMemoryArgs) reserve {
	return reserve{bytes: args.Reserve.Value(), percent: int64(args.ReservePercent)}
}

// packTo returns the share of a node up to which the arguments want it filled, 0 if they do not.
func packTo(args *config.HeadroomMemoryArgs) float64 {
	if args.Strategy != config.StrategyPack {
		return 0
	}
	return float64(args.PackPercent) / 100
}

// modesOf returns what the arguments say of the Filter.
func modesOf(args *config.HeadroomMemoryArgs) modes {
	return modes{
		filter: args.Filter, byQOSClass: args.FilterByQOSClass,
		daemonSets: args.FilterDaemonSetPods, critical: args.FilterCriticalPods,
	}
}

// ledgerOptions returns what the arguments say of how a book is kept.
func ledgerOptions(args *config.HeadroomMemoryArgs, prior forecast.Prior, learner *forecast.Learner) ledger.Options {
	return ledger.Options{
		FreshFor:           args.FreshFor.Duration,
		WarmUp:             args.WarmUp.Duration,
		EvictionHardBytes:  args.AssumedEvictionHard.Value(),
		MaxNotFreshPercent: int(args.MaxNotFreshPercent),
		Cooldown:           args.Cooldown.Duration,
		MaxStallPercent:    float64(args.MaxStallPercent),
		Estimator:          prior,
		Learner:            learner,
	}
}
