// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// Stage is where one case after the other is played: a real control plane with a scheduler, and a namespace for all pods. It
// plays one case at a time.
type Stage struct {
	Client    kubernetes.Interface
	Namespace string
	// CreateNodes creates nodes. They may become ready, and be measured, later.
	CreateNodes func(context.Context, []*corev1.Node) error
	// Measured returns when all nodes of a case that measures are measured. Nil: nobody measures, and no such case is played.
	Measured func(context.Context) error
	// Limit is how long anything may take, Interval how often it is looked at.
	Limit, Interval time.Duration

	nodes []string // that were created for the current case
}

// Play plays a case, its names prefixed by its number: no two cases of a stage have the same. Clear ends it, whatever came of it.
func (s *Stage) Play(ctx context.Context, c *Case, number int) error {
	player := &Player{
		Client: s.Client, Namespace: s.Namespace, Limit: s.Limit, Interval: s.Interval, Settled: s.settled, CollectsGarbage: true,
		CreateNodes: func(ctx context.Context, nodes []*corev1.Node) error {
			for _, node := range nodes {
				s.nodes = append(s.nodes, node.Name)
			}
			if err := s.CreateNodes(ctx, nodes); err != nil {
				return err
			}
			if err := s.awaitUsable(ctx, nodes); err != nil || !c.Measures() {
				return err
			}
			return s.Measured(ctx)
		},
	}
	return player.Play(ctx, c.WithPrefix(fmt.Sprintf("case-%d-", number)))
}

// awaitUsable waits until nothing but the case's own taints keeps pods from the nodes.
func (s *Stage) awaitUsable(ctx context.Context, nodes []*corev1.Node) error {
	return wait.PollUntilContextTimeout(ctx, s.Interval, s.Limit, true, func(ctx context.Context) (bool, error) {
		for _, node := range nodes {
			current, err := s.Client.CoreV1().Nodes().Get(ctx, node.Name, metav1.GetOptions{})
			if err != nil || !usable(current) {
				return false, err
			}
		}
		return true, nil
	})
}

func usable(node *corev1.Node) bool {
	ready := slices.ContainsFunc(node.Status.Conditions, func(condition corev1.NodeCondition) bool {
		return condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue
	})
	return ready && !slices.ContainsFunc(node.Spec.Taints, func(taint corev1.Taint) bool {
		return taint.Key == corev1.TaintNodeNotReady || taint.Key == corev1.TaintNodeUnreachable
	})
}

// settled waits until the API server's cache, from which all watches are served, has the nodes as they are stored.
func (s *Stage) settled(ctx context.Context) error {
	return wait.PollUntilContextTimeout(ctx, s.Interval, s.Limit, true, func(ctx context.Context) (bool, error) {
		// Both anew each time: controllers write to nodes too.
		stored, err := s.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		served, err := s.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return false, err
		}
		return slices.EqualFunc(stored.Items, served.Items, func(a, b corev1.Node) bool {
			return a.Name == b.Name && equality.Semantic.DeepEqual(a.Labels, b.Labels) && equality.Semantic.DeepEqual(a.Spec, b.Spec)
		}), nil
	})
}

// Clear removes all pods of the namespace and the nodes of the last case, and waits until they are gone.
func (s *Stage) Clear(ctx context.Context) error {
	now := metav1.DeleteOptions{GracePeriodSeconds: new(int64)}
	err := s.Client.CoreV1().Pods(s.Namespace).DeleteCollection(ctx, now, metav1.ListOptions{})
	for _, name := range s.nodes {
		if removed := s.Client.CoreV1().Nodes().Delete(ctx, name, now); !apierrors.IsNotFound(removed) {
			err = errors.Join(err, removed)
		}
	}
	if err != nil {
		return err
	}
	err = wait.PollUntilContextTimeout(ctx, s.Interval, s.Limit, true, func(ctx context.Context) (bool, error) {
		pods, err := s.Client.CoreV1().Pods(s.Namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		nodes, err := s.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		left := slices.ContainsFunc(nodes.Items, func(node corev1.Node) bool { return slices.Contains(s.nodes, node.Name) })
		return len(pods.Items) == 0 && !left, nil
	})
	if err == nil {
		s.nodes = nil
	}
	return err
}

// RemovePriorityClasses removes the classes that cases made for their priorities.
func RemovePriorityClasses(ctx context.Context, client kubernetes.Interface) error {
	classes, err := client.SchedulingV1().PriorityClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, class := range classes.Items {
		if strings.HasPrefix(class.Name, PriorityClassPrefix) {
			err = errors.Join(err, client.SchedulingV1().PriorityClasses().Delete(ctx, class.Name, metav1.DeleteOptions{}))
		}
	}
	return err
}
