// SPDX-License-Identifier: Apache-2.0

package installed

import (
	"io"
	"log/slog"
	"path/filepath"
	"testing"

	"helm.sh/helm/v4/pkg/action"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/kube"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"sigs.k8s.io/yaml"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
)

// helm is a release on a cluster.
type helm struct {
	name, namespace string
	configuration   *action.Configuration
	chart           *chart.Chart
	verbosity       int    // of schedulers that are started from it
	token           string // of the one that was started last
}

func newHelm(t *testing.T, c *cluster.Cluster, name, namespace string) *helm {
	t.Helper()
	loaded, err := loader.Load(chartFolder)
	if err != nil {
		t.Fatal(err)
	}
	flags := genericclioptions.NewConfigFlags(true)
	kubeconfig, cache := c.Kubeconfig(), filepath.Join(t.TempDir(), "cache")
	flags.KubeConfig, flags.Namespace, flags.CacheDir = &kubeconfig, &namespace, &cache
	configuration := action.NewConfiguration(action.ConfigurationSetLogger(slog.DiscardHandler))
	if err := configuration.Init(flags, namespace, "secret"); err != nil {
		t.Fatal(err)
	}
	configuration.HookOutputFunc = func(_, _, _ string) io.Writer { return io.Discard }
	return &helm{name: name, namespace: namespace, configuration: configuration, chart: loaded, verbosity: 2}
}

// values parses YAML.
func values(t *testing.T, text string) map[string]any {
	t.Helper()
	parsed := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(text), &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

// install installs the release and waits until its pods are ready.
func (h *helm) install(t *testing.T, text string) {
	t.Helper()
	install := action.NewInstall(h.configuration)
	install.ReleaseName, install.Namespace, install.CreateNamespace = h.name, h.namespace, true
	install.WaitStrategy, install.Timeout = kube.StatusWatcherStrategy, waitLimit
	if _, err := install.RunWithContext(t.Context(), h.chart, values(t, text)); err != nil {
		t.Fatalf("installing %s: %v", h.name, err)
	}
}

func (h *helm) upgrade(t *testing.T, text string) {
	t.Helper()
	upgrade := action.NewUpgrade(h.configuration)
	upgrade.Namespace, upgrade.WaitStrategy, upgrade.Timeout = h.namespace, kube.StatusWatcherStrategy, waitLimit
	if _, err := upgrade.RunWithContext(t.Context(), h.name, h.chart, values(t, text)); err != nil {
		t.Fatalf("upgrading %s: %v", h.name, err)
	}
}

func (h *helm) rollback(t *testing.T, revision int) {
	t.Helper()
	rollback := action.NewRollback(h.configuration)
	rollback.Version, rollback.WaitStrategy, rollback.Timeout = revision, kube.StatusWatcherStrategy, waitLimit
	if err := rollback.Run(h.name); err != nil {
		t.Fatalf("rolling %s back: %v", h.name, err)
	}
}

func (h *helm) uninstall(t *testing.T) {
	t.Helper()
	uninstall := action.NewUninstall(h.configuration)
	uninstall.WaitStrategy, uninstall.Timeout = kube.StatusWatcherStrategy, waitLimit
	if _, err := uninstall.Run(h.name); err != nil {
		t.Fatalf("uninstalling %s: %v", h.name, err)
	}
}
