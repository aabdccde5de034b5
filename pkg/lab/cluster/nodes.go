// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
)

// Annotations by which a fake node and its pods say what they use. Values are quantities, durations are Go's.
const (
	// UsageMemoryAnnotation of a pod is the working set of all its containers together, in bytes. Default 1Mi.
	UsageMemoryAnnotation = "kwok.x-k8s.io/usage-memory"
	// UsageCPUAnnotation of a pod is the CPU of all its containers together. Default 10m.
	UsageCPUAnnotation = "kwok.x-k8s.io/usage-cpu"
	// SystemMemoryAnnotation of a node is its working set outside pods, in bytes. Default 256Mi.
	SystemMemoryAnnotation = "lab.headroom.dev/system-memory"
	// DurationAnnotation of a pod with restart policy Never or OnFailure is how long it runs before it succeeds, for example
	// 1m30s. Units are h, m, s and ms; fractions of a second are rounded up. Without it such a pod runs on.
	DurationAnnotation = "lab.headroom.dev/duration"

	metricsPathAnnotation = "metrics.k8s.io/resource-metrics-path"
	kwokNodeAnnotation    = "kwok.x-k8s.io/node"
)

const (
	createParallelism = 32
	defaultPods       = "110" // the kubelet's
	nodePollInterval  = 200 * time.Millisecond
	// largeFleetPollInterval keeps a list of thousands of nodes from being the control plane's main work.
	largeFleetPollInterval = 2 * time.Second
	largePollFleet         = 300
)

// CreateNodes creates fake nodes. Each must have a name, and cpu and memory in its capacity or allocatable; what else KWOK,
// metrics-server and schedulers expect of a node is added where it is missing. The objects passed in are not changed.
func (c *Cluster) CreateNodes(ctx context.Context, nodes []*corev1.Node) error {
	prepared := make([]*corev1.Node, 0, len(nodes))
	for i, node := range nodes {
		p, err := prepareNode(node)
		if err != nil {
			return fmt.Errorf("node %d of %d: %w", i+1, len(nodes), err)
		}
		prepared = append(prepared, p)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(createParallelism)
	for _, node := range prepared {
		group.Go(func() error {
			if _, err := c.clients.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
				return fmt.Errorf("creating node %s: %w", node.Name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// prepareNode returns a copy of node with what the cluster's components need.
func prepareNode(node *corev1.Node) (*corev1.Node, error) {
	if node.Name == "" {
		return nil, errors.New("it has no name")
	}
	node = node.DeepCopy()
	setMissing(&node.Labels, corev1.LabelHostname, node.Name)
	setMissing(&node.Labels, corev1.LabelOSStable, "linux")
	setMissing(&node.Labels, corev1.LabelArchStable, "amd64")
	setMissing(&node.Annotations, kwokNodeAnnotation, "fake")
	setMissing(&node.Annotations, metricsPathAnnotation, "/metrics/nodes/"+node.Name+"/metrics/resource")
	if value, set := node.Annotations[SystemMemoryAnnotation]; set {
		if _, err := resource.ParseQuantity(value); err != nil {
			return nil, fmt.Errorf("%s: annotation %s=%q: %w", node.Name, SystemMemoryAnnotation, value, err)
		}
	}

	// KWOK would make up a huge capacity for a node that names none.
	if node.Status.Capacity == nil {
		node.Status.Capacity = node.Status.Allocatable.DeepCopy()
	}
	if node.Status.Allocatable == nil {
		node.Status.Allocatable = node.Status.Capacity.DeepCopy()
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		for field, list := range map[string]corev1.ResourceList{"capacity": node.Status.Capacity, "allocatable": node.Status.Allocatable} {
			if quantity, set := list[name]; !set || quantity.Sign() <= 0 {
				return nil, fmt.Errorf("%s: status.%s has no %s: give it a positive quantity", node.Name, field, name)
			}
		}
	}
	for _, list := range []corev1.ResourceList{node.Status.Capacity, node.Status.Allocatable} {
		if _, set := list[corev1.ResourcePods]; !set {
			list[corev1.ResourcePods] = resource.MustParse(defaultPods)
		}
	}
	return node, nil
}

func setMissing(values *map[string]string, key, value string) {
	if *values == nil {
		*values = map[string]string{}
	}
	if _, set := (*values)[key]; !set {
		(*values)[key] = value
	}
}

// WaitNodesReady waits until at least count nodes are Ready and no longer tainted as not ready.
func (c *Cluster) WaitNodesReady(ctx context.Context, count int) error {
	err := poll(ctx, fleetPollInterval(count), func(ctx context.Context) error {
		nodes, err := c.clients.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return err
		}
		ready := 0
		for i := range nodes.Items {
			if nodeReady(&nodes.Items[i]) {
				ready++
			}
		}
		if ready < count {
			return fmt.Errorf("%d of %d nodes are ready", ready, count)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("waiting for %d ready nodes: %w", count, err)
	}
	return nil
}

func nodeReady(node *corev1.Node) bool {
	for _, taint := range node.Spec.Taints {
		if taint.Key == corev1.TaintNodeNotReady || taint.Key == corev1.TaintNodeUnreachable {
			return false
		}
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// WaitNodeMetrics waits until metrics.k8s.io has a measurement of each of the named nodes, or of every node if none is named.
// A new node has one after two scrapes.
func (c *Cluster) WaitNodeMetrics(ctx context.Context, names ...string) error {
	wanted := sets.New(names...)
	if len(names) == 0 {
		nodes, err := c.clients.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return err
		}
		for i := range nodes.Items {
			wanted.Insert(nodes.Items[i].Name)
		}
	}
	err := poll(ctx, fleetPollInterval(len(wanted)), func(ctx context.Context) error {
		measured, err := c.metrics.MetricsV1beta1().NodeMetricses().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		missing := wanted.Clone()
		for i := range measured.Items {
			missing.Delete(measured.Items[i].Name)
		}
		if missing.Len() > 0 {
			some := sets.List(missing)
			return fmt.Errorf("%d of %d nodes have no measurement, %s among them", missing.Len(), wanted.Len(), some[0])
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("waiting for node metrics: %w", err)
	}
	return nil
}

func fleetPollInterval(nodes int) time.Duration {
	if nodes > largePollFleet {
		return largeFleetPollInterval
	}
	return nodePollInterval
}
