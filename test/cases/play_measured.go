// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// reasonMeasured is in what the scheduler says of a node whose own memory leaves no room, once it has measured its pods too:
// until then all that the node holds might be theirs.
const reasonMeasured = "too little memory left before eviction, even without their pods"

// probeInterval is the time between two probes: the scheduler reads measurements once a second or less often.
const probeInterval = 250 * time.Millisecond

// awaitMeasurements waits until the scheduler goes by measured memory on each node of which the case says what it holds.
func (p *Player) awaitMeasurements(ctx context.Context, c *Case) error {
	for _, step := range c.Steps {
		if step.Pod != nil && !Existing(step.Pod) {
			return nil // Nodes that come later are not awaited.
		}
		if step.Node == nil || step.Node.Annotations[heldAnnotation] == "" {
			continue
		}
		if err := p.awaitMeasured(ctx, c, step.Node); err != nil {
			return fmt.Errorf("waiting until the scheduler sees what node %s holds: %w", step.Node.Name, err)
		}
	}
	return nil
}

// awaitMeasured asks for all that requests leave of a node, again and again. By requests the pod fits; by what is measured
// it never does, not even without the existing pods, since the node itself holds more than they request.
func (p *Player) awaitMeasured(ctx context.Context, c *Case, node *corev1.Node) error {
	attempt := 0
	return wait.PollUntilContextTimeout(ctx, probeInterval, p.Limit, true, func(ctx context.Context) (bool, error) {
		attempt++
		name := fmt.Sprintf("probe-%s-%d", node.Name, attempt)
		if err := p.createPod(ctx, probe(name, c, node)); err != nil {
			return false, err
		}
		seen, err := p.refused(ctx, name)
		if err != nil {
			return false, err
		}
		return seen, p.deletePod(ctx, name)
	})
}

// probe returns a pod for one node that asks for all memory that no existing pod requests.
func probe(name string, c *Case, node *corev1.Node) *corev1.Pod {
	free := node.Status.Allocatable.Memory().DeepCopy()
	for _, step := range c.Steps {
		if step.Pod != nil && Existing(step.Pod) && step.Pod.Spec.NodeName == node.Name {
			free.Sub(*step.Pod.Spec.Containers[0].Resources.Requests.Memory())
		}
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}}
	never := corev1.PreemptNever
	pod.Spec = corev1.PodSpec{
		SchedulerName: schedulerName, TerminationGracePeriodSeconds: new(int64), PreemptionPolicy: &never,
		Containers: []corev1.Container{{Name: containerName, Image: image, Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(free.Value(), resource.BinarySI)},
		}}},
	}
	affinityOf(pod).RequiredDuringSchedulingIgnoredDuringExecution = &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
		MatchFields: []corev1.NodeSelectorRequirement{{
			Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node.Name},
		}},
	}}}
	for _, taint := range node.Spec.Taints {
		pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{Key: taint.Key, Operator: corev1.TolerationOpExists})
	}
	if node.Spec.Unschedulable {
		pod.Spec.Tolerations = append(pod.Spec.Tolerations,
			corev1.Toleration{Key: corev1.TaintNodeUnschedulable, Operator: corev1.TolerationOpExists})
	}
	setPriorityClass(pod)
	return pod
}

// refused waits for the verdict on a probe and returns whether it was refused for measured memory.
func (p *Player) refused(ctx context.Context, name string) (refused bool, err error) {
	err = wait.PollUntilContextTimeout(ctx, p.Interval, p.Limit, true, func(ctx context.Context) (bool, error) {
		pod, err := p.Client.CoreV1().Pods(p.Namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		refused = isPending(pod, reasonMeasured) == nil
		return refused || pod.Spec.NodeName != "" || verdictOf(pod) != "", nil
	})
	return refused, err
}
