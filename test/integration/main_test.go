// SPDX-License-Identifier: Apache-2.0

// Package integration runs the real binaries on a real control plane with fake nodes.
package integration

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
)

// binariesVariable names a folder with the binaries, for those who have built them. Without it they are built here.
const binariesVariable = "HEADROOM_BIN"

const (
	startLimit   = 2 * time.Minute
	waitLimit    = time.Minute // far more than anything here takes
	waitInterval = 100 * time.Millisecond
)

// environment is what the tests of this package share: the binaries, and one cluster that the first test to want it starts.
type environment struct {
	binaries string
	start    func() (*cluster.Cluster, error)
}

var shared environment

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if testing.Short() {
		return m.Run(), nil // each test skips itself
	}
	shared.binaries = os.Getenv(binariesVariable)
	if shared.binaries == "" {
		folder, err := buildBinaries()
		defer func() { _ = os.RemoveAll(folder) }()
		if err != nil {
			return 1, err
		}
		shared.binaries = folder
	} else if shared.binaries, err = filepath.Abs(shared.binaries); err != nil {
		return 1, err
	}

	var started *cluster.Cluster
	shared.start = sync.OnceValues(func() (*cluster.Cluster, error) {
		var err error
		started, err = startCluster(shared.binaries)
		return started, err
	})
	defer func() {
		if started != nil {
			err = errors.Join(err, started.Close())
		}
	}()
	return m.Run(), nil
}

// buildBinaries builds what the tests run into a temporary folder, which the caller removes.
func buildBinaries() (string, error) {
	folder, err := os.MkdirTemp("", "headroom-integration-")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", folder, "../../cmd/headroom-lab", "../../cmd/headroom-scheduler")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return folder, fmt.Errorf("building the binaries: %w", err)
	}
	return folder, nil
}

func startCluster(binaries string) (*cluster.Cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	c, err := cluster.Start(ctx, cluster.Options{Executable: filepath.Join(binaries, "headroom-lab")})
	if err != nil {
		return nil, err
	}
	if err := c.Ready(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// binary returns the path of a command of this repository.
func binary(t *testing.T, name string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("runs the real binaries: not in short mode")
	}
	path := filepath.Join(shared.binaries, name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s names no folder with %s: %v", binariesVariable, name, err)
	}
	return path
}

// lab returns the shared cluster. It has no scheduler and no nodes: a test brings its own. Tests that place pods are not
// parallel, so that all nodes are theirs; parallel ones run after them.
func lab(t *testing.T) *cluster.Cluster {
	t.Helper()
	binary(t, "headroom-lab")
	c, err := shared.start()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func client(t *testing.T, c *cluster.Cluster) kubernetes.Interface {
	t.Helper()
	clients, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	return clients
}

// eventually waits until check returns no error.
func eventually(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), waitInterval, waitLimit, true, func(ctx context.Context) (bool, error) {
		last = check(ctx)
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("%s: %v; last: %v", what, err, last)
	}
}

// addNodes creates nodes of 4 CPUs and the given memory, waits until they are ready and removes them after the test.
func addNodes(t *testing.T, c *cluster.Cluster, memory string, names ...string) {
	t.Helper()
	clients := client(t, c)
	nodes := []*corev1.Node{}
	for _, name := range names {
		nodes = append(nodes, &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Status: corev1.NodeStatus{Capacity: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse(memory),
			}},
		})
		t.Cleanup(func() {
			if err := clients.CoreV1().Nodes().Delete(context.Background(), name, metav1.DeleteOptions{}); err != nil {
				t.Errorf("removing node %s: %v", name, err)
			}
		})
	}
	if err := c.CreateNodes(t.Context(), nodes); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	if err := c.WaitNodesReady(ctx, len(names)); err != nil {
		t.Fatal(err)
	}
}

// newNamespace creates a namespace in which pods can be created, and removes it with all its pods after the test.
func newNamespace(t *testing.T, c *cluster.Cluster) string {
	t.Helper()
	clients := client(t, c)
	namespace, err := clients.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
		defer cancel()
		// Without grace: nobody waits here for containers to stop.
		now := metav1.DeleteOptions{GracePeriodSeconds: new(int64)}
		if err := clients.CoreV1().Pods(namespace.Name).DeleteCollection(ctx, now, metav1.ListOptions{}); err != nil {
			t.Errorf("removing the pods of %s: %v", namespace.Name, err)
		}
		if err := clients.CoreV1().Namespaces().Delete(ctx, namespace.Name, metav1.DeleteOptions{}); err != nil {
			t.Errorf("removing namespace %s: %v", namespace.Name, err)
		}
	})
	eventually(t, "the service account of "+namespace.Name, func(ctx context.Context) error {
		_, err := clients.CoreV1().ServiceAccounts(namespace.Name).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
	return namespace.Name
}
