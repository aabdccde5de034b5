// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "v0.1.0-dev"

// printOwnVersion makes --version tell Headroom's version as well as that of the Kubernetes it is built from.
// --version=raw is left to Kubernetes.
func printOwnVersion(command *cobra.Command) {
	run := command.RunE
	command.RunE = func(command *cobra.Command, args []string) error {
		if flag := command.Flags().Lookup("version"); flag != nil && flag.Value.String() == "true" {
			_, err := fmt.Fprintf(command.OutOrStdout(), "Headroom %s\nKubernetes %s\n%s\n", version, kubernetesVersion(), runtime.Version())
			return err
		}
		return run(command, args)
	}
}

// kubernetesVersion is the version of the k8s.io/kubernetes module that was linked.
func kubernetesVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, module := range info.Deps {
		if module.Path == "k8s.io/kubernetes" {
			return module.Version
		}
	}
	return "unknown"
}
