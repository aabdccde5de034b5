// SPDX-License-Identifier: Apache-2.0

package nodename

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/util"
)

// isSchedulableAfterNodeAdd wakes the pod when the node that it names appears. The in-tree plugin has no hint and wakes
// on every new node.
func (pl *NodeName) isSchedulableAfterNodeAdd(_ klog.Logger, pod *corev1.Pod, oldObj, newObj any) (fwk.QueueingHint, error) {
	_, node, err := util.As[*corev1.Node](oldObj, newObj)
	if err != nil {
		return fwk.Queue, err
	}
	if pod.Spec.NodeName != "" && pod.Spec.NodeName != node.Name {
		return fwk.QueueSkip, nil
	}
	return fwk.Queue, nil
}
