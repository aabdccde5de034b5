// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	shipped "github.com/headroom-dev/headroom/config"
	"github.com/headroom-dev/headroom/pkg/explain/manifest"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
)

// owned makes a pod one of a ReplicaSet's.
func owned(pod *corev1.Pod) {
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "api-5d8f", Controller: new(true)}}
	pod.Labels = map[string]string{"pod-template-hash": "5d8f"}
}

// learned is a ConfigMap that says that pods of the workload held 3 GiB for an hour, as of so long ago.
func learned(t *testing.T, of *corev1.Pod, age time.Duration) *corev1.ConfigMap {
	t.Helper()
	learner := forecast.NewLearner(forecast.Prior{})
	learner.Begin(noon.Add(-age))
	learner.Observe(forecast.WorkloadOf(of), 3<<30, time.Hour)
	data, kept, err := forecast.Encode(learner.Records(), noon.Add(-age))
	if err != nil || kept != 1 {
		t.Fatalf("%d workloads kept, %v", kept, err)
	}
	return checkpoint("kube-system", data)
}

func checkpoint(namespace string, data []byte) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "headroom-forecast"},
		BinaryData: map[string][]byte{memory.CheckpointKey: data},
	}
}

// What the scheduler has learned of a workload decides where its next pod goes, here as there.
func TestAnswersRestOnWhatTheSchedulerHasLearned(t *testing.T) {
	for _, test := range []struct {
		file      string
		arguments []string
		code      int
	}{
		{"learned-explain.txt", []string{"explain", "asked"}, codeYes},
		{"learned-nodes.txt", []string{"nodes", "web-2"}, codeYes},
		{"learned-victims.txt", []string{"victims", "web-2"}, codeYes},
	} {
		t.Run(test.file, func(t *testing.T) {
			s := newShop()
			asked := pod("asked", "1Gi", owned)
			s.objects = append(s.objects, asked, learned(t, asked, 4*time.Minute))
			s.running("web-2", "100Mi", pod("api", "1Gi", owned))
			stdout, stderr, code := s.run(t, test.arguments...)
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			wantNarrow(t, stdout)
			wantGolden(t, test.file, answer(test.arguments, stdout, stderr, code))
		})
	}
}

// What is lost without a checkpoint is said in one line, and everything else is told as ever.
func TestItIsSaidWhatIsLostWithoutACheckpoint(t *testing.T) {
	const without = "learned    only what the last sample shows: "
	forbidden := func(client *fake.Clientset) {
		client.PrependReactor("get", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(corev1.Resource("configmaps"), "headroom-forecast", nil)
		})
	}
	for _, test := range []struct {
		name   string
		shop   func(*shop)
		config string // "": the shipped one
		want   string
	}{
		{"there is none", nil, "", without + "there is no ConfigMap kube-system/headroom-forecast, which the scheduler writes every 5m once it was asked about a pod"},
		{"it may not be read", func(s *shop) { s.react = forbidden }, "", without + "no permission to get ConfigMap kube-system/headroom-forecast, so what the scheduler has learned of workloads is lost"},
		{"it is no checkpoint", func(s *shop) { s.objects = append(s.objects, checkpoint("kube-system", []byte("nonsense"))) }, "", "cannot be used, so what the scheduler has learned of workloads is lost: checkpoint: not compressed by gzip"},
		{"it was never written", func(s *shop) {
			empty := checkpoint("kube-system", nil)
			empty.BinaryData = nil
			s.objects = append(s.objects, empty)
		}, "", without + "ConfigMap kube-system/headroom-forecast has no key learned.json.gz yet"},
		{"it is old", func(s *shop) { s.objects = append(s.objects, learned(t, pod("asked", "1Gi", owned), time.Hour)) }, "",
			"of 1 workload, as the scheduler wrote it down 60m ago (ConfigMap kube-system/headroom-forecast), and what the last sample shows; it is to be written every 5m: the scheduler does not run, or may not write it"},
		{"none is kept", nil, "checkpoint: {enabled: false}", without + "the profile keeps no checkpoint"},
		{"it has another name", nil, "checkpoint: {namespace: elsewhere, name: other}", without + "there is no ConfigMap elsewhere/other"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newShop()
			if test.shop != nil {
				test.shop(s)
			}
			arguments := []string{"nodes", "-o", "wide"}
			if test.config != "" {
				arguments = append(arguments, "--config", configFile(t, test.config))
			}
			stdout, stderr, code := s.run(t, arguments...)
			if code != codeYes || stderr != "" || !strings.Contains(stdout, test.want) || !strings.Contains(stdout, "web-1") {
				t.Errorf("exit code %d, standard error %q, standard output without %q:\n%s", code, stderr, test.want, stdout)
			}
		})
	}
}

// A checkpoint of no namespace is where the scheduler is: where its ConfigMap is, or else its pods.
func TestTheCheckpointIsLookedForWhereTheSchedulerIs(t *testing.T) {
	labels := map[string]string{"app.kubernetes.io/name": "headroom-scheduler"}
	for name, object := range map[string]runtime.Object{
		"by its ConfigMap": &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: "scheduling", Name: "headroom", Labels: labels},
			Data:       map[string]string{"scheduler-config.yaml": string(shipped.SchedulerConfig)},
		},
		"by its pods": pod("headroom-0", "", func(pod *corev1.Pod) { pod.Namespace, pod.Labels = "scheduling", labels }),
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop()
			s.objects = append(s.objects, object)
			if stdout, _, _ := s.run(t, "nodes", "-o", "wide"); !strings.Contains(stdout, "there is no ConfigMap scheduling/headroom-forecast") {
				t.Errorf("it is looked for elsewhere:\n%s", stdout)
			}
		})
	}
}

// A Deployment in a file is the workload that runs already, as it is or as another revision of it.
func TestWhatWasLearnedOfADeploymentCountsForItsFile(t *testing.T) {
	const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  replicas: 2\n  selector: {matchLabels: {app: api}}\n" +
		"  template:\n    metadata: {labels: {app: api}}\n    spec:\n      schedulerName: headroom-scheduler\n" +
		"      containers: [{name: main, image: \"api:v1\", resources: {requests: {memory: 1Gi}}}]\n"
	runs, err := manifest.Read([]byte(deployment), "default")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, text, want string
	}{
		{"as it runs", deployment, "asks for   3Gi of memory firmly, 3.5Gi at its peak (siblings)"},
		{"a new image", strings.ReplaceAll(deployment, "api:v1", "api:v2"), "asks for   1Gi of memory firmly, 3.5Gi at its peak (earlier revision)"},
		{"another Deployment", strings.ReplaceAll(deployment, "name: api}", "name: web}"), "asks for   1Gi of memory firmly, 1Gi at its peak (request)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newShop()
			s.objects = append(s.objects, learned(t, runs.Pod, time.Minute))
			path := filepath.Join(t.TempDir(), "api.yaml")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if stdout, stderr, _ := s.run(t, "explain", "-f", path); !strings.Contains(stdout, test.want) {
				t.Errorf("want %q in\n%s%s", test.want, stdout, stderr)
			}
		})
	}
}

// Pods of a StatefulSet and a DaemonSet are labelled with a revision that no file has: that of a pod which runs the same is taken.
func TestWhatWasLearnedOfARevisionCountsForAFileOfTheSame(t *testing.T) {
	for _, kind := range []string{"StatefulSet", "DaemonSet"} {
		for _, test := range []struct {
			name, image, want string
		}{
			{"as it runs", "db:v1", "asks for   3Gi of memory firmly, 3.5Gi at its peak (siblings)"},
			{"a new image", "db:v2", "asks for   1Gi of memory firmly, 3.5Gi at its peak (earlier revision)"},
		} {
			t.Run(kind+" "+test.name, func(t *testing.T) {
				runs := pod("db-0", "1Gi", func(pod *corev1.Pod) {
					pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: "db", Controller: new(true)}}
					pod.Labels = map[string]string{"controller-revision-hash": "db-6f7"}
					pod.Spec.Containers[0].Image = "db:v1"
				})
				s := newShop()
				s.running("web-3", "3Gi", runs)
				s.objects = append(s.objects, learned(t, runs, time.Minute))
				path := filepath.Join(t.TempDir(), "db.yaml")
				text := "apiVersion: apps/v1\nkind: " + kind + "\nmetadata: {name: db}\nspec:\n  selector: {matchLabels: {app: db}}\n" +
					"  template:\n    metadata: {labels: {app: db}}\n    spec:\n      schedulerName: headroom-scheduler\n" +
					"      containers: [{name: main, image: \"" + test.image + "\", resources: {requests: {memory: 1Gi}}}]\n"
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if stdout, stderr, _ := s.run(t, "explain", "-f", path); !strings.Contains(stdout, test.want) {
					t.Errorf("want %q in\n%s%s", test.want, stdout, stderr)
				}
			})
		}
	}
}
