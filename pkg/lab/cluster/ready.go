// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// metricsAPI is the name of the APIService behind which metrics-server serves.
const metricsAPI = "v1beta1.metrics.k8s.io"

// Ready waits until every process is healthy, metrics.k8s.io is served, and pods can be created in the default namespace.
// It needs no nodes: for those there are WaitNodesReady and WaitNodeMetrics. It fails when a process has ended.
func (c *Cluster) Ready(ctx context.Context) error {
	c.options.Progress("waiting for the control plane")
	checks := []struct {
		what  string
		check func(context.Context) error
	}{
		{apiServerName, c.healthy(c.ports.apiServer, "/readyz")},
		{controllerManagerName, c.healthy(c.ports.controllerManager, "/healthz")},
		{kwokName, c.healthy(c.ports.kwok, "/healthz")},
		// Not /readyz: without nodes there is nothing to scrape, and metrics-server calls itself unready.
		{metricsServerName, c.healthy(c.ports.metricsServer, "/livez")},
		{metricsAPI, c.metricsAPIAvailable},
		{"the default service account", c.defaultServiceAccountExists},
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return errClosed
	}
	watched := []*process{}
	for _, p := range c.processes {
		watched = append(watched, p)
	}
	for name, port := range c.schedulers {
		checks = append(checks, struct {
			what  string
			check func(context.Context) error
		}{name, c.healthy(port, "/readyz")})
	}
	c.mu.Unlock()

	for _, p := range watched {
		if p.ended() {
			return p.earlyEnd()
		}
	}
	for _, step := range checks {
		if err := poll(ctx, pollInterval, step.check, watched...); err != nil {
			return fmt.Errorf("waiting for %s: %w", step.what, err)
		}
	}
	return nil
}

func (c *Cluster) metricsAPIAvailable(ctx context.Context) error {
	resource := schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}
	service, err := c.dynamic.Resource(resource).Get(ctx, metricsAPI, metav1.GetOptions{})
	if err != nil {
		return err
	}
	conditions, _, err := unstructured.NestedSlice(service.Object, "status", "conditions")
	if err != nil {
		return err
	}
	for _, entry := range conditions {
		condition, isMap := entry.(map[string]any)
		if !isMap || condition["type"] != "Available" {
			continue
		}
		if condition["status"] == "True" {
			return nil
		}
		return fmt.Errorf("not available: %v: %v", condition["reason"], condition["message"])
	}
	return errors.New("not available yet")
}

func (c *Cluster) defaultServiceAccountExists(ctx context.Context) error {
	_, err := c.clients.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
	return err
}
