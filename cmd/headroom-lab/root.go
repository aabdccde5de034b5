// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/headroom-dev/headroom/pkg/lab/component"
)

// newRootCommand lists the subcommands, each in a file of its own name.
func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "headroom-lab",
		Short: "Run a real Kubernetes control plane with fake nodes on this machine",
		Long: "headroom-lab runs a real Kubernetes control plane with fake nodes on this machine. Everything listens on loopback " +
			"and lives in a temporary folder.\n\n" +
			"It is also each of the components that it starts; kubectl among them, for machines without one:\n" +
			"headroom-lab {" + strings.Join(component.Names(), "|") + "} [arguments of the component]",
		SilenceUsage:  true, // an error of the cluster is no reason to print the flags
		SilenceErrors: true, // main prints it
	}
	root.AddCommand(
		newUpCommand(),
		newDemoCommand(),
		newRunCommand(),
		newRecordCommand(),
		newReplayCommand(),
		newPredictCommand(),
		newScenarioCommand(),
	)
	return root
}
