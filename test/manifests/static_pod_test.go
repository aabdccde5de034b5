// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"os"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	schedulerscheme "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
)

// A static pod runs as the user system:kube-scheduler in kube-system, with a configuration that names no checkpoint.
func TestTheStaticPodMayKeepWhatItLearned(t *testing.T) {
	read := func(path string) string {
		text, err := os.ReadFile(repository + "/" + path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	decoded, _, err := schedulerscheme.Codecs.UniversalDecoder().Decode([]byte(read("config/scheduler-config-replace.yaml")), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	pods, err := Decode(read("manifests/examples/static-pod.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	roles, err := Decode(read("config/rbac-forecast.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	namespace := Find[*corev1.Pod](pods)[0].Namespace
	for _, problem := range checkpointProblems(t, decoded.(*schedulerconfig.KubeSchedulerConfiguration), namespace, roles) {
		t.Error(problem)
	}
	want := rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "system:kube-scheduler"}
	if got := Find[*rbacv1.RoleBinding](roles)[0].Subjects; !slices.Equal(got, []rbacv1.Subject{want}) {
		t.Errorf("bound to %v, want %v", got, want)
	}
}
