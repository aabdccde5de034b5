// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/headroom-dev/headroom/pkg/explain/manifest"
)

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      priorityClassName: high
      runtimeClassName: sandbox
      containers: [{name: main, image: web, resources: {limits: {memory: 1Gi}}}]
`

func TestReadMakesThePodThatTheAPIServerWould(t *testing.T) {
	found, err := manifest.Read([]byte(deployment), "default")
	if err != nil {
		t.Fatal(err)
	}
	err = found.Admit(t.Context(), fake.NewClientset(
		&schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "high"}, Value: 1000},
		&nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: "sandbox"}, Overhead: &nodev1.Overhead{
			PodFixed: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")},
		}},
	))
	if err != nil {
		t.Fatal(err)
	}
	pod := found.Pod
	if found.Replicas != 3 || pod.Namespace != "shop" || pod.Name != "web" || pod.Labels["app"] != "web" || pod.Spec.SchedulerName != corev1.DefaultSchedulerName {
		t.Errorf("%d of %s/%s with labels %v for %q", found.Replicas, pod.Namespace, pod.Name, pod.Labels, pod.Spec.SchedulerName)
	}
	if request := pod.Spec.Containers[0].Resources.Requests.Memory(); request.String() != "1Gi" {
		t.Errorf("request %s, want the limit, 1Gi", request)
	}
	if *pod.Spec.Priority != 1000 || pod.Spec.Overhead.Memory().String() != "64Mi" {
		t.Errorf("priority %d and overhead %v, want those of the classes", *pod.Spec.Priority, pod.Spec.Overhead)
	}
}

func TestReadSaysWhatItWants(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", "0 objects, want one"},
		{"several", "a: b\n---\nc: d\n", "2 objects, want one"},
		{"another kind", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n", "it is a Service, want a Pod"},
		{"no containers", "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n", "no containers"},
		{"no object", "a: b\n", "Kind"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := manifest.Read([]byte(test.text), "default"); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
	found, err := manifest.Read([]byte(deployment), "default")
	if err != nil {
		t.Fatal(err)
	}
	if err := found.Admit(t.Context(), fake.NewClientset()); err == nil || !strings.Contains(err.Error(), `no priority class "high"`) {
		t.Errorf("error %v, want one that names the class", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(deployment)
	f.Add("apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a}]}\n")
	f.Add("{\"kind\":\"Pod\",\"apiVersion\":\"v1\"}")
	f.Fuzz(func(t *testing.T, text string) {
		if found, err := manifest.Read([]byte(text), "default"); err == nil && (found.Pod == nil || len(found.Pod.Spec.Containers) == 0) {
			t.Errorf("no error, and no pod with containers: %q", text)
		}
	})
}
