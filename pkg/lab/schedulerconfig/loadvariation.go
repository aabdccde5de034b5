// SPDX-License-Identifier: Apache-2.0

package schedulerconfig

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/runtime"
	schedulerv1 "k8s.io/kube-scheduler/config/v1"
	"sigs.k8s.io/yaml"
)

const loadVariation = "LoadVariationRiskBalancing"

// LoadVariation is the default profile under another name with LoadVariationRiskBalancing, as its documentation
// recommends it: with margin 1 and sensitivity 2, beside the default scores. weight is its weight among them; the
// documentation names none, which is 1. watcherAddress is where it finds the load watcher's report.
func LoadVariation(schedulerName string, weight int32, watcherAddress string) ([]byte, error) {
	arguments, err := json.Marshal(map[string]any{
		"safeVarianceMargin": 1, "safeVarianceSensitivity": 2, "watcherAddress": watcherAddress,
	})
	if err != nil {
		return nil, err
	}
	configuration := schedulerv1.KubeSchedulerConfiguration{Profiles: []schedulerv1.KubeSchedulerProfile{{
		SchedulerName: &schedulerName,
		Plugins: &schedulerv1.Plugins{
			MultiPoint: schedulerv1.PluginSet{Enabled: []schedulerv1.Plugin{{Name: loadVariation, Weight: &weight}}},
		},
		PluginConfig: []schedulerv1.PluginConfig{{Name: loadVariation, Args: runtime.RawExtension{Raw: arguments}}},
	}}}
	configuration.SetGroupVersionKind(schedulerv1.SchemeGroupVersion.WithKind("KubeSchedulerConfiguration"))
	return yaml.Marshal(configuration)
}
