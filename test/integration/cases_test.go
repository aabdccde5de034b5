// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
	"github.com/headroom-dev/headroom/test/cases"
)

const (
	casesFolder  = "../cases"
	caseInterval = 20 * time.Millisecond
)

// stage is where one case after the other is played: a cluster with one scheduler, and a namespace for all pods.
type stage struct {
	cluster   *cluster.Cluster
	clients   kubernetes.Interface
	namespace string
}

func TestPlacementCases(t *testing.T) {
	c := lab(t)
	files, err := cases.ReadAll(casesFolder)
	if err != nil {
		t.Fatal(err)
	}
	page, err := cases.ReadPage("../../docs/placement.md")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, *page)
	byConfig := map[string][]cases.Case{}
	var configs []string
	for _, file := range files {
		for _, one := range file.Cases {
			if byConfig[one.Config] == nil {
				configs = append(configs, one.Config)
			}
			byConfig[one.Config] = append(byConfig[one.Config], one)
		}
	}
	t.Cleanup(func() { removePriorityClasses(t, client(t, c)) })
	number := 0 // of the case: no two have a node or a pod of the same name
	for _, config := range configs {
		path := filepath.Join(casesFolder, "config", config+".yaml")
		if config == "" {
			config, path = "shipped", shippedConfig
		}
		t.Run(config, func(t *testing.T) {
			s := &stage{cluster: c, clients: client(t, c), namespace: newNamespace(t, c)}
			startHeadroom(t, c, path)
			for _, one := range byConfig[strings.TrimPrefix(config, "shipped")] {
				number++
				t.Run(one.Title, func(t *testing.T) { s.play(t, &one, number) })
			}
		})
	}
}

func (s *stage) play(t *testing.T, c *cases.Case, number int) {
	t.Helper()
	if reason := c.Skipped(cases.InCluster); reason != "" {
		t.Skip(reason)
	}
	t.Cleanup(func() { s.clear(t) })
	player := &cases.Player{
		Client: s.clients, Namespace: s.namespace, Limit: waitLimit, Interval: caseInterval, Settled: s.settled, CollectsGarbage: true,
		CreateNodes: func(ctx context.Context, nodes []*corev1.Node) error {
			if err := s.createNodes(ctx, nodes); err != nil || !c.Measures() {
				return err
			}
			return s.cluster.WaitNodeMetrics(ctx)
		},
	}
	if err := player.Play(t.Context(), c.WithPrefix(fmt.Sprintf("case-%d-", number))); err != nil {
		t.Error(err)
	}
}

// createNodes creates nodes and waits until they are ready.
func (s *stage) createNodes(ctx context.Context, nodes []*corev1.Node) error {
	if err := s.cluster.CreateNodes(ctx, nodes); err != nil {
		return err
	}
	return wait.PollUntilContextTimeout(ctx, caseInterval, waitLimit, true, func(ctx context.Context) (bool, error) {
		for _, node := range nodes {
			current, err := s.clients.CoreV1().Nodes().Get(ctx, node.Name, metav1.GetOptions{})
			if err != nil {
				return false, err
			}
			if !usable(current) {
				return false, nil
			}
		}
		return true, nil
	})
}

// usable reports whether nothing but the case's own taints keeps pods from a node.
func usable(node *corev1.Node) bool {
	ready := slices.ContainsFunc(node.Status.Conditions, func(condition corev1.NodeCondition) bool {
		return condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue
	})
	return ready && !slices.ContainsFunc(node.Spec.Taints, func(taint corev1.Taint) bool {
		return taint.Key == corev1.TaintNodeNotReady || taint.Key == corev1.TaintNodeUnreachable
	})
}

// settled waits until the API server's cache, from which all watches are served, has the nodes as they are stored.
func (s *stage) settled(ctx context.Context) error {
	return wait.PollUntilContextTimeout(ctx, caseInterval, waitLimit, true, func(ctx context.Context) (bool, error) {
		// Both anew each time: controllers write to nodes too.
		stored, err := s.clients.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		served, err := s.clients.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return false, err
		}
		return slices.EqualFunc(stored.Items, served.Items, func(a, b corev1.Node) bool {
			return a.Name == b.Name && equality.Semantic.DeepEqual(a.Labels, b.Labels) && equality.Semantic.DeepEqual(a.Spec, b.Spec)
		}), nil
	})
}

// clear removes all pods and nodes and waits until they are gone.
func (s *stage) clear(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	defer cancel()
	now := metav1.DeleteOptions{GracePeriodSeconds: new(int64)}
	if err := errors.Join(
		s.clients.CoreV1().Pods(s.namespace).DeleteCollection(ctx, now, metav1.ListOptions{}),
		s.clients.CoreV1().Nodes().DeleteCollection(ctx, now, metav1.ListOptions{}),
	); err != nil {
		t.Fatal(err)
	}
	err := wait.PollUntilContextCancel(ctx, caseInterval, true, func(ctx context.Context) (bool, error) {
		pods, err := s.clients.CoreV1().Pods(s.namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		nodes, err := s.clients.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		return err == nil && len(pods.Items)+len(nodes.Items) == 0, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// removePriorityClasses removes the classes that cases made for their priorities.
func removePriorityClasses(t *testing.T, clients kubernetes.Interface) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	defer cancel()
	classes, err := clients.SchedulingV1().PriorityClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, class := range classes.Items {
		if !strings.HasPrefix(class.Name, cases.PriorityClassPrefix) {
			continue
		}
		if err := clients.SchedulingV1().PriorityClasses().Delete(ctx, class.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
}
