// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// Player plays cases on a cluster in which a scheduler runs. A player plays one case at a time.
type Player struct {
	Client    kubernetes.Interface
	Namespace string // of all pods
	// CreateNodes creates nodes and returns when pods can be placed on them.
	CreateNodes func(context.Context, []*corev1.Node) error
	// Settled returns when the scheduler knows the nodes as they are. It is called after each change of a node.
	Settled func(context.Context) error
	// CollectsGarbage: pods whose owner does not exist are deleted, so that daemons must do without one.
	CollectsGarbage bool
	// Limit is how long an expectation may take to come true, Interval how often that is checked.
	Limit, Interval time.Duration
}

// Play takes the steps of a case in order. The error tells the first expectation that does not hold, with its place in the
// file and what was found instead.
func (p *Player) Play(ctx context.Context, c *Case) error {
	steps := c.Steps
	measured := !c.Measures()
	for len(steps) > 0 {
		step := steps[0]
		var err error
		taken := 1
		switch {
		case step.Node != nil:
			taken, err = p.addNodes(ctx, steps)
		case step.Pod != nil:
			if !measured && !Existing(step.Pod) {
				measured = true
				if err = p.awaitMeasurements(ctx, c); err != nil {
					break
				}
			}
			err = p.createPod(ctx, step.Pod)
		case step.Change != nil:
			err = p.change(ctx, step.Change)
		case step.Expect != nil:
			err = p.expect(ctx, step.Expect)
		}
		if err != nil {
			return fmt.Errorf("%s: %s: %w", step.At, step, err)
		}
		steps = steps[taken:]
	}
	return nil
}

// addNodes creates the nodes that the steps begin with, all at once, and returns how many.
func (p *Player) addNodes(ctx context.Context, steps []Step) (int, error) {
	var nodes []*corev1.Node
	for _, step := range steps {
		if step.Node == nil {
			break
		}
		nodes = append(nodes, step.Node.DeepCopy())
	}
	if err := p.CreateNodes(ctx, nodes); err != nil {
		return 0, err
	}
	return len(nodes), p.Settled(ctx)
}

func (p *Player) createPod(ctx context.Context, pod *corev1.Pod) error {
	if pod.Spec.PriorityClassName != "" {
		class := &schedulingv1.PriorityClass{
			ObjectMeta:       metav1.ObjectMeta{Name: pod.Spec.PriorityClassName},
			Value:            *pod.Spec.Priority,
			PreemptionPolicy: pod.Spec.PreemptionPolicy,
		}
		_, err := p.Client.SchedulingV1().PriorityClasses().Create(ctx, class, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	pod = pod.DeepCopy()
	pod.Namespace = p.Namespace
	if p.CollectsGarbage {
		pod.OwnerReferences = nil
	}
	if Existing(pod) { // An API server leaves this to a kubelet.
		pod.Status = runningForAnHour(pod)
	}
	var err error
	waited := wait.PollUntilContextTimeout(ctx, p.Interval, p.Limit, true, func(ctx context.Context) (bool, error) {
		_, err = p.Client.CoreV1().Pods(p.Namespace).Create(ctx, pod, metav1.CreateOptions{})
		// Admission learns of a new priority class a moment after it was created.
		early := apierrors.IsForbidden(err) && strings.Contains(err.Error(), "no PriorityClass with name "+pod.Spec.PriorityClassName)
		return !early, nil
	})
	return errors.Join(err, waited)
}

// runningForAnHour is the status of a pod that has been ready for long, so that its sample tells what it holds.
func runningForAnHour(pod *corev1.Pod) corev1.PodStatus {
	status, started := *pod.Status.DeepCopy(), metav1.NewTime(time.Now().Add(-time.Hour))
	status.StartTime = &started
	status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: started}}
	for _, container := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: container.Name, Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: started}},
		})
	}
	return status
}
