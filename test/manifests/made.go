// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// madeHead precedes what is made from the chart: a namespace in which only pods of the restricted Pod Security Standard run.
const madeHead = `# Made from manifests/charts/headroom-scheduler by "make manifests". For other values use the chart, or an overlay of config/.
apiVersion: v1
kind: Namespace
metadata:
  name: ` + ReleaseNamespace + `
  labels:
    pod-security.kubernetes.io/enforce: restricted
`

var (
	// helmOwned are the labels that would claim that Helm manages the objects.
	helmOwned = regexp.MustCompile(`(?m)^ +(app\.kubernetes\.io/managed-by: Helm|helm\.sh/chart: .*)\n`)
	// checksum is the annotation that only Helm keeps right, with the comment above it.
	checksum = regexp.MustCompile(`(?m)^ +annotations:\n +#.*\n +checksum/configuration: .*\n`)
	// configuration is the ConfigMap with the configuration.
	configuration = regexp.MustCompile(`(?m)^kind: ConfigMap$`)
)

// Made returns what is made from the chart and kept in the repository, by its path: manifests/install.yaml for kubectl apply,
// the base of config/, and the configuration files of its overlays. root is the repository's folder.
func Made(root string) (map[string]string, error) {
	chart := filepath.Join(root, "manifests/charts/headroom-scheduler")
	install, err := objects(chart, "", func(string) bool { return true })
	if err != nil {
		return nil, err
	}
	// The lease of config/scheduler-config.yaml, and the checkpoint that a configuration has which names none.
	base, err := objects(chart, "{leaderElection: {resourceNamespace: kube-system}, memory: {checkpoint: {name: headroom-forecast}}}", func(document string) bool {
		return !configuration.MatchString(document)
	})
	if err != nil {
		return nil, err
	}
	made := map[string]string{
		"manifests/install.yaml":              install,
		"config/base/headroom-scheduler.yaml": checksum.ReplaceAllString(base, ""),
	}
	for overlay, source := range map[string]string{"second": "scheduler-config.yaml", "replace": "scheduler-config-replace.yaml"} {
		text, err := os.ReadFile(filepath.Join(root, "config", source))
		if err != nil {
			return nil, fmt.Errorf("configuration of the overlay %s: %w", overlay, err)
		}
		// Kustomize reads no file outside an overlay's folder.
		made["config/overlays/"+overlay+"/scheduler-config.yaml"] = "# A copy of config/" + source + " by \"make manifests\".\n" + string(text)
	}
	return made, nil
}

// objects returns what the chart renders with values, as far as keep wants it.
func objects(chart, values string, keep func(document string) bool) (string, error) {
	rendered, err := Render(chart, Release{ReleaseName, ReleaseNamespace}, values)
	if err != nil {
		return "", err
	}
	documents, err := Documents(rendered.Manifest)
	if err != nil {
		return "", err
	}
	var all strings.Builder
	all.WriteString(madeHead)
	for _, document := range documents {
		if keep(document) {
			document = strings.TrimPrefix(helmOwned.ReplaceAllString(document, ""), "---\n")
			all.WriteString("---\n" + strings.TrimSpace(document) + "\n")
		}
	}
	return all.String(), nil
}
