// SPDX-License-Identifier: Apache-2.0

package schedulerconfig

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	schedulerv1 "k8s.io/kube-scheduler/config/v1"
	"sigs.k8s.io/yaml"
)

func TestLoadVariationIsTheDefaultProfileWithOnePluginMore(t *testing.T) {
	content, err := LoadVariation("other", 3, "http://127.0.0.1:1234")
	if err != nil {
		t.Fatal(err)
	}
	var parsed schedulerv1.KubeSchedulerConfiguration
	if err := yaml.UnmarshalStrict(content, &parsed); err != nil {
		t.Fatal(err)
	}
	want := []schedulerv1.KubeSchedulerProfile{{
		SchedulerName: new("other"),
		Plugins: &schedulerv1.Plugins{
			MultiPoint: schedulerv1.PluginSet{Enabled: []schedulerv1.Plugin{{Name: "LoadVariationRiskBalancing", Weight: new(int32(3))}}},
		},
		PluginConfig: []schedulerv1.PluginConfig{{Name: "LoadVariationRiskBalancing", Args: runtime.RawExtension{
			Raw: []byte(`{"safeVarianceMargin":1,"safeVarianceSensitivity":2,"watcherAddress":"http://127.0.0.1:1234"}`),
		}}},
	}}
	if diff := cmp.Diff(want, parsed.Profiles); diff != "" {
		t.Errorf("profiles (-want +got):\n%s", diff)
	}
}
