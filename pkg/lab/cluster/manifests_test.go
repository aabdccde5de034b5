// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestObjectsOfTheManifestsHaveTheResourcesTheyAreCreatedAs(t *testing.T) {
	want := map[string]string{
		"ClusterRole":        "clusterroles",
		"ClusterRoleBinding": "clusterrolebindings",
		"RoleBinding":        "rolebindings",
		"Service":            "services",
		"APIService":         "apiservices",
	}
	got := map[string]string{}
	for _, name := range []string{"rbac.yaml", "metrics-api.yaml"} {
		objects, err := readManifest(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects {
			resource, _ := meta.UnsafeGuessKindToResource(object.GroupVersionKind())
			got[object.GetKind()] = resource.Resource
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
}

func TestFillMetricsAPISetsPortAndAuthority(t *testing.T) {
	f := files{dir: t.TempDir()}
	if err := writeKeyPair(keyPair{certificate: []byte("the authority")}, f.authority(), f.dir+"/key"); err != nil {
		t.Fatal(err)
	}
	fill, err := fillMetricsAPI(1234, f.authority())
	if err != nil {
		t.Fatal(err)
	}
	objects, err := readManifest("metrics-api.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	for _, object := range objects {
		if err := fill(object); err != nil {
			t.Fatal(err)
		}
		got[object.GetKind()] = object.Object["spec"]
	}
	want := map[string]any{
		"Service": map[string]any{
			"type": "ExternalName", "externalName": "localhost",
			"ports": []any{map[string]any{"name": "https", "protocol": "TCP", "port": int64(1234)}},
		},
		"APIService": map[string]any{
			"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": int64(100), "versionPriority": int64(100),
			"caBundle": "dGhlIGF1dGhvcml0eQ==",
			"service":  map[string]any{"name": "metrics-server", "namespace": "kube-system", "port": int64(1234)},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if err := fill(&unstructured.Unstructured{Object: map[string]any{"kind": "Secret"}}); err == nil || !strings.Contains(err.Error(), "Secret") {
		t.Errorf("error %v for another kind, want one that names it", err)
	}
}

func TestKWOKHasNoHeartbeatThatWouldOverwriteConditions(t *testing.T) {
	config, err := kwokConfig()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"name: node-initialize", "name: pod-ready", "name: pod-complete", "name: pod-stop", "name: pod-remove"} {
		if count := strings.Count(string(config), want+"\n"); count != 1 {
			t.Errorf("%q occurs %d times, want 1", want, count)
		}
	}
	if strings.Contains(string(config), "heartbeat-with-lease") {
		t.Error("the heartbeat stage is in the configuration")
	}
}
