// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const (
	schedulerConfigVersion = "kubescheduler.config.k8s.io/v1"
	schedulerConfigKind    = "KubeSchedulerConfiguration"
)

// schedulerConfig returns a copy of a KubeSchedulerConfiguration that connects to this cluster, without limits of its own
// and, unless leaderElection is set, without leader election. It keeps all else, arguments of plugins that this program does
// not know included.
func schedulerConfig(source []byte, kubeconfig string, leaderElection bool) ([]byte, error) {
	config := map[string]any{}
	// Strict about keys that occur twice. Unknown fields are for the scheduler to refuse: it alone knows its plugins.
	if err := yaml.UnmarshalStrict(source, &config); err != nil {
		return nil, err
	}
	if version, kind := config["apiVersion"], config["kind"]; version != schedulerConfigVersion || kind != schedulerConfigKind {
		return nil, fmt.Errorf("apiVersion %v, kind %v: want %s, %s", version, kind, schedulerConfigVersion, schedulerConfigKind)
	}
	type setting struct {
		value any
		path  []string
	}
	settings := []setting{
		{kubeconfig, []string{"clientConnection", "kubeconfig"}},
		{int64(highRate), []string{"clientConnection", "qps"}},
		{int64(highRate), []string{"clientConnection", "burst"}},
	}
	if !leaderElection {
		settings = append(settings, setting{false, []string{"leaderElection", "leaderElect"}})
	}
	for _, field := range settings {
		if err := unstructured.SetNestedField(config, field.value, field.path...); err != nil {
			return nil, err
		}
	}
	return yaml.Marshal(config)
}
