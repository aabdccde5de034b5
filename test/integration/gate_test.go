// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
)

// gate stands between one scheduler and the API server. What passes it is held while it is closed, and passes later; or its
// connections are cut.
type gate struct {
	target      string
	listener    net.Listener
	connections sync.WaitGroup
	accepted    atomic.Int64

	mutex  sync.Mutex
	opened *sync.Cond
	closed bool
	open   map[net.Conn]bool
}

// newGate opens a gate to the API server of a cluster, and writes the scheduler's kubeconfig through it.
func newGate(t *testing.T, c *cluster.Cluster) (g *gate, kubeconfig string) {
	t.Helper()
	config, err := clientcmd.LoadFromFile(filepath.Join(c.Dir(), "kube-scheduler.kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g = &gate{listener: listener, open: map[net.Conn]bool{}}
	g.opened = sync.NewCond(&g.mutex)
	for _, server := range config.Clusters {
		address, err := url.Parse(server.Server)
		if err != nil {
			t.Fatal(err)
		}
		g.target, server.Server = address.Host, "https://"+listener.Addr().String()
	}
	kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, kubeconfig); err != nil {
		t.Fatal(err)
	}
	g.connections.Go(g.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		g.setClosed(false)
		g.cut()
		g.connections.Wait()
	})
	return g, kubeconfig
}

func (g *gate) accept() {
	for {
		client, err := g.listener.Accept()
		if err != nil {
			return // the listener is closed
		}
		g.accepted.Add(1)
		server, err := net.Dial("tcp", g.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		g.mutex.Lock()
		g.open[client], g.open[server] = true, true
		g.mutex.Unlock()
		g.connections.Go(func() { g.forward(client, server) })
		g.connections.Go(func() { g.forward(server, client) })
	}
}

// forward copies what arrives, when the gate is open. When one direction ends, so does the other.
func (g *gate) forward(from, to net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		read, err := from.Read(buffer)
		if read > 0 {
			g.mutex.Lock()
			for g.closed {
				g.opened.Wait()
			}
			g.mutex.Unlock()
			if _, err := to.Write(buffer[:read]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	for _, end := range []net.Conn{from, to} {
		_ = end.Close()
		delete(g.open, end)
	}
}

// setClosed closes the gate, or opens it and lets through what it held.
func (g *gate) setClosed(closed bool) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.closed = closed
	g.opened.Broadcast()
}

// cut ends all connections, and returns how many ends they had.
func (g *gate) cut() int {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	ends := len(g.open)
	for end := range g.open {
		_ = end.Close()
	}
	return ends
}
