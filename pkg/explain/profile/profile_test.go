// SPDX-License-Identifier: Apache-2.0

package profile_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	shipped "github.com/headroom-dev/headroom/config"
	"github.com/headroom-dev/headroom/pkg/explain/profile"
)

func configMap(namespace, text string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "scheduler", Labels: map[string]string{profile.Label: profile.Value}},
		Data:       map[string]string{profile.Key: text},
	}
}

const other = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles: [{schedulerName: other}]\n"

const own = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles: [{schedulerName: own}]\n"

func TestTheConfigurationIsThatOfTheRunningScheduler(t *testing.T) {
	forbidden := func(client *fake.Clientset, namespaces ...string) {
		client.PrependReactor("list", "configmaps", func(action clienttesting.Action) (bool, runtime.Object, error) {
			if slices.Contains(namespaces, action.GetNamespace()) {
				return true, nil, apierrors.NewForbidden(corev1.Resource("configmaps"), "", nil)
			}
			return false, nil, nil
		})
	}
	for _, test := range []struct {
		name      string
		objects   []runtime.Object
		wanted    string // scheduler
		forbidden []string
		origin    string
		names     []string
		doubt     string
	}{
		{"its ConfigMap", []runtime.Object{configMap("headroom", own)}, "", nil, "ConfigMap headroom/scheduler", []string{"own"}, ""},
		{"all of several", []runtime.Object{configMap("a", own), configMap("b", other), configMap("c", other), configMap("d", "kind: nothing")}, profile.Every, nil,
			"ConfigMap a/scheduler, ConfigMap b/scheduler, ConfigMap c/scheduler", []string{"own", "other"}, "what is in ConfigMap d/scheduler cannot be read"},
		{"all of several, of which the first cannot be read", []runtime.Object{configMap("a", "kind: nothing"), configMap("b", other)}, profile.Every, nil,
			"ConfigMap b/scheduler", []string{"other"}, "what is in ConfigMap a/scheduler cannot be read"},
		{"all of several that can be read", []runtime.Object{configMap("a", own), configMap("b", other)}, profile.Every, nil,
			"ConfigMap a/scheduler, ConfigMap b/scheduler", []string{"own", "other"}, ""},
		{"several, of which one has the scheduler", []runtime.Object{configMap("a", own), configMap("b", other)}, "other", nil, "ConfigMap b/scheduler", []string{"other"}, ""},
		{"several, of which the first has the scheduler", []runtime.Object{configMap("a", own), configMap("b", other)}, "own", nil, "ConfigMap a/scheduler", []string{"own"}, ""},
		{"several, of which none has the scheduler", []runtime.Object{configMap("a", own), configMap("b", other)}, "third", nil, "ConfigMap a/scheduler", []string{"own"}, "there are 2"},
		{"several", []runtime.Object{configMap("b", own), configMap("a", own)}, "", nil, "ConfigMap a/scheduler", []string{"own"}, "there are 2"},
		{"none", nil, "", nil, "the shipped profile", []string{"headroom-scheduler"}, "no ConfigMap"},
		{"kube-system only", []runtime.Object{configMap("kube-system", own)}, "", []string{""}, "ConfigMap kube-system/scheduler", []string{"own"}, ""},
		{"forbidden", []runtime.Object{configMap("headroom", own)}, "", []string{"", "kube-system"}, "the shipped profile", []string{"headroom-scheduler"}, "no permission"},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := fake.NewClientset(test.objects...)
			forbidden(client, test.forbidden...)
			got, err := profile.OfCluster(t.Context(), client, test.wanted)
			if err != nil {
				t.Fatal(err)
			}
			if got.Origin != test.origin || !strings.Contains(got.Doubt, test.doubt) || (test.doubt == "") != (got.Doubt == "") {
				t.Errorf("origin %q, doubt %q; want %q, %q", got.Origin, got.Doubt, test.origin, test.doubt)
			}
			if diff := cmp.Diff(test.names, got.Names()); diff != "" {
				t.Errorf("schedulers (-want +got):\n%s", diff)
			}
		})
	}
	client := fake.NewClientset(configMap("headroom", "kind: nothing"))
	if _, err := profile.OfCluster(t.Context(), client, ""); err == nil || !strings.Contains(err.Error(), "ConfigMap headroom/scheduler, scheduler-config.yaml") {
		t.Errorf("error %v, want one that names the ConfigMap and its key", err)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"NodeAffinity", "NodeName", "HeadroomMemory"}
	for written, want := range map[string]string{
		"HeadroomMemry": "HeadroomMemory", "nodename": "NodeName", "NodeAffinty": "NodeAffinity", "Coscheduling": "", "": "",
	} {
		if got := profile.Nearest(written, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", written, got, want)
		}
	}
}

func FuzzValidate(f *testing.F) {
	f.Add(string(shipped.SchedulerConfig))
	f.Add(own)
	f.Add("apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles: [{pluginConfig: [{name: X}]}]\n")
	f.Add("a: [")
	f.Fuzz(func(t *testing.T, text string) {
		configuration, problems := profile.Validate([]byte(text))
		if configuration == nil && len(problems) == 0 {
			t.Errorf("it is no configuration, and nothing is wrong with it: %q", text)
		}
		for _, problem := range problems {
			if problem.Text == "" || problem.Line < 0 {
				t.Errorf("a problem without words: %+v", problem)
			}
		}
	})
}
