// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/headroom-dev/headroom/pkg/explain"
)

// newConfigCommand is about configurations of the scheduler.
func newConfigCommand(shared *shared) *cobra.Command {
	command := &cobra.Command{
		Use:   "config",
		Short: "Check KubeSchedulerConfiguration files",
		Args:  cobra.NoArgs,
		RunE:  func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	command.AddCommand(newValidateCommand(shared))
	return command
}

// newValidateCommand checks a file.
func newValidateCommand(shared *shared) *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE",
		Short: "What is wrong with a KubeSchedulerConfiguration, by line and field, and what the scheduler makes of it",
		Long: "validate reads a KubeSchedulerConfiguration as strictly as the scheduler does, and shows the profiles as it will run them. " +
			"It asks no cluster. FILE - is the standard input. The exit code is 1 if the scheduler would refuse the file.",
		Example: "  kubectl headroom config validate scheduler-config.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, arguments []string) error {
			return shared.validate(command.Context(), arguments[0])
		},
	}
}

func (s *shared) validate(ctx context.Context, file string) error {
	var text []byte
	var err error
	if file == "-" {
		text, err = io.ReadAll(s.In)
	} else {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return err
	}
	report := explain.Check(ctx, file, text)
	var names []string
	for _, run := range report.Profiles {
		names = append(names, "profile/"+run.Scheduler)
	}
	if err := s.print(report, names, func(p *page) { configurationText(p, report) }); err != nil {
		return err
	}
	if !report.Valid {
		return errNo
	}
	return nil
}

func configurationText(p *page, report *explain.Configuration) {
	for _, problem := range report.Problems {
		kind := "refused"
		if !problem.Refused {
			kind = "mind"
		}
		p.line("%s: %s", p.paint(bold, problem.Place(report.File)), kind)
		p.paragraph("  ", problem.Words())
	}
	if !report.Valid {
		return
	}
	p.gap()
	p.line("%s is valid. The scheduler runs", report.File)
	for _, run := range report.Profiles {
		p.gap()
		p.line("%s", p.paint(bold, "profile "+run.Scheduler))
		p.paragraph("  preFilter   ", strings.Join(run.PreFilter, ", "))
		p.paragraph("  filter      ", strings.Join(run.Filter, ", "))
		p.paragraph("  postFilter  ", strings.Join(run.PostFilter, ", "))
		var scores []string
		for _, score := range run.Score {
			scores = append(scores, fmt.Sprintf("%s %d", score.Plugin, score.Weight))
		}
		p.paragraph("  score       ", strings.Join(scores, ", "))
	}
}
