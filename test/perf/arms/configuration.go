// SPDX-License-Identifier: Apache-2.0

// Package arms sets up the schedulers that are compared: their configuration, their plugins, and the metrics they read.
package arms

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/headroom-dev/headroom/test/perf"
)

// configFolder has the configurations, seen from a package two folders below this repository's test folder.
var configFolder = filepath.Join("..", "..", "..", "config")

type object = map[string]any

// Configuration returns the KubeSchedulerConfiguration of an arm, whose profile is called default-scheduler. file is the
// one of config/ that Headroom runs; extra are plugins to enable at PostBind.
func Configuration(arm perf.Arm, file string, metrics *Metrics, extra ...string) ([]byte, error) {
	configuration := object{
		"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration",
		"profiles": []any{object{"plugins": object{}}},
	}
	if arm == perf.Config || arm == perf.Headroom {
		text, err := os.ReadFile(filepath.Join(configFolder, file))
		if err != nil {
			return nil, err
		}
		configuration = object{}
		if err := yaml.Unmarshal(text, &configuration); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	profile := configuration["profiles"].([]any)[0].(object)
	profile["schedulerName"] = "default-scheduler"
	plugins := profile["plugins"].(object)
	switch arm {
	case perf.Config:
		withoutOurs(profile)
	case perf.LoadVariation:
		plugins["multiPoint"] = object{"enabled": []any{object{"name": "LoadVariationRiskBalancing"}}}
		profile["pluginConfig"] = []any{object{"name": "LoadVariationRiskBalancing", "args": object{"watcherAddress": metrics.URL()}}}
	}
	var postBind []any
	for _, name := range extra {
		postBind = append(postBind, object{"name": name})
	}
	plugins["postBind"] = object{"enabled": postBind}
	return yaml.Marshal(configuration)
}

// withoutOurs takes Headroom's plugins out of a profile and lets the in-tree ones that they replace stay.
func withoutOurs(profile object) {
	ours := func(entry any) bool { return strings.HasPrefix(entry.(object)["name"].(string), "Headroom") }
	for _, point := range profile["plugins"].(object) {
		point := point.(object)
		if enabled, ok := point["enabled"].([]any); ok {
			point["enabled"] = slices.DeleteFunc(enabled, ours)
		}
		if disabled, ok := point["disabled"].([]any); ok {
			point["disabled"] = slices.DeleteFunc(disabled, func(entry any) bool {
				name := entry.(object)["name"]
				return name == "NodeName" || name == "NodeAffinity"
			})
		}
	}
	if arguments, ok := profile["pluginConfig"].([]any); ok {
		profile["pluginConfig"] = slices.DeleteFunc(arguments, ours)
	}
}
