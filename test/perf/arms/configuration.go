// SPDX-License-Identifier: Apache-2.0

// Package arms sets up the schedulers that are compared: their configuration, their plugins, and the metrics they read.
package arms

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"sigs.k8s.io/yaml"

	"github.com/headroom-dev/headroom/test/perf"
)

const loadVariation = "LoadVariationRiskBalancing"

// Configuration returns the KubeSchedulerConfiguration of an arm, whose profile is called default-scheduler. file is the
// one of config/ that Headroom runs; extra are plugins to enable at PostBind. It is called by packages three folders below
// the repository.
func Configuration(arm perf.Arm, file string, metrics *Metrics, extra ...string) ([]byte, error) {
	configuration := configv1.KubeSchedulerConfiguration{Profiles: []configv1.KubeSchedulerProfile{{Plugins: &configv1.Plugins{}}}}
	configuration.SetGroupVersionKind(configv1.SchemeGroupVersion.WithKind("KubeSchedulerConfiguration"))
	if arm == perf.Config || arm == perf.Headroom {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "config", file))
		if err != nil {
			return nil, err
		}
		configuration = configv1.KubeSchedulerConfiguration{}
		if err := yaml.UnmarshalStrict(text, &configuration); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	profile := &configuration.Profiles[0]
	profile.SchedulerName = new(corev1.DefaultSchedulerName)
	switch arm {
	case perf.Config:
		withoutOurs(profile)
	case perf.LoadVariation:
		arguments, err := json.Marshal(map[string]string{"watcherAddress": metrics.URL()})
		if err != nil {
			return nil, err
		}
		profile.Plugins.MultiPoint.Enabled = []configv1.Plugin{{Name: loadVariation}}
		profile.PluginConfig = []configv1.PluginConfig{{Name: loadVariation, Args: runtime.RawExtension{Raw: arguments}}}
	}
	for _, name := range extra {
		profile.Plugins.PostBind.Enabled = append(profile.Plugins.PostBind.Enabled, configv1.Plugin{Name: name})
	}
	return yaml.Marshal(configuration)
}

// withoutOurs takes Headroom's plugins out of a profile and lets the in-tree ones that they replace stay.
func withoutOurs(profile *configv1.KubeSchedulerProfile) {
	ours := func(name string) bool { return strings.HasPrefix(name, "Headroom") }
	replaced := func(name string) bool { return name == "NodeName" || name == "NodeAffinity" }
	for _, set := range []*configv1.PluginSet{&profile.Plugins.MultiPoint, &profile.Plugins.PostFilter} {
		set.Enabled = slices.DeleteFunc(set.Enabled, func(plugin configv1.Plugin) bool { return ours(plugin.Name) })
		set.Disabled = slices.DeleteFunc(set.Disabled, func(plugin configv1.Plugin) bool { return replaced(plugin.Name) })
	}
	// They list what comes first for the sake of ours: the in-tree ones have that order by themselves.
	profile.Plugins.PreFilter, profile.Plugins.Filter = configv1.PluginSet{}, configv1.PluginSet{}
	profile.PluginConfig = slices.DeleteFunc(profile.PluginConfig, func(plugin configv1.PluginConfig) bool { return ours(plugin.Name) })
}
