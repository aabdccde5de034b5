// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// limitedTo adds a quota of what pods request, of which so much is used.
func limitedTo(used, hard string) func(*shop) {
	return func(s *shop) {
		s.objects = append(s.objects, &corev1.ResourceQuota{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "team"},
			Status: corev1.ResourceQuotaStatus{
				Hard: corev1.ResourceList{corev1.ResourceRequestsMemory: resource.MustParse(hard)},
				Used: corev1.ResourceList{corev1.ResourceRequestsMemory: resource.MustParse(used)},
			},
		})
	}
}

// A pod that the API server does not take fits no node, however much room there is.
func TestAQuotaDecidesBeforeAnyNode(t *testing.T) {
	const manifest = "testdata/pod.yaml"
	for _, test := range []struct {
		name      string
		shop      func(*shop)
		arguments []string
	}{
		{"explain-file-over-quota.txt", limitedTo("3500Mi", "4Gi"), nil},
		{"explain-file-copies-over-quota.txt", limitedTo("1500Mi", "4Gi"), []string{"--replicas", "4"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newShop()
			test.shop(s)
			arguments := append([]string{"explain", "-f", manifest}, test.arguments...)
			stdout, stderr, code := s.run(t, arguments...)
			if code != codeNo {
				t.Errorf("exit code %d, want %d", code, codeNo)
			}
			wantNarrow(t, stdout)
			wantGolden(t, test.name, answer(arguments, stdout, stderr, code))
		})
	}
	s := newShop()
	limitedTo("4Gi", "4Gi")(s)
	if stdout, _, _ := s.run(t, "explain", "-f", manifest, "-o", "name"); stdout != "" {
		t.Errorf("it is said to go to %q", stdout)
	}
	stdout, _, _ := s.run(t, "explain", "-f", manifest, "-o", "json")
	if want := "\"first\": [\n    {\n      \"kind\": \"quota\",\n      \"decides\": true,\n"; !strings.Contains(stdout, want) || !strings.Contains(stdout, `"fits": false`) {
		t.Errorf("want %s first, and that it does not fit, in\n%s", want, stdout)
	}
}

// Nothing is said of a quota with room; and without permission to look, what is not known is said.
func TestAQuotaThatDoesNotRefuseThePodDecidesNothing(t *testing.T) {
	for _, test := range []struct {
		name  string
		shop  func(*shop)
		wants string
	}{
		{"room", limitedTo("3Gi", "4Gi"), ""},
		{"no permission", func(s *shop) {
			s.react = refusing("list", "resourcequotas", apierrors.NewForbidden(corev1.Resource("resourcequotas"), "", nil))
		}, "  unknown    no permission to list resourcequotas: whether a quota of its\n             namespace refuses a pod in a file is not known\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newShop()
			test.shop(s)
			stdout, stderr, code := s.run(t, "explain", "-f", "testdata/pod.yaml")
			if code != codeYes || !strings.HasPrefix(stdout, "Pod default/filed goes to node web-2") || !strings.Contains(stdout, test.wants) {
				t.Errorf("exit code %d, want %d, and %q in\n%s%s", code, codeYes, test.wants, stdout, stderr)
			}
			if test.wants == "" && strings.Contains(stdout, "quota") {
				t.Errorf("it speaks of a quota:\n%s", stdout)
			}
		})
	}
}
