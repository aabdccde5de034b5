// SPDX-License-Identifier: Apache-2.0

// Package nodename is the HeadroomNodeName plugin: a pod whose spec.nodeName is set fits that node only.
//
// The API server never gives a scheduler a pod that was created with spec.nodeName: it counts as bound. The plugin serves
// pods that reach a scheduling cycle with it all the same, such as running pods with a deferred resize.
package nodename

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
)

// NodeName is the plugin.
type NodeName struct{}

var (
	_ fwk.PreFilterPlugin   = &NodeName{}
	_ fwk.FilterPlugin      = &NodeName{}
	_ fwk.EnqueueExtensions = &NodeName{}
	_ fwk.SignPlugin        = &NodeName{}
)

const (
	// Name is the plugin's name in a KubeSchedulerConfiguration.
	Name = "HeadroomNodeName"

	// ErrReason is the reason for a node of another name; the text is that of the in-tree plugin.
	ErrReason = "node(s) didn't match the requested node name"
)

// Name returns the plugin's name.
func (pl *NodeName) Name() string { return Name }

// SignPod signs the one field that the verdict depends on.
func (pl *NodeName) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return []fwk.SignFragment{{Key: fwk.NodeNameSignerName, Value: pod.Spec.NodeName}}, nil
}

// EventsToRegister: only a new node can be the one that was missing.
func (pl *NodeName) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add}, QueueingHintFn: pl.isSchedulableAfterNodeAdd},
	}, nil
}

// PreFilter narrows the search to the named node, and skips the plugin for a pod that names none.
func (pl *NodeName) PreFilter(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	if pod.Spec.NodeName == "" {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	return &fwk.PreFilterResult{NodeNames: sets.New(pod.Spec.NodeName)}, nil
}

// PreFilterExtensions is nil: other pods do not change a node's name.
func (pl *NodeName) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// Filter rejects every node but the named one. It holds by itself, since nominated nodes do not pass PreFilter's list.
func (pl *NodeName) Filter(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, nodeInfo fwk.NodeInfo) *fwk.Status {
	if pod.Spec.NodeName != "" && pod.Spec.NodeName != nodeInfo.Node().Name {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReason)
	}
	return nil
}

// New returns the plugin. It takes no arguments.
func New(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
	return &NodeName{}, nil
}
