// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/headroom-dev/headroom/pkg/lab/predict"
	"github.com/headroom-dev/headroom/pkg/lab/screen"
)

// newPredictCommand compares predictors over traces.
func newPredictCommand() *cobra.Command {
	var options predict.Options
	var nodeMemory string
	command := &cobra.Command{
		Use:   "predict --trace DIR",
		Short: "Compare how well predictors foretell the peaks of nodes over memory traces",
		Long: "predict packs the series of a memory trace onto nodes by what they request, has predictors say at every step what each node " +
			"will hold at most over the horizon, and compares that with what came. Nothing is scheduled.\n\n" +
			"Predictions are judged as they are, and times factors for 5 %, 1 % and 0.1 % of violations: found on the first half of the time " +
			"and judged on the second, shared by all traces, and found on what they are judged by. results.json has one row a trace and predictor, with the factor " +
			"for 1 % that the first half asks for, and calibrations.json has all. With several traces, give --trace again.\n\n" +
			"Ctrl-C ends it early and writes what there is so far.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			quantity, err := resource.ParseQuantity(nodeMemory)
			if err != nil {
				return fmt.Errorf("--node-memory %q: %w", nodeMemory, err)
			}
			options.NodeBytes = quantity.Value()
			options.Screen = screen.New(command.OutOrStdout(), term.IsTerminal(int(os.Stdout.Fd())))
			results, err := predict.Run(command.Context(), options)
			if len(results) == 0 {
				return err
			}
			return errors.Join(err, predict.WriteTable(command.OutOrStdout(), results))
		},
	}
	flags := command.Flags()
	flags.StringArrayVar(&options.Traces, "trace", nil, "folder of a trace; may be given several times (required)")
	flags.StringVar(&options.Out, "out", "out/predict", "folder for results.json and calibrations.json")
	flags.DurationVar(&options.Horizon, "horizon", 24*time.Hour, "how far ahead peaks are foretold")
	flags.StringVar(&nodeMemory, "node-memory", "128Gi", "memory of each node, as a quantity of bytes")
	flags.Uint64Var(&options.Seed, "seed", 1, "order in which series that come at one time are packed")
	if err := command.MarkFlagRequired("trace"); err != nil {
		panic(err) // the flag is defined above
	}
	return command
}
