// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/headroom-dev/headroom/pkg/lab/demo"
)

// newDemoCommand runs the demo.
func newDemoCommand() *cobra.Command {
	var specFile, scheduler string
	options := demo.Options{}
	command := &cobra.Command{
		Use:   "demo",
		Short: "Run one workload under the default scheduler and under Headroom, side by side",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			text := demo.DefaultSpec
			if specFile != "" {
				var err error
				if text, err = os.ReadFile(specFile); err != nil {
					return err
				}
			}
			var err error
			if options.Spec, err = demo.ParseSpec(text); err != nil {
				return err
			}
			if options.Scheduler, err = schedulerBinary(scheduler); err != nil {
				return err
			}
			options.Out = command.OutOrStdout()
			options.Terminal = term.IsTerminal(int(os.Stdout.Fd()))
			return demo.Run(command.Context(), options)
		},
	}
	flags := command.Flags()
	flags.StringVar(&options.OutDir, "out", "out/demo", "folder for report.html and summary.json")
	flags.Int64Var(&options.Seed, "seed", 1, "varies how much the pods use, and when they burst")
	flags.BoolVar(&options.Keep, "keep", false, "leave the cluster running at the end, until Ctrl-C")
	flags.StringVar(&specFile, "spec", "", "nodes and workload, as YAML; the built-in one if empty")
	flags.StringVar(&options.SchedulerConfig, "scheduler-config", "", "KubeSchedulerConfiguration of headroom-scheduler; the shipped one if empty")
	flags.StringVar(&scheduler, "scheduler", "", "the headroom-scheduler binary; the one beside this binary if empty")
	return command
}

// schedulerBinary finds headroom-scheduler: where the flag says, or beside this binary. The path is absolute, since the scheduler
// starts in the cluster's folder.
func schedulerBinary(flag string) (string, error) {
	path := flag
	if path == "" {
		self, err := os.Executable()
		if err != nil {
			return "", err
		}
		path = filepath.Join(filepath.Dir(self), "headroom-scheduler")
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("headroom-scheduler: %w: build it with 'make build', or name it with --scheduler", err)
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return "", fmt.Errorf("headroom-scheduler: %s is not an executable file: name one with --scheduler", path)
	}
	return filepath.Abs(path)
}
