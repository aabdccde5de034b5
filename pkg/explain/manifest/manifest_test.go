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
	), nil)
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
		{"an indentation that cannot be", "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n   image: b\n", "line 5: "},
		{"one behind a licence", "# Copyright\n---\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n   image: b\n", "line 7: "},
		{"one behind an empty document", "---\n---\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n   image: b\n", "line 7: "},
		{"comments alone", "# a pod\n---\n# or two\n", "0 objects, want one"},
		{"an object of somebody else", "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: web}\n", "it is a Rollout of argoproj.io/v1alpha1, want a Pod"},
		{"a field that there is not", "apiVersion: v1\nkind: Pod\nspec: {nodeSelectr: {disk: ssd}, containers: [{name: a}]}\n", `unknown field "spec.nodeSelectr"`},
		{"a field of another indentation", "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, tolerations: []}]}\n", `unknown field "spec.containers[0].tolerations"`},
		{"a field twice", "apiVersion: v1\nkind: Pod\nspec:\n  nodeName: a\n  nodeName: b\n  containers: [{name: a}]\n", `"nodeName" already set`},
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
	if err := found.Admit(t.Context(), fake.NewClientset(), nil); err == nil || !strings.Contains(err.Error(), `no priority class "high"`) {
		t.Errorf("error %v, want one that names the class", err)
	}
}

// What helm and editors leave before and behind an object is no object.
func TestReadPassesOverCommentsAndEmptyDocuments(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: main}]}\n"
	for _, text := range []string{
		"# Copyright\n---\n" + pod, "---\n# Source: web.yaml\n" + pod, pod + "---\n", pod + "---\n# the end\n", "\n---\n---\n" + pod,
		strings.ReplaceAll("# Copyright\n---\n"+pod+"---\n", "\n", "\r\n"), `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [{"name": "main"}]}}`,
	} {
		found, err := manifest.Read([]byte(text), "default")
		if err != nil || found.Pod.Name != "web" {
			t.Errorf("%q: %v, want the pod web", text, err)
		}
	}
}

// The file may be what kubectl get -o yaml printed of a pod that has ended.
func TestReadMakesANewPodOfOneThatWas(t *testing.T) {
	found, err := manifest.Read([]byte(`
apiVersion: v1
kind: Pod
metadata: {name: web, uid: "1", resourceVersion: "7", creationTimestamp: "2026-03-02T11:00:00Z", deletionTimestamp: "2026-03-02T12:00:00Z"}
spec: {nodeName: a, containers: [{name: main}]}
status: {phase: Failed, reason: Evicted, nominatedNodeName: b}
`), "default")
	if err != nil {
		t.Fatal(err)
	}
	pod := found.Pod
	if pod.UID != "" || pod.ResourceVersion != "" || !pod.CreationTimestamp.IsZero() || pod.DeletionTimestamp != nil || pod.Status.Reason != "" || pod.Status.NominatedNodeName != "" {
		t.Errorf("it keeps %+v and %+v", pod.ObjectMeta, pod.Status)
	}
	if pod.Spec.NodeName != "a" || pod.Name != "web" {
		t.Errorf("pod %s on %q, want web on a: the API server leaves these as they are", pod.Name, pod.Spec.NodeName)
	}
}

func TestAJobRunsNoMorePodsThanAreToComplete(t *testing.T) {
	const template = "template: {spec: {containers: [{name: main}]}}"
	for _, test := range []struct {
		name, text string
		want       int
	}{
		{"a Job", "apiVersion: batch/v1\nkind: Job\nspec: {parallelism: 10, completions: 3, " + template + "}\n", 3},
		{"one of a queue", "apiVersion: batch/v1\nkind: Job\nspec: {parallelism: 10, " + template + "}\n", 10},
		{"one after another", "apiVersion: batch/v1\nkind: Job\nspec: {completions: 10, " + template + "}\n", 1},
		{"a CronJob", "apiVersion: batch/v1\nkind: CronJob\nspec: {jobTemplate: {spec: {parallelism: 4, completions: 2, " + template + "}}}\n", 2},
	} {
		if found, err := manifest.Read([]byte(test.text), "default"); err != nil || found.Replicas != test.want {
			t.Errorf("%s: %+v, %v, want %d at once", test.name, found, err, test.want)
		}
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
