// SPDX-License-Identifier: Apache-2.0

package profile

import (
	"fmt"
	"slices"

	configv1 "k8s.io/kube-scheduler/config/v1"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

	"github.com/headroom-dev/headroom/pkg/plugins/memory"
	"github.com/headroom-dev/headroom/pkg/plugins/nodeaffinity"
	"github.com/headroom-dev/headroom/pkg/plugins/nodename"
)

// twins speaks of in-tree plugins that run beside those that replace them, and of plugins that come too late.
func twins(path string, plugins *configv1.Plugins) []Problem {
	if plugins == nil {
		return nil
	}
	var problems []Problem
	for _, pair := range [][2]string{{nodename.Name, "NodeName"}, {nodeaffinity.Name, "NodeAffinity"}} {
		if isNamed(plugins.MultiPoint.Enabled, pair[0]) && !isNamed(plugins.MultiPoint.Disabled, pair[1]) && !isNamed(plugins.MultiPoint.Disabled, "*") {
			problems = append(problems, Problem{
				Field: path + ".plugins.multiPoint.disabled", Text: fmt.Sprintf("%s runs beside %s, which replaces it: disable %s", pair[1], pair[0], pair[1]),
			})
		}
	}
	if behind(plugins, &plugins.Filter, nodeaffinity.Name, names.NodeResourcesFit) {
		problems = append(problems, Problem{
			Field: path + ".plugins.filter",
			Text:  fmt.Sprintf("%s comes behind NodeResourcesFit there: enable it under filter too, or a full node that does not match is refused for its memory", nodeaffinity.Name),
		})
	}
	if behind(plugins, &plugins.PostFilter, memory.Name, names.DefaultPreemption) {
		problems = append(problems, Problem{
			Field: path + ".plugins.postFilter",
			Text:  fmt.Sprintf("%s comes behind DefaultPreemption there, which ends the round: enable it under postFilter too, or pods that wait for memory may not be woken", memory.Name),
		})
	}
	return problems
}

// behind reports whether a plugin that is enabled for all extension points comes behind a default one at a point of them. Those that are
// enabled at the point itself come first, then the defaults that are not disabled, and then the others by their order
// (k8s.io/kubernetes pkg/scheduler/apis/config/v1/default_plugins.go, mergePluginSet; pkg/scheduler/framework/runtime/framework.go,
// expandMultiPointPlugins).
func behind(plugins *configv1.Plugins, point *configv1.PluginSet, own, other string) bool {
	all := plugins.MultiPoint
	if !isNamed(all.Enabled, own) || isNamed(point.Enabled, own) || isNamed(point.Disabled, own) || isNamed(point.Disabled, "*") {
		return false
	}
	switch {
	case isNamed(point.Enabled, other):
		return true
	case isNamed(point.Disabled, other):
		return false
	case !isNamed(all.Disabled, other) && !isNamed(all.Disabled, "*"):
		return true // a default one, which keeps its place even where it is configured anew
	}
	at := func(name string) int {
		return slices.IndexFunc(all.Enabled, func(plugin configv1.Plugin) bool { return plugin.Name == name })
	}
	return at(other) >= 0 && at(other) < at(own)
}

func isNamed(plugins []configv1.Plugin, name string) bool {
	return slices.ContainsFunc(plugins, func(plugin configv1.Plugin) bool { return plugin.Name == name })
}
