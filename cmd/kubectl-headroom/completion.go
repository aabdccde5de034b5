// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
)

const (
	// completionLimit is how long a key press may take.
	completionLimit = 3 * time.Second
	// mostCompletions is how many names are offered.
	mostCompletions = 500
)

// offer completes the values of a flag that the command has.
func offer(command *cobra.Command, flag string, values cobra.CompletionFunc) {
	if err := command.RegisterFlagCompletionFunc(flag, values); err != nil {
		panic(err) // It has none of that name, whatever the user does.
	}
}

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

// completeNamespaces offers the names of namespaces.
func (s *shared) completeNamespaces(command *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return s.completeNames(command, func(ctx context.Context, client kubernetes.Interface, options metav1.ListOptions) (runtime.Object, error) {
		return client.CoreV1().Namespaces().List(ctx, options)
	})
}

// completeNodes offers the names of nodes.
func (s *shared) completeNodes(command *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return s.completeNames(command, func(ctx context.Context, client kubernetes.Interface, options metav1.ListOptions) (runtime.Object, error) {
		return client.CoreV1().Nodes().List(ctx, options)
	})
}

// completeNames offers the names of what is listed.
func (s *shared) completeNames(command *cobra.Command, list func(context.Context, kubernetes.Interface, metav1.ListOptions) (runtime.Object, error)) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(command.Context(), completionLimit)
	defer cancel()
	of, err := s.open()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	found, err := list(ctx, of.Client, metav1.ListOptions{Limit: mostCompletions})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	if err := meta.EachListItem(found, func(item runtime.Object) error {
		object, err := meta.Accessor(item)
		if err == nil {
			names = append(names, object.GetName())
		}
		return err
	}); err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
