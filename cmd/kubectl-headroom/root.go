// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
)

// newRootCommand lists the subcommands, each in a file of its own name.
func newRootCommand(env *environment) *cobra.Command {
	shared := newShared(env)
	root := &cobra.Command{
		Use:   "headroom",
		Short: "Why a pod is pending or where it is, what memory nodes have left, who dies first",
		Long: "kubectl headroom tells what the cluster's scheduler would do and why, by running the scheduler's own framework over " +
			"what it reads of the cluster. It changes nothing.\n\n" +
			"Exit codes: 0 it fits, nothing is wrong; 1 it does not, something is; 2 there is no answer.",
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl headroom"},
		// kubectl asks kubectl_complete-headroom; a script for a program "headroom" would complete nothing.
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		SilenceUsage:      true,
		SilenceErrors:     true, // main prints it
		PersistentPreRunE: func(command *cobra.Command, _ []string) error {
			if shared.verbose == 0 {
				klog.SetLogger(logr.Discard())
			}
			var level klog.Level
			if err := level.Set(strconv.Itoa(shared.verbose)); err != nil {
				return fmt.Errorf("-v %d: %w", shared.verbose, err)
			}
			return shared.complete(command)
		},
	}
	shared.addFlags(root.PersistentFlags())
	root.AddCommand(
		newExplainCommand(shared),
		newNodesCommand(shared),
		newVictimsCommand(shared),
		newDoctorCommand(shared),
		newConfigCommand(shared),
	)
	offer(root, "output", cobra.FixedCompletions(outputs(), cobra.ShellCompDirectiveNoFileComp))
	offer(root, "color", cobra.FixedCompletions([]string{colorAuto, colorAlways, colorNever}, cobra.ShellCompDirectiveNoFileComp))
	offer(root, "namespace", shared.completeNamespaces)
	return root
}
