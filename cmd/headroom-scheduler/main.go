// SPDX-License-Identifier: Apache-2.0

// Command headroom-scheduler is kube-scheduler with Headroom's plugins, and those of scheduler-plugins that build on
// the same Kubernetes release.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // REST client metrics
	_ "k8s.io/component-base/metrics/prometheus/version"  // build information metric
	"k8s.io/kubernetes/cmd/kube-scheduler/app"
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

func main() {
	command := app.NewSchedulerCommand(
		app.WithPlugin(nodename.Name, nodename.New),
		app.WithPlugin(nodeaffinity.Name, nodeaffinity.New),
		app.WithPlugin(memory.Name, memory.NewFactory().New),

		app.WithPlugin(loadvariationriskbalancing.Name, loadvariationriskbalancing.New),
		app.WithPlugin(lowriskovercommitment.Name, lowriskovercommitment.New),
		app.WithPlugin(networkoverhead.Name, networkoverhead.New),
		app.WithPlugin(noderesources.AllocatableName, noderesources.NewAllocatable),
		app.WithPlugin(noderesourcetopology.Name, noderesourcetopology.New),
		app.WithPlugin(peaks.Name, peaks.New),
		app.WithPlugin(podstate.Name, podstate.New),
		app.WithPlugin(sysched.Name, sysched.New),
		app.WithPlugin(targetloadpacking.Name, targetloadpacking.New),
	)
	runShippedProfileByDefault(command)
	printOwnVersion(command)
	os.Exit(cli.Run(command))
}
