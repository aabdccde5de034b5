// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	schedulerscheme "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	schedulerv1 "k8s.io/kubernetes/pkg/scheduler/apis/config/v1"

	"github.com/headroom-dev/headroom/pkg/apis/config"
)

// memoryArguments returns the arguments of HeadroomMemory with their defaults, as the framework makes them where a profile
// gives none (k8s.io/kubernetes pkg/scheduler/apis/config/v1/defaults.go, setDefaults_KubeSchedulerProfile).
func memoryArguments(t *testing.T, profile *schedulerconfig.KubeSchedulerProfile) *config.HeadroomMemoryArgs {
	t.Helper()
	for _, plugin := range profile.PluginConfig {
		if plugin.Name == "HeadroomMemory" {
			return plugin.Args.(*config.HeadroomMemoryArgs)
		}
	}
	kind := schedulerv1.SchemeGroupVersion.WithKind("HeadroomMemoryArgs")
	object, _, err := schedulerscheme.Codecs.UniversalDecoder().Decode(nil, &kind, nil)
	if err != nil {
		t.Fatal(err)
	}
	return object.(*config.HeadroomMemoryArgs)
}

// checkpointProblems tells what the roles among objects do not allow of the checkpoint of a configuration, by a scheduler that
// runs in a namespace.
func checkpointProblems(t *testing.T, configuration *schedulerconfig.KubeSchedulerConfiguration, namespace string, objects []runtime.Object) []string {
	t.Helper()
	var problems []string
	for i := range configuration.Profiles {
		checkpoint := memoryArguments(t, &configuration.Profiles[i]).Checkpoint
		where := cmp.Or(checkpoint.Namespace, namespace)
		for verb, name := range map[string]string{"get": checkpoint.Name, "update": checkpoint.Name, "create": ""} {
			if !allowed(objects, where, verb, name) {
				problems = append(problems, fmt.Sprintf("no role in %s allows to %s the ConfigMap %q", where, verb, checkpoint.Name))
			}
		}
	}
	return problems
}

// allowed tells whether a role that is bound allows one verb on a ConfigMap. A request to create has no name.
func allowed(objects []runtime.Object, namespace, verb, name string) bool {
	for _, role := range Find[*rbacv1.Role](objects) {
		bound := slices.ContainsFunc(Find[*rbacv1.RoleBinding](objects), func(binding *rbacv1.RoleBinding) bool {
			return binding.Namespace == role.Namespace && binding.RoleRef.Name == role.Name && len(binding.Subjects) > 0
		})
		for _, rule := range role.Rules {
			named := slices.Contains(rule.ResourceNames, name) || (name == "" && len(rule.ResourceNames) == 0)
			if bound && role.Namespace == namespace && named && slices.Contains(rule.Resources, "configmaps") && slices.Contains(rule.Verbs, verb) {
				return true
			}
		}
	}
	return false
}
