// SPDX-License-Identifier: Apache-2.0

// Package registry is the table of the plugins that headroom-scheduler carries beside the in-tree ones. What tells how that
// scheduler would decide runs the same table.
package registry

import (
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	_ "sigs.k8s.io/scheduler-plugins/apis/config/scheme" // arguments of scheduler-plugins
	"sigs.k8s.io/scheduler-plugins/pkg/networkaware/networkoverhead"
	"sigs.k8s.io/scheduler-plugins/pkg/noderesources"
	"sigs.k8s.io/scheduler-plugins/pkg/noderesourcetopology"
	"sigs.k8s.io/scheduler-plugins/pkg/podstate"
	"sigs.k8s.io/scheduler-plugins/pkg/sysched"
	"sigs.k8s.io/scheduler-plugins/pkg/trimaran/loadvariationriskbalancing"
	"sigs.k8s.io/scheduler-plugins/pkg/trimaran/lowriskovercommitment"
	"sigs.k8s.io/scheduler-plugins/pkg/trimaran/peaks"
	"sigs.k8s.io/scheduler-plugins/pkg/trimaran/targetloadpacking"

	_ "github.com/headroom-dev/headroom/pkg/apis/config/scheme" // arguments of Headroom's plugins
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
	"github.com/headroom-dev/headroom/pkg/plugins/nodeaffinity"
	"github.com/headroom-dev/headroom/pkg/plugins/nodename"
)

// Plugins returns the table: Headroom's own plugins, and those of scheduler-plugins that build on the same Kubernetes release.
// newMemory makes HeadroomMemory: by a memory.Factory in a scheduler, by a memory.Still elsewhere.
func Plugins(newMemory frameworkruntime.PluginFactory) frameworkruntime.Registry {
	return frameworkruntime.Registry{
		nodename.Name:     nodename.New,
		nodeaffinity.Name: nodeaffinity.New,
		memory.Name:       newMemory,

		loadvariationriskbalancing.Name: loadvariationriskbalancing.New,
		lowriskovercommitment.Name:      lowriskovercommitment.New,
		networkoverhead.Name:            networkoverhead.New,
		noderesources.AllocatableName:   noderesources.NewAllocatable,
		noderesourcetopology.Name:       noderesourcetopology.New,
		peaks.Name:                      peaks.New,
		podstate.Name:                   podstate.New,
		sysched.Name:                    sysched.New,
		targetloadpacking.Name:          targetloadpacking.New,
	}
}
