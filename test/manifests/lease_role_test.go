// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	schedulerscheme "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
)

// The built-in role of kube-scheduler lets any lease be created, and only its own be renewed (k8s.io/kubernetes
// plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go): whoever runs a shipped file outside of the chart needs the other one.
func TestTheRoleOfTheLeaseIsForEveryShippedFile(t *testing.T) {
	text, err := os.ReadFile(repository + "/config/rbac-lease.yaml")
	if err != nil {
		t.Fatal(err)
	}
	objects, err := Decode(string(text))
	if err != nil {
		t.Fatal(err)
	}
	role, binding := Find[*rbacv1.Role](objects)[0], Find[*rbacv1.RoleBinding](objects)[0]
	if binding.RoleRef.Name != role.Name || binding.Namespace != role.Namespace {
		t.Errorf("the binding is of %s in %s, want %s in %s", binding.RoleRef.Name, binding.Namespace, role.Name, role.Namespace)
	}
	want := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "system:kube-scheduler"}}
	if !slices.Equal(binding.Subjects, want) {
		t.Errorf("bound to %v, want %v", binding.Subjects, want)
	}
	files, err := filepath.Glob(repository + "/config/scheduler-config*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d files (%v), want those that are shipped", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		decoded, _, err := schedulerscheme.Codecs.UniversalDecoder().Decode(text, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		election := decoded.(*schedulerconfig.KubeSchedulerConfiguration).LeaderElection
		if election.ResourceName != "kube-scheduler" && (role.Namespace != election.ResourceNamespace || !renews(role, election.ResourceName)) {
			t.Errorf("%s: no right to renew the lease %s/%s", filepath.Base(file), election.ResourceNamespace, election.ResourceName)
		}
	}
}

// renews reports whether a role lets a lease be renewed.
func renews(role *rbacv1.Role, lease string) bool {
	return slices.ContainsFunc(role.Rules, func(rule rbacv1.PolicyRule) bool {
		return slices.Contains(rule.Resources, "leases") && slices.Contains(rule.ResourceNames, lease) &&
			slices.Contains(rule.Verbs, "get") && slices.Contains(rule.Verbs, "update")
	})
}
