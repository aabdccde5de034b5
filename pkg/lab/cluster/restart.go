// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
)

// RestartAPIServer kills the API server, as the failure of its machine would, starts it again and waits until it is ready. What
// it serves is in etcd and stays; its clients lose their connections. After an error the cluster is of no further use.
func (c *Cluster) RestartAPIServer(ctx context.Context) error {
	c.mu.Lock()
	before := c.processes[apiServerName]
	c.mu.Unlock()
	before.stopWithin(0)
	after, err := c.spawn(c.apiServerCommand())
	if err != nil {
		return err
	}
	if err := poll(ctx, pollInterval, c.healthy(c.ports.apiServer, "/readyz"), after); err != nil {
		return fmt.Errorf("waiting for %s: %w", apiServerName, err)
	}
	return nil
}
