// SPDX-License-Identifier: Apache-2.0

// Command headroom-scheduler is kube-scheduler with the plugins of package registry: Headroom's, and those of
// scheduler-plugins that build on the same Kubernetes release.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // REST client metrics
	_ "k8s.io/component-base/metrics/prometheus/version"  // build information metric
	"k8s.io/kubernetes/cmd/kube-scheduler/app"

	"github.com/headroom-dev/headroom/pkg/plugins/memory"
	"github.com/headroom-dev/headroom/pkg/plugins/registry"
)

func main() {
	var plugins []app.Option
	for name, factory := range registry.Plugins(memory.NewFactory().New) {
		plugins = append(plugins, app.WithPlugin(name, factory))
	}
	command := app.NewSchedulerCommand(plugins...)
	runShippedProfileByDefault(command)
	printOwnVersion(command)
	os.Exit(cli.Run(command))
}
