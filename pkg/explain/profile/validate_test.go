// SPDX-License-Identifier: Apache-2.0

package profile_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/explain/profile"
)

const head = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"

func TestValidateSaysWhereAndWhat(t *testing.T) {
	const behindPreemption = "profiles[0].plugins.postFilter: HeadroomMemory comes behind DefaultPreemption there, which ends the round: " +
		"enable it under postFilter too, or pods that wait for memory may not be woken"
	ofProfile := func(plugins string) string { return head + "profiles:\n- plugins:\n" + plugins }
	for _, test := range []struct {
		name, text string
		want       []string // by line
	}{
		{"a field of another place", head + "profiles:\n- plugins:\n    multiPoint:\n    enabled: []\n", []string{
			"file:6 profiles[0].plugins.enabled: no such field here, though there is elsewhere: look at its indentation",
		}},
		{"a field that is misspelt", head + "profiles:\n- plugns: {}\n", []string{`file:4 profiles[0].plugns: no such field; perhaps "plugins" is meant`}},
		{"a version that is gone", "apiVersion: kubescheduler.config.k8s.io/v1beta3\nkind: KubeSchedulerConfiguration\n", []string{
			`file:1 apiVersion: no kind "KubeSchedulerConfiguration" is registered for version "kubescheduler.config.k8s.io/v1beta3": ` +
				"want kind KubeSchedulerConfiguration, apiVersion kubescheduler.config.k8s.io/v1",
		}},
		{"a ConfigMap around it", "apiVersion: v1\nkind: ConfigMap\n", []string{
			`file:1 apiVersion: no kind "ConfigMap" is registered for version "v1": want kind KubeSchedulerConfiguration, apiVersion kubescheduler.config.k8s.io/v1`,
		}},
		{"a plugin twice", ofProfile("    filter:\n      enabled:\n      - name: HeadroomMemory\n      - name: HeadroomMemory\n"), []string{
			"file:8 profiles[0].plugins.filter.enabled[1].name: HeadroomMemory is enabled there twice",
		}},
		{"a second document", "# ours\n---\n" + head + "---\n# nothing\n---\n" + head, []string{
			"file:7 a second document begins here, which the scheduler does not read: write its profiles into the first",
		}},
		{"an end of the document", "---\n" + head + "---\n", nil},
		{"behind DefaultPreemption", ofProfile("    multiPoint:\n      enabled: [{name: HeadroomMemory}]\n"), []string{"file:4 " + behindPreemption}},
		{"behind it as it is configured anew", ofProfile("    multiPoint: {enabled: [{name: HeadroomMemory}, {name: DefaultPreemption}]}\n"), []string{"file:4 " + behindPreemption}},
		{"behind it at the point", ofProfile("    multiPoint: {disabled: [{name: '*'}], enabled: [{name: HeadroomMemory}]}\n    postFilter: {enabled: [{name: DefaultPreemption}]}\n"),
			[]string{"file:6 " + behindPreemption}},
		{"behind it in a list of its own", ofProfile("    multiPoint: {disabled: [{name: '*'}], enabled: [{name: DefaultPreemption}, {name: HeadroomMemory}]}\n"),
			[]string{"file:4 " + behindPreemption}},
		{"before it in a list of its own", ofProfile("    multiPoint: {disabled: [{name: '*'}], enabled: [{name: HeadroomMemory}, {name: DefaultPreemption}]}\n"), nil},
		{"nobody preempts", ofProfile("    multiPoint: {disabled: [{name: '*'}], enabled: [{name: HeadroomMemory}]}\n"), nil},
		{"it is disabled by name", ofProfile("    multiPoint: {disabled: [{name: DefaultPreemption}], enabled: [{name: HeadroomMemory}]}\n"), nil},
		{"it is disabled at the point", ofProfile("    multiPoint: {enabled: [{name: HeadroomMemory}]}\n    postFilter: {disabled: [{name: DefaultPreemption}]}\n"), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, problems := profile.Validate([]byte(test.text))
			var got []string
			for _, problem := range problems {
				got = append(got, problem.Place("file")+" "+problem.Words())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
