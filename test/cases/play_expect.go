// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// finalError is a finding that no waiting changes.
type finalError struct{ finding string }

func (e *finalError) Error() string { return e.finding }

// expect waits until an expectation holds, until it cannot hold any more, or until the limit.
func (p *Player) expect(ctx context.Context, expectation *Expectation) error {
	if expectation.Kind == Untouched {
		return p.check(ctx, expectation)
	}
	var last error
	err := wait.PollUntilContextTimeout(ctx, p.Interval, p.Limit, true, func(ctx context.Context) (bool, error) {
		found := p.check(ctx, expectation)
		if found != nil && ctx.Err() != nil {
			return false, ctx.Err() // The limit ended the check itself: what was found before is of more use.
		}
		last = found
		if final := (*finalError)(nil); errors.As(last, &final) {
			return false, last
		}
		return last == nil, nil
	})
	if wait.Interrupted(err) && last != nil {
		return fmt.Errorf("%w after %s", last, p.Limit)
	}
	return err
}

// check returns what is found instead of what is expected, or nil.
func (p *Player) check(ctx context.Context, expectation *Expectation) error {
	pod, err := p.Client.CoreV1().Pods(p.Namespace).Get(ctx, expectation.Pod, metav1.GetOptions{})
	if expectation.Kind == Gone {
		return isGone(expectation.Pod, err)
	}
	if err != nil {
		return err
	}
	switch expectation.Kind {
	case Pending:
		return isPending(pod, expectation.Reason)
	case Untouched:
		return isUntouched(pod)
	}
	if err := isOn(pod, expectation.Nodes); err != nil {
		return err
	}
	for _, victim := range expectation.Victims {
		_, err := p.Client.CoreV1().Pods(p.Namespace).Get(ctx, victim, metav1.GetOptions{})
		if err := isGone(victim, err); err != nil {
			return err
		}
	}
	return nil
}

func isGone(name string, err error) error {
	if err == nil {
		return fmt.Errorf("pod %s is there", name)
	}
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func isOn(pod *corev1.Pod, nodes []string) error {
	switch {
	case pod.Spec.NodeName == "":
		return fmt.Errorf("the pod is on no node; the scheduler says %q", verdictOf(pod))
	case !slices.Contains(nodes, pod.Spec.NodeName):
		return &finalError{fmt.Sprintf("the pod is on node %s", pod.Spec.NodeName)}
	}
	return nil
}

func isPending(pod *corev1.Pod, reason string) error {
	verdict := verdictOf(pod)
	switch {
	case pod.Spec.NodeName != "":
		return &finalError{fmt.Sprintf("the pod is on node %s", pod.Spec.NodeName)}
	case !strings.Contains(verdict, reason):
		return fmt.Errorf("the scheduler says %q", verdict)
	}
	return nil
}

func isUntouched(pod *corev1.Pod) error {
	if pod.Spec.NodeName != "" || len(pod.Status.Conditions) > 0 {
		return fmt.Errorf("a scheduler has been at it: node %q, conditions %v", pod.Spec.NodeName, pod.Status.Conditions)
	}
	return nil
}

// verdictOf returns why a pod fits nowhere, as its scheduler wrote it, or "".
func verdictOf(pod *corev1.Pod) string {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return condition.Message
		}
	}
	return ""
}
