// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/headroom-dev/headroom/pkg/explain"
	"github.com/headroom-dev/headroom/pkg/explain/profile"
	"github.com/headroom-dev/headroom/pkg/memory/quantity"
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
)

// nodesOptions are the flags of nodes.
type nodesOptions struct {
	watching
	selector string
}

// newNodesCommand shows the memory of nodes as their kubelets see it.
func newNodesCommand(shared *shared) *cobra.Command {
	options := &nodesOptions{watching: watching{shared: shared}}
	command := &cobra.Command{
		Use:   "nodes [NODE...]",
		Short: "What memory nodes hold and have left, as their kubelets see it",
		Long: "nodes shows of each node the working set at which its kubelet evicts (EVICTS AT), what is requested, held by the last sample " +
			"and expected at all peaks, what is left to that line, and who would go first.\n\n" +
			"-o wide adds capacity, the eviction threshold and where it is known from, what is promised to starting pods, and which signal binds.",
		Example:           "  kubectl headroom nodes\n  kubectl headroom nodes -l pool=batch -o wide --watch",
		ValidArgsFunction: shared.completeNodes,
		RunE: func(command *cobra.Command, arguments []string) error {
			names := make([]string, len(arguments))
			for i, argument := range arguments {
				names[i] = bareName(argument, "node")
			}
			return options.run(command.Context(), names)
		},
	}
	flags := command.Flags()
	flags.StringVarP(&options.selector, "selector", "l", "", "label selector of nodes")
	options.addFlags(flags, "print again at every --interval, until interrupted")
	return command
}

func (o *nodesOptions) run(ctx context.Context, names []string) error {
	selector, err := labels.Parse(o.selector)
	if err != nil {
		return fmt.Errorf("--selector: %w", err)
	}
	if err := o.check(); err != nil {
		return err
	}
	_, err = o.repeat(ctx, func(ctx context.Context) (over bool, err error) { return false, o.show(ctx, selector, names) })
	return err
}

func (o *nodesOptions) show(ctx context.Context, selector labels.Selector, names []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	scheduler, err := o.withMemory(ctx)
	if err != nil {
		return err
	}
	nodes, err := scheduler.Nodes(selector, names)
	if err != nil {
		return err
	}
	var list []string
	for _, node := range nodes.Items {
		list = append(list, "node/"+node.Node)
	}
	return o.next(nodes, list, func(p *page) { nodesText(p, nodes) })
}

// withMemory returns a scheduler whose profile looks at memory: the cluster's, or else the shipped one.
func (s *shared) withMemory(ctx context.Context) (*explain.Scheduler, error) {
	of, err := s.open()
	if err != nil {
		return nil, err
	}
	with, err := s.profileOf(ctx, of, profile.Every)
	if err != nil {
		return nil, err
	}
	if !looksAtMemory(with) {
		shipped, err := profile.OfBinary()
		if err != nil {
			return nil, err
		}
		shipped.Doubt = with.Origin + " has no " + memory.Name
		with = shipped
	}
	return s.scheduler(ctx, explain.Options{Cluster: of, Profile: with, MemoryOnly: true})
}

func looksAtMemory(with *profile.Profile) bool {
	for i := range with.Config.Profiles {
		plugins := with.Config.Profiles[i].Plugins
		if plugins == nil {
			continue
		}
		for _, named := range slices.Concat(plugins.MultiPoint.Enabled, plugins.Filter.Enabled, plugins.Score.Enabled) {
			if named.Name == memory.Name {
				return true
			}
		}
	}
	return false
}

func nodesText(p *page, nodes *explain.Nodes) {
	list := &table{headers: []string{"NODE", ">EVICTS AT", ">REQUEST", ">HELD", ">PEAKS", ">LEFT", ">AGE", "FIRST VICTIM"}}
	if p.wide {
		list.headers = []string{"NODE", ">CAPACITY", ">ALLOCATABLE", ">THRESHOLD", "ORIGIN", ">EVICTS AT", "SIGNAL", ">PODS", ">REQUEST", ">HELD", ">PROMISED", ">PEAKS", ">LEFT", ">LEFT AT PEAKS", ">AGE", "PRESSURE", "FIRST VICTIM"}
	}
	if len(nodes.Items) == 0 {
		p.line("No node is selected.")
		return
	}
	for i := range nodes.Items {
		list.add(nodeCells(p, &nodes.Items[i])...)
	}
	p.table(list)
	for _, node := range nodes.Items {
		if node.Problem != "" {
			p.paragraph("! ", node.Problem+".")
		}
	}
	if nodes.Degraded {
		p.paragraph("! ", explain.DegradedWords(nodes.Basis.Losses)+".")
	}
	if p.headers {
		p.gap()
		basisText(p, &nodes.Basis)
	}
}

func nodeCells(p *page, node *explain.NodeLine) []string {
	line, age := "?", node.State
	if node.State == "fresh" {
		line = quantity.InWords(node.LineBytes)
	}
	if node.AgeSeconds != nil {
		age = explain.Age(time.Duration(*node.AgeSeconds) * time.Second)
	}
	if node.State == "stale" {
		age += " stale"
	}
	name, victim := node.Node, orDash(node.FirstVictim)
	if !p.wide {
		if node.Pressure == "True" {
			name = "! " + name
		}
		return []string{name, line, quantity.InWords(node.RequestedBytes), bytesOrUnknown(node.HeldBytes), bytesOrUnknown(node.ForecastBytes),
			bytesOrUnknown(node.LeftBytes), age, victim}
	}
	return []string{name, quantity.InWords(node.CapacityBytes), quantity.InWords(node.AllocatableBytes), quantity.InWords(node.EvictionHardBytes), orDash(node.EvictionHardOrigin),
		line, orDash(node.Signal), strconv.Itoa(node.Pods), quantity.InWords(node.RequestedBytes), bytesOrUnknown(node.HeldBytes), bytesOrUnknown(node.PromisedBytes),
		bytesOrUnknown(node.ForecastBytes), bytesOrUnknown(node.LeftBytes), bytesOrUnknown(node.ExpectedLeftBytes), age, node.Pressure, victim}
}

func orDash(word string) string {
	if word == "" {
		return "-"
	}
	return word
}
