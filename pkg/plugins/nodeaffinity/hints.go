// SPDX-License-Identifier: Apache-2.0

package nodeaffinity

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/util"

	"github.com/headroom-dev/headroom/pkg/constraint"
)

// isSchedulableAfterNodeChange wakes the pod when a node that did not match before, or was not there, matches now. Both
// the pod's constraints and the added affinity are compared before and after; the in-tree plugin compares the pod's only
// and so sleeps through a label that makes the added affinity match.
func (pl *NodeAffinity) isSchedulableAfterNodeChange(_ klog.Logger, pod *corev1.Pod, oldObj, newObj any) (fwk.QueueingHint, error) {
	before, after, err := util.As[*corev1.Node](oldObj, newObj)
	if err != nil {
		return fwk.Queue, err
	}
	required := constraint.CompileRequired(pod)
	if matches, err := pl.verdict(required, after); !matches {
		if err != nil { // A term that cannot be read may be the one that now matches: let the cycle decide.
			return fwk.Queue, err
		}
		return fwk.QueueSkip, nil
	}
	if before == nil {
		return fwk.Queue, nil
	}
	matched, err := pl.verdict(required, before)
	if matched {
		return fwk.QueueSkip, nil
	}
	return fwk.Queue, err
}

func (pl *NodeAffinity) verdict(required *constraint.Required, node *corev1.Node) (bool, error) {
	if pl.addedRequired != nil && !pl.addedRequired.Match(node) {
		return false, nil
	}
	return required.Verdict(node)
}
