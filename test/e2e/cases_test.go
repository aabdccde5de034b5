// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/yaml"

	"github.com/headroom-dev/headroom/test/cases"
)

const (
	casesFolder  = "../cases"
	casesSpace   = "placement-cases"
	caseInterval = 50 * time.Millisecond
	caseLimit    = 20 * time.Second
	// heartbeat is the time between two signs of life of a case's node. It counts as silent after 50 s.
	heartbeat = 10 * time.Second
)

// TestPlacementCases plays test/cases with the chart's release. A case's nodes have no kubelet: pods that are placed there do
// not run. The cluster's own nodes are fenced off meanwhile.
func TestPlacementCases(t *testing.T) {
	e := cluster(t)
	if e.kind == nil {
		t.Skip("adds nodes without a machine, and keeps pods from those that there are: on a kind cluster only")
	}
	files, err := cases.ReadAll(casesFolder)
	if err != nil {
		t.Fatal(err)
	}
	page, err := cases.ReadPage(root + "/docs/placement.md")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.newNamespace(t.Context(), casesSpace); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cases.RemovePriorityClasses(context.Background(), e.clients); err != nil {
			t.Error(err)
		}
		if err := e.removeNamespace(context.Background(), casesSpace); err != nil {
			t.Error(err)
		}
	})
	number := 0
	for _, group := range cases.Groups(append(files, *page)) {
		name := group.Config
		if name == "" {
			name = "shipped"
		}
		t.Run(name, func(t *testing.T) {
			e.playGroup(t, group, number)
			number += len(group.Cases)
		})
	}
}

// playGroup plays the cases of one configuration; their numbers begin after the given one.
func (e *environment) playGroup(t *testing.T, group cases.Group, number int) {
	t.Helper()
	own, err := valuesOf(group.Config)
	if err != nil {
		t.Fatal(err)
	}
	// A run that was interrupted has left its fence, and Headroom's own pods need the nodes.
	if err := errors.Join(e.takeFenceDown(t.Context()), e.deployHeadroom(t.Context(), own)); err != nil {
		t.Fatal(err)
	}
	if err := e.leads(t.Context(), releaseSpace, release); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.takeFenceDown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := e.fence(t.Context(), casesSpace); err != nil {
		t.Fatal(err)
	}
	stage := &cases.Stage{
		Client: e.clients, Namespace: casesSpace, CreateNodes: e.createNodes, Limit: caseLimit, Interval: caseInterval,
	}
	for _, c := range group.Cases {
		number++
		t.Run(c.Title, func(t *testing.T) { e.playCase(t, stage, &c, number) })
	}
}

func (e *environment) playCase(t *testing.T, stage *cases.Stage, c *cases.Case, number int) {
	t.Helper()
	if reason := c.Skipped(cases.OnKind); reason != "" {
		t.Skip(reason)
	}
	if c.Measures() {
		t.Skip("nobody measures a node without a kubelet")
	}
	ctx, stop := context.WithCancel(t.Context())
	beating := make(chan struct{})
	go func() {
		defer close(beating)
		e.beat(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-beating
		if err := stage.Clear(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
	if err := stage.Play(ctx, c, number); err != nil {
		t.Error(err)
	}
}

// valuesOf returns the values with which the chart renders a configuration of the cases: the arguments of Headroom's plugins.
func valuesOf(config string) (values, error) {
	own := values{}
	if config == "" {
		return own, nil
	}
	path := filepath.Join(casesFolder, "config", config+".yaml")
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var configuration struct {
		Profiles []struct {
			PluginConfig []struct {
				Name string         `json:"name"`
				Args map[string]any `json:"args"`
			} `json:"pluginConfig"`
		} `json:"profiles"`
	}
	if err := yaml.Unmarshal(content, &configuration); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(configuration.Profiles) != 1 {
		return nil, fmt.Errorf("%s has %d profiles, want 1", path, len(configuration.Profiles))
	}
	for _, plugin := range configuration.Profiles[0].PluginConfig {
		switch plugin.Name {
		case "HeadroomMemory":
			own["memory"] = plugin.Args
		case "HeadroomNodeAffinity":
			own["nodeAffinity"] = plugin.Args
		default:
			return nil, fmt.Errorf("%s: the chart has no value for arguments of %s", path, plugin.Name)
		}
	}
	return own, nil
}

// createNodes creates a case's nodes, as their kubelets would register them.
func (e *environment) createNodes(ctx context.Context, nodes []*corev1.Node) error {
	now := metav1.Now()
	for _, node := range nodes {
		node = node.DeepCopy()
		if node.Labels == nil {
			node.Labels = map[string]string{}
		}
		node.Labels[corev1.LabelHostname] = node.Name
		if node.Annotations == nil {
			node.Annotations = map[string]string{}
		}
		node.Annotations[withoutKubelet] = "true"
		node.Status.Conditions = []corev1.NodeCondition{{
			Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "Case", LastHeartbeatTime: now, LastTransitionTime: now,
		}}
		if _, err := e.clients.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// beat keeps nodes without a kubelet alive until ctx ends.
func (e *environment) beat(ctx context.Context) {
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		nodes, err := e.clients.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return // The next beat is soon enough.
		}
		for _, node := range nodes.Items {
			if node.Annotations[withoutKubelet] == "" {
				continue
			}
			alive := fmt.Appendf(nil, `{"status":{"conditions":[{"type":"Ready","status":"True","lastHeartbeatTime":%q}]}}`, time.Now().UTC().Format(time.RFC3339))
			// One that is gone needs none.
			_, _ = e.clients.CoreV1().Nodes().Patch(ctx, node.Name, types.StrategicMergePatchType, alive, metav1.PatchOptions{}, "status")
		}
	}, heartbeat)
}
