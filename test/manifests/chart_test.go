// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	schedulerscheme "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/test/docs"
)

// render returns the objects of a release with values.
func render(t *testing.T, release Release, values string) []runtime.Object {
	t.Helper()
	rendered, err := Render(chartFolder, release, values)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := Decode(rendered.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func TestTheChartIsLinted(t *testing.T) {
	for name, values := range allCombinations(t) {
		t.Run(name, func(t *testing.T) {
			given := map[string]any{}
			if err := yaml.UnmarshalStrict([]byte(values), &given); err != nil {
				t.Fatal(err)
			}
			version := &common.KubeVersion{Version: kubernetesVersion, Major: "1", Minor: "37"}
			for _, message := range lint.RunAll(chartFolder, given, ReleaseNamespace, lint.WithKubeVersion(version)).Messages {
				if message.Severity > support.InfoSev {
					t.Error(message)
				}
			}
		})
	}
}

// What is rendered decodes strictly, the configuration in its ConfigMap included, as kube-scheduler and Headroom validate it.
func TestWhatTheChartRendersDecodesStrictly(t *testing.T) {
	configurations, err := docs.NewObjects()
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range allCombinations(t) {
		t.Run(name, func(t *testing.T) {
			objects := render(t, Release{"r", "n"}, values)
			for _, configMap := range Find[*corev1.ConfigMap](objects) {
				text, err := yaml.Marshal(configMap)
				if err != nil {
					t.Fatal(err)
				}
				for _, problem := range configurations.Check(docs.Place{File: "rendered.yaml", Line: 1}, string(text)) {
					t.Error(problem)
				}
			}
			for _, object := range objects {
				accessor, err := meta.Accessor(object)
				if err != nil {
					t.Fatal(err)
				}
				if name := accessor.GetLabels()["app.kubernetes.io/name"]; name != "headroom-scheduler" {
					t.Errorf("%T %s: label app.kubernetes.io/name = %q, want headroom-scheduler", object, accessor.GetName(), name)
				}
			}
		})
	}
}

// The namespace of install.yaml enforces the restricted Pod Security Standard.
func TestPodsPassRestrictedPodSecurity(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for name, values := range allCombinations(t) {
		t.Run(name, func(t *testing.T) {
			deployments := Find[*appsv1.Deployment](render(t, Release{"r", "n"}, values))
			if len(deployments) != 1 {
				t.Fatalf("%d Deployments, want 1", len(deployments))
			}
			template := deployments[0].Spec.Template
			for _, result := range evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec) {
				if !result.Allowed {
					t.Errorf("%s: %s", result.ForbiddenReason, result.ForbiddenDetail)
				}
			}
		})
	}
	t.Run("it is able to refuse", func(t *testing.T) {
		template := Find[*appsv1.Deployment](render(t, Release{"r", "n"}, "securityContext: {privileged: true}"))[0].Spec.Template
		results := evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec)
		if !slices.ContainsFunc(results, func(result policy.CheckResult) bool { return !result.Allowed }) {
			t.Error("a privileged container is admitted")
		}
	})
}

func names(t *testing.T, release Release, values string) []string {
	t.Helper()
	var all []string
	for _, object := range render(t, release, values) {
		accessor, err := meta.Accessor(object)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.TrimPrefix(object.GetObjectKind().GroupVersionKind().Kind+" "+accessor.GetNamespace()+"/"+accessor.GetName(), " "))
	}
	return all
}

func TestTwoReleasesShareNoName(t *testing.T) {
	first := Release{"first", "one"}
	for name, second := range map[string]Release{
		"in one namespace":                  {"second", "one"},
		"of one name in another namespace":  {"first", "two"},
		"of another name, in another place": {"second", "two"},
		"named like the chart":              {"headroom-scheduler", "one"},
	} {
		t.Run(name, func(t *testing.T) {
			for name, values := range allCombinations(t) {
				t.Run(name, func(t *testing.T) {
					if strings.Contains(values, "fullnameOverride") {
						t.Skip("a name that is given twice is there twice")
					}
					taken := names(t, first, values)
					for _, name := range names(t, second, values) {
						if slices.Contains(taken, name) {
							t.Errorf("%s is of both", name)
						}
					}
				})
			}
		})
	}
}

// A changed configuration restarts the pods, and only that.
func TestTheConfigurationsChecksumFollowsTheConfiguration(t *testing.T) {
	checksum := func(values string) string {
		return Find[*appsv1.Deployment](render(t, Release{"r", "n"}, values))[0].Spec.Template.Annotations["checksum/configuration"]
	}
	if checksum("") == checksum("memory: {filter: Soft}") {
		t.Error("the checksum stays when the configuration changes")
	}
	if diff := cmp.Diff(checksum(""), checksum("replicas: 3")); diff != "" {
		t.Errorf("the checksum changes with what is no configuration:\n%s", diff)
	}
}

// The chart's profile is the one that the binary runs without a configuration: one of the two must not be forgotten. It
// differs in where the release keeps what it learned.
func TestTheChartsProfileIsTheShippedOne(t *testing.T) {
	profiles := func(text string) []schedulerconfig.KubeSchedulerProfile {
		t.Helper()
		object, _, err := schedulerscheme.Codecs.UniversalDecoder().Decode([]byte(text), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return object.(*schedulerconfig.KubeSchedulerConfiguration).Profiles
	}
	byName := cmpopts.SortSlices(func(a, b schedulerconfig.PluginConfig) bool { return a.Name < b.Name })
	own := cmpopts.IgnoreFields(config.ForecastCheckpoint{}, "Namespace", "Name")
	for _, test := range []struct{ file, values string }{
		{"scheduler-config.yaml", ""},
		{"scheduler-config-replace.yaml", "{mode: replace, schedulerNames: [default-scheduler]}"},
	} {
		shipped, err := os.ReadFile(repository + "/config/" + test.file)
		if err != nil {
			t.Fatal(err)
		}
		chart := Find[*corev1.ConfigMap](render(t, Release{"r", "n"}, test.values))[0].Data["scheduler-config.yaml"]
		if diff := cmp.Diff(profiles(string(shipped)), profiles(chart), byName, own); diff != "" {
			t.Errorf("profiles (-config/%s +chart):\n%s", test.file, diff)
		}
	}
}

// Plugins that the chart lists for their place in the order are listed once, and give way to what the values say of them.
func TestValuesDecideWhichPluginsFilter(t *testing.T) {
	for _, test := range []struct {
		name, values string
		want         []string
	}{
		{"as shipped", "", []string{"HeadroomNodeName", "NodeUnschedulable", "TaintToleration", "HeadroomNodeAffinity"}},
		{"one that is named again", "plugins: {filter: {enabled: [{name: HeadroomNodeAffinity}]}}",
			[]string{"HeadroomNodeName", "NodeUnschedulable", "TaintToleration", "HeadroomNodeAffinity"}},
		{"one that does not filter", "plugins: {filter: {disabled: [{name: TaintToleration}]}}",
			[]string{"HeadroomNodeName", "NodeUnschedulable", "HeadroomNodeAffinity"}},
		{"one that is disabled everywhere", "plugins: {multiPoint: {disabled: [{name: TaintToleration}]}}",
			[]string{"HeadroomNodeName", "NodeUnschedulable", "HeadroomNodeAffinity"}},
		{"an order of one's own", `plugins: {filter: {enabled: [{name: NodeResourcesFit}], disabled: [{name: "*"}]}}`, []string{"NodeResourcesFit"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := Find[*corev1.ConfigMap](render(t, Release{"r", "n"}, test.values))[0].Data["scheduler-config.yaml"]
			object, _, err := schedulerscheme.Codecs.UniversalDecoder().Decode([]byte(text), nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, plugin := range object.(*schedulerconfig.KubeSchedulerConfiguration).Profiles[0].Plugins.Filter.Enabled {
				got = append(got, plugin.Name)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("filters (-want +got):\n%s", diff)
			}
		})
	}
}

// kube-scheduler starts with no plugin that is listed twice, and runs one that is listed, whatever is disabled.
func TestValuesDecideAboutPluginsOfTheChart(t *testing.T) {
	plugins := func(values string) *schedulerconfig.Plugins {
		t.Helper()
		text := Find[*corev1.ConfigMap](render(t, Release{"r", "n"}, values))[0].Data["scheduler-config.yaml"]
		object, _, err := schedulerscheme.Codecs.UniversalDecoder().Decode([]byte(text), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return object.(*schedulerconfig.KubeSchedulerConfiguration).Profiles[0].Plugins
	}
	weights := func(set schedulerconfig.PluginSet, name string) []int32 {
		var all []int32
		for _, plugin := range set.Enabled {
			if plugin.Name == name {
				all = append(all, plugin.Weight)
			}
		}
		return all
	}
	for _, test := range []struct {
		name, values, plugin   string
		everywhere, postFilter []int32
	}{
		{"as shipped", "", "HeadroomMemory", []int32{10}, []int32{0}},
		{"another weight", "plugins: {multiPoint: {enabled: [{name: HeadroomMemory, weight: 3}]}}", "HeadroomMemory", []int32{3}, []int32{0}},
		{"in a place of its own", "plugins: {postFilter: {enabled: [{name: DefaultPreemption}, {name: HeadroomMemory}]}}", "HeadroomMemory", []int32{10}, []int32{0}},
		{"off", "plugins: {multiPoint: {disabled: [{name: HeadroomMemory}]}}", "HeadroomMemory", nil, nil},
		{"without its PostFilter", "plugins: {postFilter: {disabled: [{name: HeadroomNodeAffinity}]}}", "HeadroomNodeAffinity", []int32{2}, nil},
		{"the one that Headroom's replaces", "plugins: {multiPoint: {enabled: [{name: NodeAffinity, weight: 2}], disabled: [{name: HeadroomNodeAffinity}]}}", "HeadroomNodeAffinity", nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := plugins(test.values)
			if diff := cmp.Diff(test.everywhere, weights(got.MultiPoint, test.plugin)); diff != "" {
				t.Errorf("weights of %s at multiPoint (-want +got):\n%s", test.plugin, diff)
			}
			if diff := cmp.Diff(test.postFilter, weights(got.PostFilter, test.plugin)); diff != "" {
				t.Errorf("weights of %s at postFilter (-want +got):\n%s", test.plugin, diff)
			}
			for _, name := range []string{"NodeName", "NodeAffinity"} {
				if !slices.ContainsFunc(got.MultiPoint.Disabled, func(plugin schedulerconfig.Plugin) bool { return plugin.Name == name }) {
					t.Errorf("%s of the default scheduler is not disabled any more", name)
				}
			}
		})
	}
}
