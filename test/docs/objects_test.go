// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"strings"
	"testing"
)

const scheduler = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"

func TestObjectsCheckDecodesStrictly(t *testing.T) {
	tests := []struct {
		name string
		file string // x.yaml when empty
		text string
		// want are parts of the problems, in order; none means that the text is good.
		want []string
	}{
		{name: "pod", text: "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b}]}\n"},
		{name: "pod with a field misspelt", text: "apiVersion: v1\nkind: Pod\nspec: {nodeSelektor: {a: b}}\n", want: []string{`x.yaml:1: strict decoding error: unknown field "spec.nodeSelektor"`}},
		{name: "pod with a wrong type", text: "apiVersion: v1\nkind: Pod\nspec: {containers: 3}\n", want: []string{"x.yaml:1: json: cannot unmarshal number into Go struct field"}},
		{name: "unknown kind", text: "apiVersion: v1\nkind: Pot\n", want: []string{`x.yaml:1: no kind "Pot" is registered for version "v1"`}},
		{name: "old version", text: "apiVersion: policy/v1beta2\nkind: PodDisruptionBudget\n", want: []string{`no kind "PodDisruptionBudget" is registered for version "policy/v1beta2"`}},
		{name: "kind without version", text: "kind: Pod\n", want: []string{"x.yaml:1: Pod: an object has both apiVersion and kind"}},
		{name: "aggregated API", text: "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nspec: {group: metrics.k8s.io}\n"},
		{name: "list", text: "apiVersion: v1\nkind: List\nitems: []\n", want: []string{"a List hides its items"}},
		{name: "fragment", text: "nodeSelector:\n  a: b\n"},
		{name: "fragment that is a list", text: "- a\n- b\n"},
		{name: "key twice", text: "a: 1\na: 2\n", want: []string{`key "a" already set in map`}},
		{name: "no YAML", text: "a: [1\n", want: []string{"x.yaml:1: YAML: "}},
		{
			name: "second document",
			text: "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Namespace\nmeta: {name: a}\n",
			want: []string{`x.yaml:5: strict decoding error: unknown field "meta"`},
		},
		{name: "kustomization", file: "config/base/kustomization.yaml", text: "resources: [a.yaml]\n"},
		{name: "kustomization with a field misspelt", file: "config/base/kustomization.yaml", text: "resource: [a.yaml]\n", want: []string{`unknown field "resource"`}},

		{name: "scheduler", text: scheduler + "profiles: [{schedulerName: a}]\n"},
		{name: "scheduler with a field misspelt", text: scheduler + "profile: [{schedulerName: a}]\n", want: []string{`unknown field "profile"`}},
		{name: "scheduler that does not validate", text: scheduler + "parallelism: -1\n", want: []string{"parallelism: Invalid value: -1"}},
		{name: "scheduler of an unknown version", text: "apiVersion: kubescheduler.config.k8s.io/v1beta3\nkind: KubeSchedulerConfiguration\n", want: []string{"v1beta3"}},
		{
			name: "arguments of a plugin that we carry",
			text: scheduler + "profiles:\n- pluginConfig:\n  - name: TargetLoadPacking\n    args: {targetUtilization: 40}\n",
		},
		{
			name: "arguments of a plugin that we carry, misspelt",
			text: scheduler + "profiles:\n- pluginConfig:\n  - name: TargetLoadPacking\n    args: {targetUtilisation: 40}\n",
			want: []string{`unknown field "targetUtilisation"`},
		},
		{
			name: "arguments of Headroom",
			text: scheduler + "profiles:\n- pluginConfig:\n  - name: HeadroomMemory\n    args: {maxNotFreshPercent: 40}\n",
		},
		{
			name: "arguments of Headroom, misspelt",
			text: scheduler + "profiles:\n- pluginConfig:\n  - name: HeadroomMemory\n    args: {maxNotFreshPercents: 40}\n",
			want: []string{`unknown field "maxNotFreshPercents"`},
		},
		{
			name: "arguments of Headroom that do not validate",
			text: scheduler + "profiles:\n- pluginConfig:\n  - name: HeadroomMemory\n    args: {maxNotFreshPercent: 140}\n",
			want: []string{"profiles[0].pluginConfig[0].args.maxNotFreshPercent"},
		},
		{
			name: "scheduler in a ConfigMap",
			text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  a.txt: 'x: [1'\n  s.yaml: |\n    apiVersion: kubescheduler.config.k8s.io/v1\n    kind: KubeSchedulerConfiguration\n    profile: []\n",
			want: []string{`x.yaml:1: ConfigMap c, data["s.yaml"]: KubeSchedulerConfiguration: strict decoding error: unknown field "profile"`},
		},
	}
	objects, err := NewObjects()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := tt.file
			if file == "" {
				file = "x.yaml"
			}
			got := rendered(objects.Check(Place{File: file, Line: 1}, tt.text))
			if len(got) != len(tt.want) {
				t.Fatalf("got %d problems, want %d: %q", len(got), len(tt.want), got)
			}
			for i, want := range tt.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("problem %d: got %q, want one with %q", i, got[i], want)
				}
			}
		})
	}
}
