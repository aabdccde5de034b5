// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/explain/manifest"
)

// template has what the API server gives another form, or adds to: quantities, a service account, ports, probes, volumes.
const template = `
  template:
    metadata: {labels: {app: web}, annotations: {a: b}}
    spec:
      serviceAccountName: default
      volumes: [{name: scratch, emptyDir: {}}, {name: cm, configMap: {name: x, optional: true}}]
      containers:
      - name: main
        image: web:v1
        ports: [{containerPort: 80}]
        env: [{name: A, value: b}, {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
        readinessProbe: {httpGet: {path: /, port: 80}}
        resources: {requests: {memory: 100Mi, cpu: 0.5}, limits: {memory: 0.5Gi}}
`

func TestThePodIsThatOfItsController(t *testing.T) {
	selector := "  selector: {matchLabels: {app: web}}"
	for _, test := range []struct {
		name, manifest string
		owner, hash    string
		note           string
	}{
		// The name is what a control plane of Kubernetes 1.37.2 was seen to give the ReplicaSet of this Deployment.
		{"a Deployment", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n" + selector + template, "ReplicaSet web-69474f5b6c", "69474f5b6c", ""},
		{"a Deployment without a name", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {generateName: web-}\nspec:\n" + selector + template, "", "", ""},
		{"a ReplicaSet", "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: web-1}\nspec:\n" + selector + template, "ReplicaSet web-1", "", ""},
		{"a ReplicationController", "apiVersion: v1\nkind: ReplicationController\nmetadata: {name: web}\nspec:\n  selector: {app: web}" + template, "ReplicationController web", "", ""},
		{"a StatefulSet", "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: web}\nspec:\n" + selector + template, "StatefulSet web", "", ""},
		{
			"a StatefulSet with claims", "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: web}\nspec:\n" + selector +
				"\n  volumeClaimTemplates: [{metadata: {name: data}}, {metadata: {name: log}}]" + template,
			"StatefulSet web", "", "for each pod (data, log) are not looked at",
		},
		{"a DaemonSet", "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: web}\nspec:\n" + selector + template, "DaemonSet web", "", "one pod for each node"},
		{"a Job", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: web}\nspec:" + template, "Job web", "", ""},
		{"a CronJob", "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: web}\nspec:\n  jobTemplate:\n    spec:" + strings.ReplaceAll(template, "\n", "\n    "), "Job web", "", ""},
		{"a Pod", "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: main, image: web}]}", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, err := manifest.Read([]byte(test.manifest), "default")
			if err != nil {
				t.Fatal(err)
			}
			owner := ""
			if of := metav1.GetControllerOf(found.Pod); of != nil {
				owner = of.Kind + " " + of.Name
			}
			if diff := cmp.Diff([]string{test.owner, test.hash}, []string{owner, found.Pod.Labels["pod-template-hash"]}); diff != "" {
				t.Errorf("owner and hash of the template (-want +got):\n%s", diff)
			}
			if notes := strings.Join(found.Notes, "; "); !strings.Contains(notes, test.note) || (test.note == "") != (notes == "") {
				t.Errorf("notes %q, want %q", notes, test.note)
			}
		})
	}
}

// By the labels that the API server writes into the template of a Job (k8s.io/kubernetes pkg/registry/batch/job/strategy.go), its pods are
// kept apart, or together.
func TestAPodOfAJobHasItsLabels(t *testing.T) {
	labels := func(of string) map[string]string {
		const unknown = "00000000-0000-0000-0000-000000000000"
		return map[string]string{"app": "web", "job-name": of, "batch.kubernetes.io/job-name": of, "controller-uid": unknown, "batch.kubernetes.io/controller-uid": unknown}
	}
	const head = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: web}\nspec:"
	for _, test := range []struct {
		name, manifest string
		want           map[string]string
	}{
		{"a Job", head + template, labels("web")},
		{"one that says its own", head + strings.ReplaceAll(template, "app: web", "app: web, job-name: mine"), func() map[string]string {
			want := labels("web")
			want["job-name"] = "mine"
			return want
		}()},
		{"one with a selector of its own", head + "\n  manualSelector: true\n  selector: {matchLabels: {app: web}}" + template, map[string]string{"app": "web"}},
		{"one without a name", "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: web-}\nspec:" + template, map[string]string{"app": "web"}},
	} {
		found, err := manifest.Read([]byte(test.manifest), "default")
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if diff := cmp.Diff(test.want, found.Pod.Labels); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// A DaemonSet's pods go to nodes that are cordoned, and stay on those that are not ready (k8s.io/kubernetes
// pkg/controller/daemon/util/daemonset_util.go).
func TestAPodOfADaemonSetHasItsTolerations(t *testing.T) {
	found, err := manifest.Read([]byte("apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}"+template), "default")
	if err != nil {
		t.Fatal(err)
	}
	cordon := corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
	for i := range found.Pod.Spec.Tolerations {
		if toleration := &found.Pod.Spec.Tolerations[i]; toleration.Key == cordon.Key && toleration.Effect == cordon.Effect {
			return
		}
	}
	t.Errorf("tolerations %v, want one of %s", found.Pod.Spec.Tolerations, cordon.ToString())
}
