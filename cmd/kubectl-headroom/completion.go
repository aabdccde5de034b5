// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// completionLimit is how long a key press may take.
	completionLimit = 3 * time.Second
	// mostCompletions is how many names are offered.
	mostCompletions = 500
)

// completePods offers the names of the namespace's pods, those without a node first.
func (s *shared) completePods(command *cobra.Command, arguments []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(arguments) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(command.Context(), completionLimit)
	defer cancel()
	of, err := s.open()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	namespace, err := s.namespace()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	pods, err := of.Client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{Limit: mostCompletions})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var pending, placed []string
	for i := range pods.Items {
		if pods.Items[i].Status.Phase == corev1.PodPending {
			pending = append(pending, pods.Items[i].Name)
		} else {
			placed = append(placed, pods.Items[i].Name)
		}
	}
	return append(pending, placed...), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// completeNodes offers the names of nodes.
func (s *shared) completeNodes(command *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(command.Context(), completionLimit)
	defer cancel()
	of, err := s.open()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	nodes, err := of.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{Limit: mostCompletions})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for i := range nodes.Items {
		names = append(names, nodes.Items[i].Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
