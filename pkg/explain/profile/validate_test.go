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
		{"no quantity", head + "profiles:\n- pluginConfig:\n  - name: HeadroomMemory\n    args:\n      freshFor: 90s\n      reserve: 5Gigs\n", []string{
			`file:8 profiles[0].pluginConfig[0].args.reserve: "5Gigs" is no quantity: want one such as 256Mi`,
		}},
		{"no quantity, beside a plugin that nobody here knows", head + "profiles:\n- pluginConfig:\n  - {name: Elsewhere, args: {kind: ElsewhereArgs}}\n  - {name: HeadroomMemory, args: {reserve: 1GB}}\n", []string{
			`file:6 profiles[0].pluginConfig[1].args.reserve: "1GB" is no quantity: want one such as 256Mi`,
		}},
		{"no duration", head + "profiles:\n- pluginConfig:\n  - name: DefaultPreemption\n  - name: HeadroomMemory\n    args: {source: {prometheus: {history: {period: 3 days}}}}\n", []string{
			`file:7 profiles[0].pluginConfig[1].args.source.prometheus.history.period: "3 days": time: unknown unit " days" in duration "3 days"`,
		}},
		{"no duration of the scheduler's own", head + "leaderElection:\n  leaseDuration: 15\n  renewDeadline: 10 seconds\n", []string{
			`file:4 leaderElection.leaseDuration: it is a number, want a value of type string`,
		}},
		{"no duration of the scheduler's own, by its text", head + "leaderElection:\n  leaseDuration: 15s\n  renewDeadline: 10 seconds\n", []string{
			`file:5 leaderElection.renewDeadline: "10 seconds": time: unknown unit " seconds" in duration "10 seconds"`,
		}},
		{"no object", "no parts\n", []string{"file it has no fields: want kind KubeSchedulerConfiguration, apiVersion kubescheduler.config.k8s.io/v1"}},
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
