// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/headroom-dev/headroom/pkg/lab/fleet"
)

// newRunCommand schedules the nodes and pods of CSV files.
func newRunCommand() *cobra.Command {
	var nodesFile, podsFile, scheduler string
	options := fleet.Options{}
	command := &cobra.Command{
		Use:   "run --nodes FILE --pods FILE",
		Short: "Schedule the nodes and pods of CSV files with Headroom",
		Long: "run creates the nodes of one CSV file and all pods of another, in their order and as fast as it can, and reports which " +
			"of them Headroom placed and why it did not place the others.\n\n" +
			"The first line names the columns, in any order. Nodes have node, cpu_milli (thousandths of a core) and memory_bytes (the " +
			"capacity). Pods have series_id, cpu_milli and requested_bytes (their requests), and may have start_s and end_s (seconds; " +
			"the summary tells how many lived at once). Other columns are ignored, GPUs among them. Files whose names end in .gz are " +
			"decompressed.\n\n" +
			"The pods are not replayed in time: all are wanted at once. Each uses the memory that it requests.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if options.Settle <= 0 {
				return fmt.Errorf("--settle %s: want more than 0", options.Settle)
			}
			var err error
			if options.Nodes, err = fleet.ReadNodesFile(nodesFile); err != nil {
				return err
			}
			if options.Pods, err = fleet.ReadPodsFile(podsFile); err != nil {
				return err
			}
			if options.Scheduler, err = schedulerBinary(scheduler); err != nil {
				return err
			}
			options.Out = command.OutOrStdout()
			options.Terminal = term.IsTerminal(int(os.Stdout.Fd()))
			return fleet.Run(command.Context(), options)
		},
	}
	flags := command.Flags()
	flags.StringVar(&nodesFile, "nodes", "", "CSV file of the nodes (required)")
	flags.StringVar(&podsFile, "pods", "", "CSV file of the pods (required)")
	flags.StringVar(&options.OutDir, "out", "out/run", "folder for summary.json")
	flags.StringVar(&options.SchedulerConfig, "scheduler-config", "", "KubeSchedulerConfiguration of headroom-scheduler; the shipped one if empty")
	flags.StringVar(&scheduler, "scheduler", "", "the headroom-scheduler binary; the one beside this binary if empty")
	flags.DurationVar(&options.Settle, "settle", fleet.DefaultSettle, "end when every pod is judged and nothing has been placed for so long")
	for _, name := range []string{"nodes", "pods"} {
		if err := command.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined above
		}
	}
	return command
}
