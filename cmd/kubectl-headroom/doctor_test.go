// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	shipped "github.com/headroom-dev/headroom/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

// healthy is the shop with a scheduler that runs, whose configuration is in its ConfigMap, and known thresholds.
func healthy() *shop {
	s := newShop()
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
	s.samples.RefusedCount = map[sample.Reason]int{sample.ReasonNegative: 2}
	s.running("web-2", "100Mi", pod("theirs", "100Mi", func(pod *corev1.Pod) { pod.Spec.SchedulerName = "default-scheduler" }))
	s.running("web-2", "100Mi", pod("pinned", "100Mi", func(pod *corev1.Pod) {
		pod.ManagedFields = []metav1.ManagedFieldsEntry{{FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:nodeName":{}}}`)}}
	}))
	s.objects = append(s.objects,
		pod("lost", "1Gi", func(pod *corev1.Pod) { pod.Spec.SchedulerName, pod.Status.Conditions = "headrom-scheduler", nil }),
		pod("boast", "1Gi", func(pod *corev1.Pod) { pod.Annotations = map[string]string{forecast.PeakAnnotation: "a lot"} }))
	return s
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		file string
		shop *shop
		want int
	}{{"doctor-healthy", healthy(), codeYes}, {"doctor-sick", sick(), codeNo}} {
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
	s.objects = append(s.objects, pod("waits", "1Gi"))
	for _, test := range []struct {
		arguments []string
		want      string
	}{
		{[]string{"__complete", "explain", ""}, "waits\n"},
		{[]string{"__complete", "victims", "w"}, "web-1\n"},
		{[]string{"__complete", "no"}, "nodes\t"},
	} {
		if stdout, stderr, code := s.run(t, test.arguments...); code != codeYes || !strings.Contains(stdout, test.want) {
			t.Errorf("%v: exit code %d, %q, %q; want %q", test.arguments, code, stdout, stderr, test.want)
		}
	}
}
