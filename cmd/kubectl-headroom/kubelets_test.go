// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// proxying is an API server that passes on what is asked of kubelets; that of web-3 does not answer.
func proxying(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		response.Header().Set("Content-Type", "application/json")
		node, path, _ := strings.Cut(strings.TrimPrefix(request.URL.Path, "/api/v1/nodes/"), "/proxy")
		switch {
		case node == "web-3":
			http.Error(response, "{}", http.StatusServiceUnavailable)
		case path == "/configz":
			fmt.Fprint(response, `{"kubeletconfig":{"evictionHard":{"memory.available":"500Mi"},"enforceNodeAllocatable":["pods"]}}`)
		case path == "/stats/summary":
			fmt.Fprintf(response, `{"node":{"nodeName":%q,"memory":{"time":"2026-03-02T11:59:50Z","workingSetBytes":3221225472}}}`, node)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// mayAsk answers whether the caller may ask kubelets.
func mayAsk(allowed bool) func(*fake.Clientset) {
	return func(client *fake.Clientset) {
		client.PrependReactor("create", "selfsubjectaccessreviews", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, &authorizationv1.SelfSubjectAccessReview{Status: authorizationv1.SubjectAccessReviewStatus{Allowed: allowed}}, nil
		})
	}
}

// Where the profile asks kubelets, so do the answers, by way of the API server and with the caller's permission.
func TestKubeletsAreAskedWhereTheProfileAsksThem(t *testing.T) {
	for _, test := range []struct {
		file, config string
		allowed      bool
	}{
		{"kubelets-told.txt", "readKubeletConfig: true", true},
		{"kubelets-forbidden.txt", "readKubeletConfig: true", false},
	} {
		t.Run(test.file, func(t *testing.T) {
			s := newShop()
			s.host, s.react = proxying(t), mayAsk(test.allowed)
			stdout, stderr, code := s.run(t, "nodes", "-o", "wide", "--config", configFile(t, test.config))
			got := answer([]string{"nodes", "-o", "wide", "--config", "FILE"}, stdout, stderr, code)
			wantGolden(t, test.file, withoutPaths(got))
			stdout, _, _ = s.run(t, "doctor", "--config", configFile(t, test.config))
			if test.allowed == strings.Contains(stdout, "no permission to get nodes/proxy") {
				t.Errorf("allowed %t, but doctor says\n%s", test.allowed, stdout)
			}
		})
	}
}

// Samples of the kubelets are read from them; where that is forbidden, what is read instead is said.
func TestSamplesAreTheKubeletsWhereTheProfileSaysSo(t *testing.T) {
	for _, test := range []struct {
		name    string
		allowed bool
		want    []string
	}{
		{"allowed", true, []string{"samples    the kubelets, by way of the API server", "web-1            7.9Gi    1.5Gi    3Gi"}},
		{"forbidden", false, []string{"the profile reads the kubelets, which cannot be read from here (no permission to get nodes/proxy", "web-1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newShop()
			s.host, s.react, s.unmeasured = proxying(t), mayAsk(test.allowed), true
			stdout, stderr, code := s.run(t, "nodes", "--config", configFile(t, "source: {type: Kubelet}"))
			if code != codeYes || stderr != "" {
				t.Fatalf("exit code %d, %s", code, stderr)
			}
			flat := strings.Join(strings.Fields(stdout), " ")
			for _, want := range test.want {
				if !strings.Contains(flat, strings.Join(strings.Fields(want), " ")) {
					t.Errorf("it does not say %q:\n%s", want, stdout)
				}
			}
		})
	}
}

// withoutPaths takes names of temporary files and addresses of test servers off, which differ every time.
func withoutPaths(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n();", r) })
	for _, word := range words {
		switch {
		case strings.HasPrefix(word, "/") && strings.HasSuffix(word, "config.yaml"):
			text = strings.ReplaceAll(text, word, "FILE")
		case strings.HasPrefix(word, "http://"):
			_, path, _ := strings.Cut(strings.TrimPrefix(word, "http://"), "/")
			text = strings.ReplaceAll(text, word, "http://SERVER/"+path)
		}
	}
	return text
}
