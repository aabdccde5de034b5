// SPDX-License-Identifier: Apache-2.0

// Package installed installs the chart with Helm's own library on a real control plane with fake nodes, and runs the real
// scheduler with what the chart made: its configuration, and the token of its service account.
package installed

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

const (
	// binariesVariable names a folder with the binaries. Without it they are built.
	binariesVariable = "HEADROOM_BIN"
	repository       = "../../.."
	chartFolder      = "../../../manifests/charts/headroom-scheduler"

	startLimit = 2 * time.Minute
	waitLimit  = time.Minute // far more than anything here takes
)

// shared is what the tests of this package share: one cluster that the first test to want it starts.
var shared struct {
	binaries string
	start    func() (*cluster.Cluster, error)
}

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
		folder, err := os.MkdirTemp("", "headroom-installed-")
		if err != nil {
			return 1, err
		}
		defer func() { _ = os.RemoveAll(folder) }()
		build := exec.Command("go", "build", "-o", folder, "./cmd/headroom-lab", "./cmd/headroom-scheduler")
		build.Dir, build.Stdout, build.Stderr = repository, os.Stderr, os.Stderr
		if err := build.Run(); err != nil {
			return 1, fmt.Errorf("building the binaries: %w", err)
		}
		shared.binaries = folder
	} else if shared.binaries, err = filepath.Abs(shared.binaries); err != nil {
		return 1, err
	}
	var started *cluster.Cluster
	shared.start = sync.OnceValues(func() (*cluster.Cluster, error) {
		var err error
		started, err = startCluster()
		return started, err
	})
	defer func() {
		if started != nil {
			err = errors.Join(err, started.Close())
		}
	}()
	return m.Run(), nil
}

// startCluster starts a control plane with two nodes and the default scheduler, by which the scheduler's own pods are placed.
func startCluster() (*cluster.Cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	c, err := cluster.Start(ctx, cluster.Options{Executable: filepath.Join(shared.binaries, "headroom-lab")})
	if err != nil {
		return nil, err
	}
	var nodes []*corev1.Node
	for _, name := range []string{"first", "second"} {
		nodes = append(nodes, &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelOSStable: "linux", corev1.LabelHostname: name}},
			Status: corev1.NodeStatus{Capacity: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("8Gi"),
			}},
		})
	}
	for _, step := range []func() error{
		func() error { return c.Ready(ctx) },
		func() error { return c.CreateNodes(ctx, nodes) },
		func() error { return c.WaitNodesReady(ctx, len(nodes)) },
		func() error { return c.StartScheduler(ctx, cluster.SchedulerOptions{}) },
	} {
		if err := step(); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// lab returns the shared cluster and an administrator's client.
func lab(t *testing.T) (*cluster.Cluster, kubernetes.Interface) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs the real binaries: not in short mode")
	}
	c, err := shared.start()
	if err != nil {
		t.Fatal(err)
	}
	clients, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	return c, clients
}

// eventually waits until check returns no error.
func eventually(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, waitLimit, true, func(ctx context.Context) (bool, error) {
		last = check(ctx)
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("%s: %v; last: %v", what, err, last)
	}
}
