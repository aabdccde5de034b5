// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
	"github.com/headroom-dev/headroom/pkg/lab/screen"
)

// upOptions are the flags of up.
type upOptions struct {
	nodes      int
	nodeMemory string
	nodeCPU    string
}

// newUpCommand runs a cluster with equal nodes and the default scheduler until it is interrupted.
func newUpCommand() *cobra.Command {
	var options upOptions
	command := &cobra.Command{
		Use:   "up",
		Short: "Run a cluster with the default scheduler until Ctrl-C",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			nodes, err := options.fleet()
			if err != nil {
				return err
			}
			return up(command.Context(), command.OutOrStdout(), nodes)
		},
	}
	flags := command.Flags()
	flags.IntVar(&options.nodes, "nodes", 3, "number of nodes, 0 or more")
	flags.StringVar(&options.nodeMemory, "node-memory", "8Gi", "memory of each node, as a quantity of bytes")
	flags.StringVar(&options.nodeCPU, "node-cpu", "4", "CPUs of each node, as a quantity")
	return command
}

// fleet makes the nodes that the flags ask for.
func (o upOptions) fleet() ([]*corev1.Node, error) {
	if o.nodes < 0 {
		return nil, fmt.Errorf("--nodes %d: want 0 or more", o.nodes)
	}
	capacity := corev1.ResourceList{}
	for _, flag := range []struct {
		name, value string
		resource    corev1.ResourceName
	}{
		{"--node-memory", o.nodeMemory, corev1.ResourceMemory},
		{"--node-cpu", o.nodeCPU, corev1.ResourceCPU},
	} {
		quantity, err := resource.ParseQuantity(flag.value)
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", flag.name, flag.value, err)
		}
		if quantity.Sign() <= 0 {
			return nil, fmt.Errorf("%s %q: want more than 0", flag.name, flag.value)
		}
		if flag.resource == corev1.ResourceMemory && quantity.CmpInt64(1<<20) < 0 { // "100m" is a tenth of a byte
			return nil, fmt.Errorf("%s %q: want 1Mi or more, such as 8Gi", flag.name, flag.value)
		}
		capacity[flag.resource] = quantity
	}
	nodes := make([]*corev1.Node, o.nodes)
	for i := range nodes {
		nodes[i] = &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", i+1)},
			Status:     corev1.NodeStatus{Capacity: capacity},
		}
	}
	return nodes, nil
}

// up runs a cluster until ctx ends or one of its processes does. An interrupt is no error once the cluster is ready.
func up(ctx context.Context, out io.Writer, nodes []*corev1.Node) error {
	began := time.Now()
	progress := func(step string) { fmt.Fprintf(out, "%5.1fs  %s\n", time.Since(began).Seconds(), step) }

	c, err := cluster.Start(ctx, cluster.Options{ExpectedNodes: len(nodes), Progress: progress})
	if err != nil {
		return err
	}
	err = populate(ctx, c, nodes, progress)
	if err == nil {
		progress("ready; the first measurements of the nodes take another 20 s")
		printHints(out, c.Kubeconfig())
		select {
		case <-ctx.Done():
		case err = <-c.Failed():
		}
	}
	progress("stopping")
	return errors.Join(err, c.Close())
}

// populate gives a started cluster its scheduler and its nodes.
func populate(ctx context.Context, c *cluster.Cluster, nodes []*corev1.Node, progress func(string)) error {
	if err := c.Ready(ctx); err != nil {
		return err
	}
	progress("starting the default scheduler")
	if err := c.StartScheduler(ctx, cluster.SchedulerOptions{}); err != nil {
		return err
	}
	progress(fmt.Sprintf("creating %d node(s)", len(nodes)))
	if err := c.CreateNodes(ctx, nodes); err != nil {
		return err
	}
	return c.WaitNodesReady(ctx, len(nodes))
}

// printHints shows where the cluster is and what to do with it.
func printHints(out io.Writer, kubeconfig string) {
	program, err := os.Executable()
	if err != nil {
		program = "headroom-lab"
	}
	program, kubeconfig = screen.Quoted(program), screen.Quoted(kubeconfig)
	fmt.Fprintf(out, "\nKUBECONFIG=%s\n\nTry:\n", kubeconfig)
	for _, arguments := range []string{"get nodes", "top nodes", "create deployment web --image=web --replicas=5"} {
		fmt.Fprintf(out, "  %s kubectl --kubeconfig %s %s\n", program, kubeconfig, arguments)
	}
	fmt.Fprint(out, "\nCtrl-C ends it.\n")
}
