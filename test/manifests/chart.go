// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	release "helm.sh/helm/v4/pkg/release/v1"
	yamlstream "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Names under which what is kept in the repository is rendered, and the documentation installs.
const (
	ReleaseName      = "headroom-scheduler"
	ReleaseNamespace = "headroom-system"
)

// kubernetesVersion is that of the cluster for which the chart is rendered here.
const kubernetesVersion = "v1.37.0"

// Release is a name and a namespace under which a chart is rendered.
type Release struct{ Name, Namespace string }

// Render returns what Helm would install, without asking a cluster. Values are in YAML, over those of the chart. Hooks are not
// in the manifest.
func Render(chartFolder string, into Release, values string) (*release.Release, error) {
	chart, err := loader.Load(chartFolder)
	if err != nil {
		return nil, fmt.Errorf("loading the chart: %w", err)
	}
	given := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(values), &given); err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	install := action.NewInstall(action.NewConfiguration(action.ConfigurationSetLogger(slog.DiscardHandler)))
	install.DryRunStrategy = action.DryRunClient
	install.ReleaseName, install.Namespace = into.Name, into.Namespace
	install.KubeVersion = &common.KubeVersion{Version: kubernetesVersion, Major: "1", Minor: "37"}
	rendered, err := install.Run(chart, given)
	if err != nil {
		return nil, err
	}
	typed, ok := rendered.(*release.Release)
	if !ok {
		return nil, fmt.Errorf("rendered a %T, no release", rendered)
	}
	return typed, nil
}

// Documents splits a YAML stream, and leaves empty documents out.
func Documents(manifest string) ([]string, error) {
	var documents []string
	reader := yamlstream.NewYAMLReader(bufio.NewReader(strings.NewReader(manifest)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, err
		}
		var content any
		if err := yaml.Unmarshal(document, &content); err != nil {
			return nil, err
		}
		if content != nil {
			documents = append(documents, string(document))
		}
	}
}
