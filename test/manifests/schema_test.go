// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	schedulerv1 "k8s.io/kube-scheduler/config/v1"
	"sigs.k8s.io/yaml"

	configv1 "github.com/headroom-dev/headroom/pkg/apis/config/v1"
)

func TestTheSchemaRefusesBadValues(t *testing.T) {
	for _, test := range []struct{ name, values, want string }{
		{"an unknown key", "replica: 3", "replica"},
		{"an unknown mode", "mode: instead", "/mode"},
		{"a mistyped argument", "memory: {filterr: Hard}", "filterr"},
		{"an unknown filter", "memory: {filter: hard}", "/memory/filter"},
		{"Off without quotes, which YAML reads as false", "memory: {filter: Off}", "/memory/filter"},
		{"an unknown source", "memory: {source: {type: Metrics}}", "/memory/source/type"},
		{"Prometheus without an address", "memory: {source: {type: Prometheus}}", "prometheus"},
		{"an address without the source", "memory: {source: {prometheus: {address: 'https://p'}}}", "prometheus"},
		{"a percentage past 100", "memory: {reservePercent: 101}", "/memory/reservePercent"},
		{"bytes with a wrong unit", "memory: {reserve: 100MB}", "/memory/reserve"},
		{"bytes with the unit of nobody", "memory: {reserve: 100ki}", "/memory/reserve"},
		{"a duration without a unit", "memory: {warmUp: '60'}", "/memory/warmUp"},
		{"the interval of the checkpoint without a unit", "memory: {checkpoint: {interval: '60'}}", "/memory/checkpoint/interval"},
		{"a negative number of replicas", "replicas: -1", "/replicas"},
		{"a tag with a colon", "image: {tag: 'a:b'}", "/image/tag"},
		{"a label that the chart selects its pods by", "podLabels: {app.kubernetes.io/name: mine}", "app.kubernetes.io/name"},
		{"profiles that are no list", "configuration: {profiles: mine}", "/configuration/profiles"},
		{"arguments that are none", "configuration: {profiles: [{pluginConfig: [{name: HeadroomMemory, args: null}]}]}", "/configuration/profiles/0/pluginConfig/0/args"},
		{"an election that is none", "configuration: {leaderElection: false}", "/configuration/leaderElection"},
		{"a group of which nothing is left", "metrics: {serviceMonitor: null}", "serviceMonitor"},
		{"a flag of which nothing is left", "verbosity: null", "verbosity"},
		{"no image", "image: {repository: null}", "repository"},
		{"a repository with a tag", "image: {repository: 'example.com/headroom-scheduler:v1'}", "/image/repository"},
		{"a digest that is none", "image: {digest: latest}", "/image/digest"},
		{"an unknown pull policy", "image: {pullPolicy: Sometimes}", "/image/pullPolicy"},
		{"a name in capitals", "fullnameOverride: Headroom", "/fullnameOverride"},
		{"an extension point that is none", "plugins: {scores: {}}", "scores"},
		{"a flag without dashes", "extraArgs: [v=3]", "/extraArgs/0"},
		{"a reader without a namespace", "metrics: {readers: [{name: p}]}", "namespace"},
		{"an unknown field of the configuration", "configuration: {parallel: 3}", "parallel"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Render(chartFolder, Release{"r", "n"}, test.values)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// What Kubernetes and the arguments take is not refused.
func TestTheSchemaAcceptsWhatIsRight(t *testing.T) {
	for _, test := range []struct{ name, values string }{
		{"half a CPU as a number", "resources: {requests: {cpu: 0.5, memory: 268435456}, limits: {cpu: 2}}"},
		{"bytes in each unit", "resources: {limits: {memory: 1Gi, ephemeral-storage: 500M, cpu: 250000u}}"},
		{"what turns the history off", "memory: {source: {type: Prometheus, prometheus: {address: 'https://p', history: {period: '0'}}}}"},
		{"a registry with a port", "image: {repository: 'registry.example.com:5000/team/headroom-scheduler'}"},
	} {
		t.Run(test.name, func(t *testing.T) { render(t, Release{"r", "n"}, test.values) })
	}
}

// property is what is read of a JSON schema.
type property struct {
	Properties map[string]*property `json:"properties"`
}

func readSchema(t *testing.T) *property {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chartFolder, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	schema := &property{}
	if err := json.Unmarshal(text, schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

// fields returns the JSON names of a struct's fields.
func fields(of reflect.Type) []string {
	var names []string
	for field := range of.Fields() {
		name, rest, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" && strings.Contains(rest, "inline") {
			names = append(names, fields(field.Type)...)
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (p *property) names() []string {
	names := []string{}
	for name := range p.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// A new argument that the schema does not know could not be set.
func TestTheSchemaKnowsEveryArgument(t *testing.T) {
	memory := readSchema(t).Properties["memory"]
	source := memory.Properties["source"]
	for path, pair := range map[string]struct {
		schema *property
		args   reflect.Type
	}{
		"memory":                   {memory, reflect.TypeFor[configv1.HeadroomMemoryArgs]()},
		"memory.source":            {source, reflect.TypeFor[configv1.MemorySource]()},
		"memory.source.prometheus": {source.Properties["prometheus"], reflect.TypeFor[configv1.PrometheusSource]()},
		"memory.source.kubelet":    {source.Properties["kubelet"], reflect.TypeFor[configv1.KubeletSource]()},
		"plugins":                  {readSchema(t).Properties["plugins"], reflect.TypeFor[schedulerv1.Plugins]()},
		"nodeAffinity":             {readSchema(t).Properties["nodeAffinity"], reflect.TypeFor[configv1.HeadroomNodeAffinityArgs]()},
	} {
		if diff := cmp.Diff(fields(pair.args), pair.schema.names()); diff != "" {
			t.Errorf("%s of values.schema.json and its type (-type +schema); write into the schema what is missing:\n%s", path, diff)
		}
	}
}

func TestEachValueIsInTheSchema(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(chartFolder, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	if err := yaml.UnmarshalStrict(text, &values); err != nil {
		t.Fatal(err)
	}
	schema := readSchema(t)
	for name, value := range values {
		if schema.Properties[name] == nil {
			t.Errorf("%s is not in values.schema.json", name)
			continue
		}
		if group, ok := value.(map[string]any); ok && len(schema.Properties[name].Properties) > 0 {
			for inner := range group {
				if schema.Properties[name].Properties[inner] == nil {
					t.Errorf("%s.%s is not in values.schema.json", name, inner)
				}
			}
		}
	}
}

// Each value has a comment that says what it does; a group's members have one each, or the group has one for all.
func TestEachValueIsExplained(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(chartFolder, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	explained := false
	for number, line := range strings.Split(string(text), "\n") {
		switch trimmed := strings.TrimSpace(line); {
		case strings.HasPrefix(trimmed, "# --"):
			explained = true
		case strings.HasPrefix(trimmed, "#"):
		case trimmed == "":
			explained = false
		case strings.HasPrefix(line, " "):
		default:
			// A group without a comment of its own explains its members.
			if name, rest, _ := strings.Cut(line, ":"); !explained && strings.TrimSpace(rest) != "" {
				t.Errorf("values.yaml:%d: %s has no comment that begins with # --", number+1, name)
			}
			explained = false
		}
	}
}
