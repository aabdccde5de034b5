// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/headroom-dev/headroom/pkg/lab/burst"
)

// newScenarioCommand lists the scenarios.
func newScenarioCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "scenario",
		Short: "Run a scenario in which schedulers are compared",
		Args:  cobra.NoArgs,
		RunE:  func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	command.AddCommand(newBurstCommand())
	return command
}

// newBurstCommand runs the burst.
func newBurstCommand() *cobra.Command {
	var specFile, scheduler string
	options := burst.Options{}
	command := &cobra.Command{
		Use:   "burst",
		Short: "500 pods at once on 50 nodes with samples of up to 60 s, under three schedulers",
		Long: "burst wants 500 pods at once on 50 nodes, while the samples of memory are up to 60 s old, and compares the default " +
			"scheduler, LoadVariationRiskBalancing of scheduler-plugins and Headroom. Each has nodes of its own with the same load, and gets " +
			"the same pods at the same time. It takes about eight minutes.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			text := burst.DefaultSpec
			if specFile != "" {
				var err error
				if text, err = os.ReadFile(specFile); err != nil {
					return err
				}
			}
			var err error
			if options.Spec, err = burst.ParseSpec(text); err != nil {
				return err
			}
			if options.Scheduler, err = schedulerBinary(scheduler); err != nil {
				return err
			}
			options.Out = command.OutOrStdout()
			options.Terminal = term.IsTerminal(int(os.Stdout.Fd()))
			return burst.Run(command.Context(), options)
		},
	}
	flags := command.Flags()
	flags.StringVar(&options.OutDir, "out", "out/burst", "folder for summary.json")
	flags.Int64Var(&options.Seed, "seed", 1, "varies which node bears which load, and how much the pods use")
	flags.Int32Var(&options.LoadVariationWeight, "loadvariation-weight", 1, "weight of LoadVariationRiskBalancing among the default scores, 1 or more; its documentation names none, which is 1")
	flags.StringVar(&specFile, "spec", "", "nodes, load and burst, as YAML; the built-in one if empty")
	flags.StringVar(&options.SchedulerConfig, "scheduler-config", "", "KubeSchedulerConfiguration of headroom-scheduler; the shipped one if empty")
	flags.StringVar(&scheduler, "scheduler", "", "the headroom-scheduler binary; the one beside this binary if empty")
	return command
}
