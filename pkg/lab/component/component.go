// SPDX-License-Identifier: Apache-2.0

// Package component runs one upstream component in this process: etcd, a Kubernetes component, metrics-server, KWOK or kubectl.
//
// A binary that calls Main first is all of them in one file; pkg/lab/cluster starts it once for each. They cannot share one
// process: each captures signals, and sets up logging, flags, feature gates and metrics for the process as a whole.
package component

import (
	"fmt"
	"os"
	"slices"

	"github.com/headroom-dev/headroom/pkg/lab/lifeline"
)

// entryPoint runs a component with the arguments in os.Args and returns its exit code, unless it ends the process itself.
type entryPoint func() int

// entryPoints has the upstream main of each component by name.
func entryPoints() map[string]entryPoint {
	return map[string]entryPoint{
		"etcd":                    etcd,
		"kube-apiserver":          kubeAPIServer,
		"kube-controller-manager": kubeControllerManager,
		"kube-scheduler":          kubeScheduler,
		"kubectl":                 kubectl,
		"kwok":                    kwok,
		"metrics-server":          metricsServer,
	}
}

// Names lists the components, sorted.
func Names() []string {
	names := []string{}
	for name := range entryPoints() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Main runs the component that args[1] names as its own main function would, with the arguments after it, and never returns:
// the process ends with the component's exit code. It returns false when args[1] names no component. args is os.Args.
//
// A component started by a process that attached it with package lifeline ends with that process.
func Main(args []string) (handled bool) {
	if len(args) < 2 {
		return false
	}
	run, found := entryPoints()[args[1]]
	if !found {
		return false
	}
	if err := lifeline.Watch(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", args[1], err)
		os.Exit(2) //nolint:forbidigo // this is the main function of a component
	}
	os.Args = append([]string{args[0]}, args[2:]...)
	os.Exit(run()) //nolint:forbidigo // this is the main function of a component
	return true
}
