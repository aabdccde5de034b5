// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// rules returns what own roles allow, a line for each rule.
func rules(objects []runtime.Object) []string {
	var all []string
	add := func(where string, rules []rbacv1.PolicyRule) {
		for _, rule := range rules {
			resources := append(slices.Clone(rule.Resources), rule.NonResourceURLs...)
			line := where + strings.Join(rule.Verbs, ",") + " " + strings.Join(rule.APIGroups, ",") + "/" + strings.Join(resources, ",")
			if len(rule.ResourceNames) > 0 {
				line += " " + strings.Join(rule.ResourceNames, ",")
			}
			all = append(all, line)
		}
	}
	for _, role := range Find[*rbacv1.ClusterRole](objects) {
		add("", role.Rules)
	}
	for _, role := range Find[*rbacv1.Role](objects) {
		add("in "+role.Namespace+": ", role.Rules)
	}
	return all
}

// sortStrings compares lists without their order.
var sortStrings = cmpopts.SortSlices(strings.Compare)

const (
	metricsRule  = "get,list metrics.k8s.io/nodes,pods"
	statsRule    = "get /nodes/stats"
	configzRule  = "get /nodes/configz"
	leaseRule    = "in n: get,update coordination.k8s.io/leases r-headroom-scheduler"
	forecast     = "in n: get,update /configmaps r-headroom-scheduler-forecast"
	newConfigMap = "in n: create /configmaps"
)

func TestOnlyWhatTheConfigurationUsesIsGranted(t *testing.T) {
	own := []string{leaseRule, forecast, newConfigMap}
	for _, test := range []struct {
		name, values string
		want         []string
	}{
		{"samples of metrics.k8s.io", "", append(own, metricsRule)},
		{"samples of kubelets", "memory: {source: {type: Kubelet}}", append(own, statsRule)},
		{"thresholds of kubelets", "memory: {readKubeletConfig: true}", append(own, metricsRule, configzRule)},
		{"Prometheus", "memory: {source: {type: Prometheus, prometheus: {address: 'https://p:9090'}}}", own},
		{"no checkpoint", "forecast: {checkpoint: {enabled: false}}", []string{leaseRule, metricsRule}},
		{"no checkpoint, by the argument", "memory: {checkpoint: {enabled: false}}", []string{leaseRule, metricsRule}},
		{"a checkpoint elsewhere", "memory: {checkpoint: {namespace: m, name: c}}", []string{
			leaseRule, "in m: get,update /configmaps c", "in m: create /configmaps", metricsRule,
		}},
		{"the default scheduler's lease, which the built-in role allows", "mode: replace", []string{forecast, newConfigMap, metricsRule}},
		{"a lease elsewhere", "leaderElection: {resourceName: l, resourceNamespace: m}", []string{
			"in m: get,update coordination.k8s.io/leases l", forecast, newConfigMap, metricsRule,
		}},
		{"a lease in the free configuration", "configuration: {leaderElection: {resourceName: l, resourceNamespace: m}}", []string{
			"in m: get,update coordination.k8s.io/leases l", forecast, newConfigMap, metricsRule,
		}},
		{"no leader election", "{replicas: 1, configuration: {leaderElection: {leaderElect: false}}}", []string{forecast, newConfigMap, metricsRule}},
		{"profiles of one's own", "configuration: {profiles: [{schedulerName: x}]}", []string{leaseRule}},
		{"profiles of one's own with HeadroomMemory", `
configuration: {profiles: [{schedulerName: x, plugins: {multiPoint: {enabled: [{name: HeadroomMemory}]}}}]}`, []string{
			leaseRule, "in n: get,update /configmaps headroom-forecast", newConfigMap, metricsRule,
		}},
		{"a plugin of Trimaran reads metrics.k8s.io by default", `
memory: {source: {type: Kubelet}}
plugins: {score: {enabled: [{name: TargetLoadPacking}]}}`, append(own, metricsRule, statsRule)},
		{"and not when it asks a load watcher", `
memory: {source: {type: Kubelet}}
plugins: {score: {enabled: [{name: TargetLoadPacking}]}}
pluginConfig: [{name: TargetLoadPacking, args: {watcherAddress: 'http://w:2020'}}]`, append(own, statsRule)},
		{"nor Prometheus", `
memory: {source: {type: Kubelet}}
plugins: {score: {enabled: [{name: Peaks}]}}
pluginConfig: [{name: Peaks, args: {metricProvider: {type: Prometheus, address: 'http://p:9090'}}}]`, append(own, statsRule)},
		{"no memory at all", "plugins: {multiPoint: {disabled: [{name: HeadroomMemory}]}}", []string{leaseRule}},
		{"scrapers", "metrics: {readers: [{name: p, namespace: monitoring}]}", append(own, metricsRule, "get //metrics,/metrics/resources")},
		{"scrapers that have to find it", "metrics: {readers: [{name: p, namespace: monitoring}], serviceMonitor: {enabled: true}}", append(own, metricsRule,
			"get //metrics,/metrics/resources", "in n: get,list,watch /services,endpoints,pods", "in n: get,list,watch discovery.k8s.io/endpointslices")},
		{"nothing", "rbac: {create: false}", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, rules(render(t, Release{"r", "n"}, test.values)), sortStrings); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
		})
	}
}

// scheduler-plugins' chart lets nobody read metrics.k8s.io, which its Trimaran does by default.
func TestPeerBugPermissionsForMetricsAreMissing(t *testing.T) {
	for _, values := range []string{"", "mode: replace", "memory: {shadow: true}"} {
		if granted := rules(render(t, Release{"r", "n"}, values)); !slices.Contains(granted, metricsRule) {
			t.Errorf("%q: rules %q, want %q", values, granted, metricsRule)
		}
	}
}

func TestTheBuiltInRolesAreBoundAndNotCopied(t *testing.T) {
	bound := func(values string) []string {
		var roles []string
		objects := render(t, Release{"r", "n"}, values)
		for _, binding := range Find[*rbacv1.ClusterRoleBinding](objects) {
			roles = append(roles, binding.RoleRef.Name)
		}
		for _, binding := range Find[*rbacv1.RoleBinding](objects) {
			roles = append(roles, binding.Namespace+"/"+binding.RoleRef.Name)
		}
		slices.Sort(roles)
		return roles
	}
	want := []string{
		"kube-system/extension-apiserver-authentication-reader", "n/n:r-headroom-scheduler:lease", "n/r-headroom-scheduler-forecast",
		"n:r-headroom-scheduler:memory", "system:kube-scheduler", "system:volume-scheduler",
	}
	if diff := cmp.Diff(want, bound("")); diff != "" {
		t.Errorf("bound roles (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[1:], bound("rbac: {authenticationReader: false}")); diff != "" {
		t.Errorf("without a binding in kube-system (-want +got):\n%s", diff)
	}
}
