// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	schedulerscheme "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/headroom-dev/headroom/test/docs"
)

// build returns what "kubectl kustomize" prints, and its objects.
func build(t *testing.T, overlay string) (string, []runtime.Object) {
	t.Helper()
	return buildFolder(t, filepath.Join(repository, "config", "overlays", overlay))
}

func buildFolder(t *testing.T, folder string) (string, []runtime.Object) {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		t.Fatal(err)
	}
	text, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	objects, err := Decode(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return string(text), objects
}

func TestOverlaysBuildAndDecodeStrictly(t *testing.T) {
	checker, err := docs.NewObjects()
	if err != nil {
		t.Fatal(err)
	}
	own := []string{
		metricsRule, "in headroom-system: get,update /configmaps headroom-forecast", "in headroom-system: create /configmaps",
	}
	for _, test := range []struct {
		overlay, schedulerName, lease string
		rules                         []string
	}{
		{"second", "headroom-scheduler", "headroom-scheduler", append(own, "in kube-system: get,update coordination.k8s.io/leases headroom-scheduler")},
		{"replace", "default-scheduler", "kube-scheduler", own},
	} {
		t.Run(test.overlay, func(t *testing.T) {
			text, objects := build(t, test.overlay)
			for _, problem := range checker.Check(docs.Place{File: "built.yaml", Line: 1}, text) {
				t.Error(problem)
			}
			mounted := Find[*appsv1.Deployment](objects)[0].Spec.Template.Spec.Volumes[0].ConfigMap.Name
			configMaps := Find[*corev1.ConfigMap](objects)
			if len(configMaps) != 1 || configMaps[0].Name != mounted || configMaps[0].Labels["app.kubernetes.io/name"] != "headroom-scheduler" {
				t.Fatalf("ConfigMaps %v, want the labelled one that is mounted, %s", configMaps, mounted)
			}
			object, _, err := schedulerscheme.Codecs.UniversalDecoder().Decode([]byte(configMaps[0].Data["scheduler-config.yaml"]), nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			configuration := object.(*schedulerconfig.KubeSchedulerConfiguration)
			if got := configuration.Profiles[0].SchedulerName; got != test.schedulerName {
				t.Errorf("profile %s, want %s", got, test.schedulerName)
			}
			election := configuration.LeaderElection
			if got := election.ResourceNamespace + "/" + election.ResourceName; got != "kube-system/"+test.lease {
				t.Errorf("lease %s, want kube-system/%s", got, test.lease)
			}
			if diff := cmp.Diff(test.rules, rules(objects), sortStrings); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
			namespace := Find[*appsv1.Deployment](objects)[0].Namespace
			for _, problem := range checkpointProblems(t, configuration, namespace, objects) {
				t.Error(problem)
			}
		})
	}
}

// docs/install.md says what an overlay with a namespace of its own has to name in its configuration.
func TestANamespaceOfAnOverlayTakesTheRoleOfTheLeaseAlong(t *testing.T) {
	shipped, err := filepath.Abs(filepath.Join(repository, "config", "overlays", "second"))
	if err != nil {
		t.Fatal(err)
	}
	folder, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(folder, shipped)
	if err != nil {
		t.Fatal(err)
	}
	overlay := "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: mine\nresources: [" + relative + "]\n"
	if err := os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(overlay), 0o600); err != nil {
		t.Fatal(err)
	}
	_, objects := buildFolder(t, folder)
	for _, role := range Find[*rbacv1.Role](objects) {
		if renews(role, "headroom-scheduler") && role.Namespace == "mine" {
			return
		}
	}
	t.Error("no role in the namespace of the overlay lets the lease headroom-scheduler be renewed there")
}
