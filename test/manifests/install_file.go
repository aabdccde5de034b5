// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"regexp"
	"strings"
)

// installHead precedes what the chart renders: a namespace in which only pods of the restricted Pod Security Standard run.
const installHead = `# Made from manifests/charts/headroom-scheduler by "make manifests". It takes no values: use the chart, or config/, for others.
apiVersion: v1
kind: Namespace
metadata:
  name: ` + ReleaseNamespace + `
  labels:
    pod-security.kubernetes.io/enforce: restricted
`

// helmOwned are the labels that would claim that Helm manages the objects.
var helmOwned = regexp.MustCompile(`(?m)^ +(app\.kubernetes\.io/managed-by: Helm|helm\.sh/chart: .*)\n`)

// InstallYAML returns manifests/install.yaml: the chart with its own values, for kubectl apply.
func InstallYAML(chartFolder string) (string, error) {
	rendered, err := Render(chartFolder, Release{ReleaseName, ReleaseNamespace}, "")
	if err != nil {
		return "", err
	}
	documents, err := Documents(rendered.Manifest)
	if err != nil {
		return "", err
	}
	var all strings.Builder
	all.WriteString(installHead)
	for _, document := range documents {
		document = strings.TrimPrefix(helmOwned.ReplaceAllString(document, ""), "---\n")
		all.WriteString("---\n" + strings.TrimSpace(document) + "\n")
	}
	return all.String(), nil
}
