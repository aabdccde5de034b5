// SPDX-License-Identifier: Apache-2.0

package validation_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	schedulerscheme "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	_ "github.com/headroom-dev/headroom/pkg/apis/config/scheme"
	"github.com/headroom-dev/headroom/pkg/apis/config/validation"
)

// FuzzArguments reads arguments as kube-scheduler does. Whatever is in the file, it is refused or valid, and nothing panics.
func FuzzArguments(f *testing.F) {
	for _, args := range []string{
		"{}",
		"{filter: Soft, reserve: 1Gi, freshFor: 2m}",
		"{reserve: -1, freshFor: 1s, refreshInterval: 1h}",
		"{source: {type: Prometheus, prometheus: {address: 'https://user:password@host/?q#f'}}}",
		"{filterByQOSClass: {Guaranteed: Hard, Other: 3}}",
		"{assumedEvictionHard: 1e400}",
		"[1, 2]",
		"{a: &a [*a]}",
	} {
		f.Add("HeadroomMemory", args)
		f.Add("HeadroomNodeAffinity", args)
	}
	f.Add("HeadroomNodeAffinity", "{addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: [{key: x, operator: Gt, values: [a]}]}]}}}")
	f.Fuzz(func(_ *testing.T, plugin, args string) {
		document := "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles:\n- pluginConfig:\n  - name: " + plugin + "\n    args: " + args + "\n"
		object, _, err := schedulerscheme.Codecs.UniversalDecoder().Decode([]byte(document), nil, nil)
		if err != nil {
			return
		}
		configuration, ok := object.(*schedulerconfig.KubeSchedulerConfiguration)
		if !ok {
			return
		}
		for _, profile := range configuration.Profiles {
			for _, plugin := range profile.PluginConfig {
				switch typed := plugin.Args.(type) {
				case *config.HeadroomMemoryArgs:
					_ = validation.ValidateHeadroomMemoryArgs(field.NewPath("args"), typed)
				case *config.HeadroomNodeAffinityArgs:
					_ = validation.ValidateHeadroomNodeAffinityArgs(field.NewPath("args"), typed)
				}
			}
		}
	})
}
