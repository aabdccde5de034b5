// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/headroom-dev/headroom/pkg/explain"
	"github.com/headroom-dev/headroom/pkg/explain/profile"
)

// newDoctorCommand looks for what is wrong.
func newDoctorCommand(shared *shared) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "What is wrong with the scheduler, its samples and its surroundings, each with its fix",
		Long: "doctor looks at the configuration, the source of samples, their freshness and clock, permissions, eviction thresholds, versions, " +
			"the scheduler's lease, several schedulers on the same nodes, pods that bypass them, and pods that nobody has tried.\n\n" +
			"The exit code is 1 if something is wrong.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(command *cobra.Command, _ []string) error {
			report, err := shared.examine(command.Context())
			if err != nil {
				return err
			}
			var names []string
			for _, finding := range report.Findings {
				names = append(names, string(finding.Severity)+"/"+finding.Check)
			}
			if err := shared.print(report, names, func(p *page) { reportText(p, report) }); err != nil {
				return err
			}
			if !report.Healthy {
				return errNo
			}
			return nil
		},
	}
}

// examine returns what is found. That the cluster cannot be read, or its configuration, is a finding too; it is an error if nobody answers.
func (s *shared) examine(ctx context.Context) (*explain.Report, error) {
	of, err := s.open()
	if err != nil {
		return nil, err
	}
	only := func(check string, found error, fix string) *explain.Report {
		return explain.NewReport(nil, []explain.Finding{{Check: check, Severity: explain.Wrong, Text: found.Error(), Fix: fix}})
	}
	with, wrong := s.profileOf(ctx, of, "")
	if unanswered(ctx, wrong) {
		return nil, wrong
	}
	if wrong != nil {
		return only("configuration", wrong, "kubectl headroom config validate FILE says where"), nil
	}
	if findings := explain.ConfigurationFindings(with); slices.ContainsFunc(findings, func(finding explain.Finding) bool { return finding.Severity == explain.Wrong }) {
		return explain.NewReport(nil, findings), nil // No scheduler can be made of it.
	}
	of.LookForBypassing()
	scheduler, wrong := s.scheduler(ctx, explain.Options{Cluster: of, Profile: with})
	if unanswered(ctx, wrong) {
		return nil, wrong
	}
	if wrong != nil {
		return only("cluster", wrong, "grant get and list of pods and nodes to whoever asks, or mend what is named: without it nothing else can be looked at"), nil
	}
	return scheduler.Examine(ctx), nil
}

// unanswered reports whether an error says nothing of the cluster: nobody answered, in time or at all, or whoever asks went away.
func unanswered(ctx context.Context, err error) bool {
	var late *lateError
	var lookup *profile.LookupError
	return err != nil && (ctx.Err() != nil || errors.As(err, &late) || errors.As(err, &lookup))
}

func reportText(p *page, report *explain.Report) {
	for _, finding := range report.Findings {
		head := map[explain.Severity]string{explain.Wrong: "WRONG", explain.Mind: "mind", explain.Fine: "fine"}[finding.Severity]
		start := p.text.Len()
		p.paragraph(head+strings.Repeat(" ", 7-len(head)), finding.Check+": "+finding.Text)
		if finding.Severity == explain.Wrong && p.colored {
			text := p.text.String()
			p.text.Reset()
			p.text.WriteString(text[:start] + p.paint(red, "WRONG") + text[start+len("WRONG"):])
		}
		if finding.Fix != "" {
			p.paragraph("       fix: ", finding.Fix)
		}
	}
}
