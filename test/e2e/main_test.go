// SPDX-License-Identifier: Apache-2.0

// Package e2e runs Headroom on real kubelets: on a kind cluster of its own, or on the cluster that E2E_KUBECONFIG names. Without
// E2E=1, which "make e2e" sets, only what needs no cluster is tested.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

// Settings of a run, from the environment.
const (
	wantedVariable     = "E2E"
	kubeconfigVariable = "E2E_KUBECONFIG"
	nodeImageVariable  = "E2E_NODE_IMAGE"
	imageVariable      = "E2E_IMAGE" // of headroom-scheduler; empty: what "make e2e-images" made
	keepVariable       = "E2E_KEEP"
	minutesVariable    = "E2E_MINUTES"
	runsVariable       = "E2E_RUNS"
	armsVariable       = "E2E_ARMS"
)

const (
	root         = "../.."
	outFolder    = root + "/out/e2e"
	waitLimit    = 3 * time.Minute
	waitInterval = 500 * time.Millisecond
)

// environment is the cluster that the tests share.
type environment struct {
	wanted     bool
	kind       *kindCluster // nil on a cluster of the user's
	kubeconfig string
	config     *rest.Config
	clients    kubernetes.Interface
	objects    dynamic.Interface
	mapper     *restmapper.DeferredDiscoveryRESTMapper
}

var shared environment

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	shared.wanted = os.Getenv(wantedVariable) != ""
	if !shared.wanted {
		return m.Run(), nil
	}
	ctx := context.Background()
	if err := os.MkdirAll(outFolder, 0o755); err != nil {
		return 1, err
	}
	if shared.kubeconfig = os.Getenv(kubeconfigVariable); shared.kubeconfig == "" {
		keep := os.Getenv(keepVariable) != ""
		shared.kind = &kindCluster{name: "headroom-e2e", image: os.Getenv(nodeImageVariable), folder: outFolder}
		if !keep {
			defer func() { err = errors.Join(err, shared.kind.remove(ctx)) }()
		}
		if shared.kubeconfig, err = shared.kind.start(ctx, keep); err != nil {
			return 1, err
		}
	}
	if err := shared.connect(); err != nil {
		return 1, err
	}
	if shared.kind != nil {
		if err := shared.prepare(ctx); err != nil {
			return 1, err
		}
	}
	return m.Run(), nil
}

// connect makes the clients.
func (e *environment) connect() error {
	config, err := clientcmd.BuildConfigFromFlags("", e.kubeconfig)
	if err != nil {
		return fmt.Errorf("%s: %w", e.kubeconfig, err)
	}
	config.QPS, config.Burst = 100, 200
	e.config = config
	if e.clients, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	if e.objects, err = dynamic.NewForConfig(config); err != nil {
		return err
	}
	e.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(e.clients.Discovery()))
	return nil
}

// cluster returns what the tests share, or skips the test.
func cluster(t *testing.T) *environment {
	t.Helper()
	if !shared.wanted {
		t.Skip("needs a cluster: make e2e")
	}
	return &shared
}

// workers returns the nodes that pods without tolerations may run on, by name.
func (e *environment) workers(ctx context.Context) ([]corev1.Node, error) {
	list, err := e.clients.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "!" + controlPlaneLabel})
	if err != nil {
		return nil, err
	}
	if len(list.Items) == 0 {
		return nil, fmt.Errorf("every node of the cluster has the label %s: at least three workers are needed", controlPlaneLabel)
	}
	return list.Items, nil
}

// number reads a whole number from the environment.
func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is no number from 1", variable, text)
	}
	return n
}

func manifest(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("manifests", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
