// SPDX-License-Identifier: Apache-2.0

package replay

import (
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"

	shipped "github.com/headroom-dev/headroom/config"
	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
)

// Ablations returns Headroom's shipped policy, and that without one of its parts, to see what each of them is worth. It is
// missing before the run and in it.
func Ablations() []Policy {
	without := func(what string, part forecast.Part, change func(*schedulerconfig.KubeSchedulerProfile)) Policy {
		return Policy{Name: "headroom-without-" + what, configuration: string(shipped.SchedulerConfig), unlearned: part, change: change}
	}
	return []Policy{
		headroomPolicy(),
		without("filter", forecast.NoPart, func(profile *schedulerconfig.KubeSchedulerProfile) {
			memoryArgs(profile, func(args *config.HeadroomMemoryArgs) { args.Filter = config.FilterOff })
		}),
		without("score", forecast.NoPart, func(profile *schedulerconfig.KubeSchedulerProfile) {
			profile.Plugins.Score.Disabled = append(profile.Plugins.Score.Disabled, schedulerconfig.Plugin{Name: memory.Name})
		}),
		// The most that a pod held, all day: what one figure a workload tells, as a VerticalPodAutoscaler recommends.
		without("hours", forecast.PartHours, nil),
		without("history", forecast.PartAll, nil),
	}
}

// memoryArgs changes the arguments of HeadroomMemory.
func memoryArgs(profile *schedulerconfig.KubeSchedulerProfile, change func(*config.HeadroomMemoryArgs)) {
	for i := range profile.PluginConfig {
		if args, ok := profile.PluginConfig[i].Args.(*config.HeadroomMemoryArgs); ok {
			change(args)
		}
	}
}
