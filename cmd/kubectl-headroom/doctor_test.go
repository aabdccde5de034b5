// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	shipped "github.com/headroom-dev/headroom/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
)

// healthy is the shop with a scheduler that runs, whose configuration is in its ConfigMap, and known thresholds.
func healthy(t *testing.T) *shop {
	t.Helper()
	s := newShop()
	known := learned(t, pod("cart", "512Mi"), time.Minute)
	known.Namespace = "headroom-system"
	s.objects = append(s.objects, known)
	s.objects = append(s.objects,
		&corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: "headroom-system", Name: "headroom", Labels: map[string]string{"app.kubernetes.io/name": "headroom-scheduler"}},
			Data:       map[string]string{"scheduler-config.yaml": string(shipped.SchedulerConfig)},
		},
		&coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "headroom-scheduler"},
			Spec:       coordinationv1.LeaseSpec{HolderIdentity: new("headroom-0"), RenewTime: new(metav1.NewMicroTime(noon.Add(-3 * time.Second)))},
		})
	for _, object := range s.objects {
		if node, ok := object.(*corev1.Node); ok {
			node.Annotations = map[string]string{threshold.EvictionHardAnnotation: "100Mi"}
		}
	}
	return s
}

// sick is the shop with one of everything that goes wrong.
func sick() *shop {
	s := newShop()
	s.node("silent-1", "", nil)
	s.node("silent-2", "", nil)
	s.node("odd-1", "1Gi", nil, func(node *corev1.Node) {
		node.Annotations = map[string]string{threshold.EvictionHardAnnotation: "some"}
		node.Status.NodeInfo.KubeletVersion = "v1.30.1"
	})
	ahead := s.samples.Nodes["web-3"]
	ahead.Time = noon.Add(10 * time.Minute)
	s.samples.Nodes["web-3"] = ahead
	s.samples.RefusedCount = map[sample.Reason]int{sample.ReasonNegative: 2, sample.ReasonDuplicate: 1}
	s.running("web-2", "100Mi", pod("theirs", "100Mi", func(pod *corev1.Pod) { pod.Spec.SchedulerName = "default-scheduler" }))
	s.running("web-2", "100Mi", pod("pinned", "100Mi", func(pod *corev1.Pod) {
		pod.ManagedFields = []metav1.ManagedFieldsEntry{{FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:nodeName":{}}}`)}}
	}))
	s.objects = append(s.objects,
		pod("lost", "1Gi", func(pod *corev1.Pod) { pod.Spec.SchedulerName, pod.Status.Conditions = "headrom-scheduler", nil }),
		pod("boast-1", "1Gi", func(pod *corev1.Pod) { pod.Annotations = map[string]string{forecast.PeakAnnotation: "a lot"} }),
		pod("boast-2", "1Gi", func(pod *corev1.Pod) { pod.Annotations = map[string]string{forecast.PeakAnnotation: "a lot"} }),
		pod("shy", "1Gi", func(pod *corev1.Pod) { pod.Annotations = map[string]string{memory.FilterAnnotation: "off"} }))
	return s
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		file string
		shop *shop
		want int
	}{{"doctor-healthy", healthy(t), codeYes}, {"doctor-sick", sick(), codeNo}} {
		t.Run(test.file, func(t *testing.T) {
			arguments := []string{"doctor"}
			stdout, stderr, code := test.shop.run(t, arguments...)
			if code != test.want {
				t.Errorf("exit code %d, want %d", code, test.want)
			}
			wantNarrow(t, stdout)
			wantGolden(t, test.file+".txt", answer(arguments, stdout, stderr, code))
			stdout, _, _ = test.shop.run(t, "doctor", "-o", "json")
			wantGolden(t, test.file+".json", stdout)
		})
	}
}

// No scheduler tries a pod that is being deleted, or whose claims are not there.
func TestDoctorMissesNoSchedulerForPodsThatNobodyIsToTry(t *testing.T) {
	s := healthy(t)
	untried := func(change func(*corev1.Pod)) func(*corev1.Pod) {
		return func(pod *corev1.Pod) { pod.Status.Conditions = nil; change(pod) }
	}
	s.objects = append(s.objects,
		pod("leaving", "1Gi", untried(func(pod *corev1.Pod) {
			pod.DeletionTimestamp, pod.Finalizers = new(metav1.NewTime(noon)), []string{"example.com/wait"}
		})),
		pod("claiming", "1Gi", untried(func(pod *corev1.Pod) {
			pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: new("shared")}}
		})))
	if stdout, _, code := s.run(t, "doctor"); code != codeYes || strings.Contains(stdout, "no scheduler has tried") {
		t.Errorf("exit code %d and\n%s", code, stdout)
	}
}

// A configuration that cannot be read is a finding, not an end.
func TestDoctorSaysThatTheConfigurationIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte("apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofile: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, _, code := newShop().run(t, "doctor", "--config", file)
	if code != codeNo || !strings.Contains(stdout, "WRONG  configuration:") {
		t.Errorf("exit code %d and\n%s", code, stdout)
	}
}

// running is the healthy shop with another configuration in the scheduler's ConfigMap.
func running(t *testing.T, configuration string) *shop {
	t.Helper()
	s := healthy(t)
	for _, object := range s.objects {
		if configMap, ok := object.(*corev1.ConfigMap); ok && configMap.Name == "headroom" {
			configMap.Data["scheduler-config.yaml"] = configuration
		}
	}
	return s
}

const kindOfConfiguration = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nleaderElection: {resourceName: headroom-scheduler}\n"

// What no scheduler starts with is told by line, and not as an error of the cluster's.
func TestDoctorLooksAtTheConfigurationThatRuns(t *testing.T) {
	for _, test := range []struct {
		name, configuration, want string
		code                      int
	}{
		{"arguments that are refused", kindOfConfiguration + "profiles:\n- plugins: {multiPoint: {enabled: [{name: HeadroomMemory}]}}\n  pluginConfig:\n  - name: HeadroomMemory\n    args: {freshFor: 1s}\n",
			"WRONG  configuration: ConfigMap headroom-system/headroom:8: profiles[0].pluginConfig[0].args.freshFor: ", codeNo},
		{"a plugin that is not there", kindOfConfiguration + "profiles:\n- plugins: {multiPoint: {enabled: [{name: HeadroomMemori}]}}\n",
			"WRONG  configuration: ConfigMap headroom-system/headroom:5: ", codeNo},
		{"twins", kindOfConfiguration + "profiles:\n- plugins: {multiPoint: {enabled: [{name: HeadroomMemory}, {name: HeadroomNodeAffinity}]}}\n",
			"mind   configuration: ConfigMap headroom-system/headroom", codeYes},
		{"no memory", kindOfConfiguration, "WRONG  samples: no profile of the configuration has HeadroomMemory, so no memory is counted fix: enable HeadroomMemory in a profile", codeNo},
	} {
		t.Run(test.name, func(t *testing.T) {
			stdout, _, code := running(t, test.configuration).run(t, "doctor")
			if got := strings.Join(strings.Fields(stdout), " "); code != test.code || !strings.Contains(got, strings.Join(strings.Fields(test.want), " ")) {
				t.Errorf("exit code %d, want %d, and %q in\n%s", code, test.code, test.want, stdout)
			}
			if strings.Contains(stdout, "install metrics-server") || strings.Contains(stdout, "cluster:") {
				t.Errorf("the configuration is not all that is blamed:\n%s", stdout)
			}
		})
	}
}

// The profiles of one configuration are one scheduler: it knows what it gave away under its other names.
func TestDoctorTakesOneSchedulerWithTwoNamesForOne(t *testing.T) {
	theirs := pod("theirs", "100Mi", func(pod *corev1.Pod) { pod.Spec.SchedulerName = corev1.DefaultSchedulerName })
	for _, test := range []struct {
		name, configuration string
		shared              bool
	}{
		{"both names are its own", strings.Replace(string(shipped.SchedulerConfig), "profiles:\n", "profiles:\n- schedulerName: default-scheduler\n  plugins: {queueSort: {enabled: [{name: PrioritySort}]}}\n", 1), false},
		{"another scheduler has one", string(shipped.SchedulerConfig), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := running(t, test.configuration)
			s.running("web-2", "100Mi", theirs.DeepCopy())
			stdout, _, _ := s.run(t, "doctor")
			if got := strings.Contains(stdout, "mind   schedulers: "); got != test.shared {
				t.Errorf("it tells of several schedulers: %t, want %t\n%s", got, test.shared, stdout)
			}
		})
	}
}

func TestConfigValidateNamesLineAndField(t *testing.T) {
	for _, name := range []string{"typos", "unknown-field", "wrong-type", "no-yaml", "good"} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", "config", name+".yaml")
			arguments := []string{"config", "validate", file}
			stdout, stderr, code := newShop().run(t, arguments...)
			wantNarrow(t, stdout)
			wantGolden(t, "config-"+name+".txt", answer(arguments, stdout, stderr, code))
			stdout, _, _ = newShop().run(t, append(arguments, "-o", "json")...)
			wantGolden(t, "config-"+name+".json", stdout)
		})
	}
}

// What is shipped is what is recommended: nothing is to be said of it.
func TestConfigValidateHasNothingAgainstTheShippedFiles(t *testing.T) {
	files, err := filepath.Glob("../../config/scheduler-config*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		stdout, stderr, code := newShop().run(t, "config", "validate", file)
		if code != codeYes || !strings.HasPrefix(stdout, file+" is valid") {
			t.Errorf("%s: exit code %d\n%s%s", file, code, stdout, stderr)
		}
	}
}

func TestCompletionOffersNames(t *testing.T) {
	s := newShop()
	s.objects = append(s.objects, pod("waits", "1Gi"), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}})
	for _, test := range []struct {
		arguments []string
		want      string
	}{
		{[]string{"__complete", "explain", ""}, "waits\n"},
		{[]string{"__complete", "victims", "w"}, "web-1\n"},
		{[]string{"__complete", "no"}, "nodes\t"},
		{[]string{"__complete", "explain", "--node", ""}, "web-1\n"},
		{[]string{"__complete", "explain", "--namespace", ""}, "shop\n"},
		{[]string{"__complete", "nodes", "--output", ""}, "wide\n"},
	} {
		if stdout, stderr, code := s.run(t, test.arguments...); code != codeYes || !strings.Contains(stdout, test.want) {
			t.Errorf("%v: exit code %d, %q, %q; want %q", test.arguments, code, stdout, stderr, test.want)
		}
	}
}

// What the scheduler's own account may do is asked of the API server, if the caller may ask that.
func TestDoctorChecksWhatTheSchedulerMayDo(t *testing.T) {
	answering := func(allowed func(*authorizationv1.ResourceAttributes) bool) func(*fake.Clientset) {
		return func(client *fake.Clientset) {
			client.PrependReactor("create", "subjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
				created, ok := action.(clienttesting.CreateAction)
				if !ok {
					return false, nil, nil
				}
				review, ok := created.GetObject().(*authorizationv1.SubjectAccessReview)
				if !ok || review.Spec.User != "system:serviceaccount:headroom-system:headroom" {
					return true, nil, fmt.Errorf("asked about %v", created.GetObject())
				}
				review.Status.Allowed = allowed(review.Spec.ResourceAttributes)
				return true, review, nil
			})
		}
	}
	forbidden := func(client *fake.Clientset) {
		client.PrependReactor("create", "subjectaccessreviews", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(authorizationv1.Resource("subjectaccessreviews"), "", nil)
		})
	}
	for _, test := range []struct {
		name  string
		react func(*fake.Clientset)
		code  int
		want  string
	}{
		{"all of it", answering(func(*authorizationv1.ResourceAttributes) bool { return true }), codeYes,
			"fine scheduler-permissions: system:serviceaccount:headroom-system:headroom may do what the profile needs"},
		{"no metrics", answering(func(of *authorizationv1.ResourceAttributes) bool {
			return of.Group != "metrics.k8s.io" || of.Resource != "nodes"
		}), codeNo,
			"WRONG scheduler-permissions: system:serviceaccount:headroom-system:headroom may not list nodes.metrics.k8s.io: no memory is measured, and requests decide fix: bind"},
		{"the caller may not ask", forbidden, codeYes, "mind scheduler-permissions: not checked: subjectaccessreviews.authorization.k8s.io is forbidden"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := healthy(t)
			s.react = test.react
			s.running("web-2", "50Mi", pod("headroom-0", "50Mi", func(pod *corev1.Pod) {
				pod.Namespace, pod.Spec.ServiceAccountName = "headroom-system", "headroom"
				pod.Labels = map[string]string{"app.kubernetes.io/name": "headroom-scheduler"}
			}))
			stdout, _, code := s.run(t, "doctor")
			if code != test.code || !strings.Contains(strings.Join(strings.Fields(stdout), " "), test.want) {
				t.Errorf("exit code %d, want %d and %q:\n%s", code, test.code, test.want, stdout)
			}
		})
	}
}

func TestDoctorHasNoAnswerWhereNobodyAnswers(t *testing.T) {
	s := newShop()
	s.react = func(client *fake.Clientset) {
		client.PrependReactor("list", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, errors.New("connection refused")
		})
	}
	stdout, stderr, code := s.run(t, "doctor")
	if code != codeError || stdout != "" || !strings.Contains(stderr, "look for the scheduler's ConfigMap: connection refused") {
		t.Errorf("exit %d, %q, %q; want %d and what was asked", code, stdout, stderr, codeError)
	}
}

// Whoever asks may not read samples, and that says nothing of the scheduler.
func TestDoctorDoesNotBlameTheSourceForAMissingPermission(t *testing.T) {
	for _, refused := range []string{"nodes", "pods"} {
		t.Run(refused, func(t *testing.T) {
			refuses := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
				if strings.HasSuffix(request.URL.Path, "/"+refused) {
					response.WriteHeader(http.StatusForbidden)
					return
				}
				response.Header().Set("Content-Type", "application/json")
				_, _ = response.Write([]byte(`{"kind":"NodeMetricsList","apiVersion":"metrics.k8s.io/v1beta1","items":[]}`))
			}))
			t.Cleanup(refuses.Close)
			s := healthy(t)
			s.unmeasured, s.host = true, refuses.URL
			stdout, _, code := s.run(t, "doctor")
			if code != codeYes {
				t.Errorf("exit code %d, want %d: the scheduler may read what whoever asks may not:\n%s", code, codeYes, stdout)
			}
			if !strings.Contains(stdout, "mind   samples: whoever asks may not read them") || !strings.Contains(stdout, "grant get and list of "+refused+".metrics.k8s.io") || strings.Contains(stdout, "install metrics-server") {
				t.Errorf("want the missing permission and its remedy, and no advice to install what is there:\n%s", stdout)
			}
		})
	}
}

// That whoever asks may not read samples says nothing of the scheduler, which is said not to decide by requests for that.
func TestAMissingPermissionIsNotTakenForMissingSamples(t *testing.T) {
	refuses := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, _ *http.Request) { response.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(refuses.Close)
	for _, command := range [][]string{{"nodes"}, {"explain", "asked"}} {
		s := newShop()
		s.objects = append(s.objects, pod("asked", "1Gi"))
		s.unmeasured, s.host = true, refuses.URL
		stdout, _, _ := s.run(t, command...)
		got := strings.Join(strings.Fields(stdout), " ")
		if !strings.Contains(got, "! without permission to read samples, requests decide here on all nodes; the scheduler") || strings.Contains(got, "too few nodes") {
			t.Errorf("%v does not say that it is for want of a permission:\n%s", command, stdout)
		}
	}
}
