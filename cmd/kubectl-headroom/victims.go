// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/headroom-dev/headroom/pkg/explain"
	"github.com/headroom-dev/headroom/pkg/memory/quantity"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

// victimsOptions are the flags of victims.
type victimsOptions struct {
	*shared
	after string
}

// newVictimsCommand says who dies first on a node.
func newVictimsCommand(shared *shared) *cobra.Command {
	options := &victimsOptions{shared: shared}
	command := &cobra.Command{
		Use:               "victims NODE",
		Short:             "Who goes first when a node runs out of memory, and why",
		Long:              "victims ranks a node's pods as its kubelet does when it evicts for memory, and their containers as the kernel does when memory ends.",
		Example:           "  kubectl headroom victims node-7\n  kubectl headroom victims node-7 --after 2Gi",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: shared.completeNodes,
		RunE: func(command *cobra.Command, arguments []string) error {
			return options.run(command.Context(), bareName(arguments[0], "node"))
		},
	}
	command.Flags().StringVar(&options.after, "after", "", "say who goes if so much more is used, a quantity of bytes such as 2Gi")
	return command
}

func (o *victimsOptions) run(ctx context.Context, node string) error {
	var after int64
	if o.after != "" {
		var err error
		if after, err = quantity.Parse(o.after); err != nil || after == 0 {
			return fmt.Errorf("--after %q: want a quantity of bytes above 0, such as 2Gi", o.after)
		}
	}
	scheduler, err := o.withMemory(ctx)
	if err != nil {
		return err
	}
	victims, err := scheduler.Victims(node, after)
	if err != nil {
		return err
	}
	var names []string
	for _, victim := range victims.Evicted {
		names = append(names, "pod/"+victim.Pod.Name)
	}
	return o.print(victims, names, func(p *page) { victimsText(p, victims) })
}

// mostVictims is how many of each order a page of 80 columns lists.
const mostVictims = 10

func victimsText(p *page, v *explain.Victims) {
	p.paragraph("", nodeSentence(&v.Node))
	if v.After != nil {
		p.gap()
		p.paragraph(fmt.Sprintf("With %s more used: ", quantity.InWords(v.After.Bytes)), v.After.Text+".")
		for i, gone := range v.After.Evictions {
			p.paragraph(fmt.Sprintf("%3d  ", i+1), fmt.Sprintf("%s gives back %s of the %s that are short", gone.Pod, quantity.InWords(gone.FreedBytes), quantity.InWords(gone.ShortBytes)))
		}
	}
	p.gap()
	p.line("%s", p.paint(bold, "The kubelet evicts, in this order"))
	for i, victim := range v.Evicted {
		if i == mostVictims && !p.wide {
			p.line("     %d more: -o wide", len(v.Evicted)-i)
			break
		}
		p.paragraph(fmt.Sprintf("%3d  ", i+1), fmt.Sprintf("%s: %s", victim.Pod, victim.Reason))
	}
	if len(v.Evicted) == 0 {
		p.line("     nobody")
	}
	if len(v.Spared) > 0 {
		p.line("%s", p.paint(bold, "and never"))
		for _, spared := range v.Spared {
			p.paragraph("     ", fmt.Sprintf("%s: %s", spared.Pod, spared.Reason))
		}
	}
	p.gap()
	p.painted(bold, fmt.Sprintf("The kernel kills where the memory of %s ends (%s), in this order", domainWords(v.Domain), quantity.InWords(v.LimitBytes)))
	killed := &table{headers: []string{">", "POD", "CONTAINER", ">HOLDS", ">OOM_SCORE_ADJ", ">SCORE"}}
	for i, container := range v.Killed {
		if i == mostVictims && !p.wide {
			break
		}
		killed.add(strconv.Itoa(i+1), container.Pod.String(), container.Container, bytesOrUnknown(container.UsageBytes),
			strconv.FormatInt(container.OOMScoreAdjust, 10), quantity.InWords(container.ScoreBytes))
	}
	p.table(killed)
	if more := len(v.Killed) - mostVictims; more > 0 && !p.wide {
		p.line("%d more: -o wide", more)
	}
	if p.headers {
		p.gap()
		basisText(p, &v.Basis)
	}
}

func domainWords(domain string) string {
	if domain == "kubepods" {
		return "all pods together"
	}
	return "the machine"
}

// nodeSentence is a node's line in words.
func nodeSentence(node *explain.NodeLine) string {
	if node.State != "fresh" {
		return fmt.Sprintf("Node %s has no fresh sample: what it holds is not known.", node.Node)
	}
	text := fmt.Sprintf("Node %s evicts above %s (%s; threshold %s, %s) and holds %s", node.Node, quantity.InWords(node.LineBytes), node.Signal,
		quantity.InWords(node.EvictionHardBytes), node.EvictionHardOrigin, quantity.InWords(*node.HeldBytes))
	if node.Signal == string(threshold.EndOfMachine) || node.Signal == string(threshold.EndOfPods) {
		text = fmt.Sprintf("Node %s has %s (%s, no eviction threshold) and holds %s", node.Node, quantity.InWords(node.LineBytes), node.Signal, quantity.InWords(*node.HeldBytes))
	}
	if *node.PromisedBytes > 0 {
		text += fmt.Sprintf(", with %s promised to pods that start", quantity.InWords(*node.PromisedBytes))
	}
	text += fmt.Sprintf(": %s left.", quantity.InWords(*node.LeftBytes))
	if node.Pressure == "True" {
		text += " It is under memory pressure."
	}
	return text
}
