// SPDX-License-Identifier: Apache-2.0

package arms

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"sigs.k8s.io/yaml"

	"github.com/headroom-dev/headroom/config"
)

// What the configuration alone is worth is measured with the in-tree plugins, and with none of Headroom's at any point.
func TestTheArmOfTheConfigurationHasNoneOfOurPlugins(t *testing.T) {
	var configuration configv1.KubeSchedulerConfiguration
	if err := yaml.UnmarshalStrict(config.SchedulerConfig, &configuration); err != nil {
		t.Fatal(err)
	}
	profile := &configuration.Profiles[0]
	profile.SchedulerName = nil // which has our name
	text := func() string {
		t.Helper()
		text, err := yaml.Marshal(profile)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if !strings.Contains(text(), "Headroom") {
		t.Fatal("the shipped configuration has none of Headroom's plugins")
	}
	withoutOurs(profile)
	var disabled []string
	for _, plugin := range profile.Plugins.MultiPoint.Disabled {
		disabled = append(disabled, plugin.Name)
	}
	if diff := cmp.Diff([]string{"NodeResourcesBalancedAllocation"}, disabled); diff != "" { // docs/performance.md says so
		t.Errorf("in-tree plugins that stock has and this arm lacks (-want +got):\n%s", diff)
	}
	for _, word := range []string{"Headroom", "name: NodeName", "name: NodeAffinity", "TaintToleration"} {
		if got := text(); strings.Contains(got, word) {
			t.Errorf("%q is left:\n%s", word, got)
		}
	}
}
