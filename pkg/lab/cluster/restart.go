// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
)

// RestartAPIServer kills the API server, as the failure of its machine would, starts it again and waits until it is ready. What
// it serves is in etcd and stays; its clients lose their connections. After an error the cluster is of no further use.
func (c *Cluster) RestartAPIServer(ctx context.Context) error {
	return c.restart(ctx, apiServerName, c.apiServerCommand, c.ports.apiServer, "/readyz")
}

// RestartMetricsServer kills the metrics-server, starts it again and waits until it answers. It has forgotten what it measured, and knows
// nothing of any node until it has read its kubelet twice. After an error the cluster is of no further use.
func (c *Cluster) RestartMetricsServer(ctx context.Context) error {
	return c.restart(ctx, metricsServerName, c.metricsServerCommand, c.ports.metricsServer, "/livez")
}

// restart kills a component, starts it again and waits until it is healthy.
func (c *Cluster) restart(ctx context.Context, name string, again func() command, port int, path string) error {
	c.mu.Lock()
	before := c.processes[name]
	c.mu.Unlock()
	before.stopWithin(0)
	after, err := c.spawn(again())
	if err != nil {
		return err
	}
	if err := poll(ctx, pollInterval, c.healthy(port, path), after); err != nil {
		return fmt.Errorf("waiting for %s: %w", name, err)
	}
	return nil
}
