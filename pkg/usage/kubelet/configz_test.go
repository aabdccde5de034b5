// SPDX-License-Identifier: Apache-2.0

package kubelet_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/usage/kubelet"
)

func TestConfigurations(t *testing.T) {
	const config = `{"kubeletconfig":{"kind":"KubeletConfiguration","apiVersion":"kubelet.config.k8s.io/v1beta1",` +
		`"syncFrequency":"1m0s","evictionHard":{"memory.available":"200Mi"},"memoryThrottlingFactor":0.9,"newerThanUs":true}}`
	configz := func(handler http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, request *http.Request) {
			if request.URL.Path != "/configz" {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			handler(w, request)
		}
	}
	for _, test := range []struct {
		name          string
		handler       http.HandlerFunc
		want          string // part of the error; "": none
		wantForbidden bool
	}{
		{"good", body(config), "", false},
		{"no rights", status(403), "lack the right", true},
		{"credentials of no use", status(401), "credentials", true},
		{"not there", status(404), "nothing serves", false},
		{"down", status(500), "500", false},
		{"silent", silent, "it took longer than 1s", false},
		{"endless", endless, "more than 1048576 bytes", false},
		{"cut off", cutOff, "cut off", false},
		{"of another component", body(`{"kubescheduler":{}}`), "no kubeletconfig", false},
		{"of another kind", body(`{"kubeletconfig":{"kind":"Status"}}`), `kind "Status"`, false},
		{"more after it", body(config + config), `"{" follows its end`, false},
		{"null", body(`null`), "no kubeletconfig", false},
		{"a field of another type", body(`{"kubeletconfig":{"evictionHard":7}}`), "decode the answer", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			fleet := (&fleet{t: t}).add("n1", configz(test.handler)).add("n2", configz(body(config)))
			source := fleet.source(func(o *kubelet.Options) { o.NodeTimeout = time.Second; o.CAFile = ""; o.Insecure = true })
			got := source.Configurations(t.Context(), fleet.nodes)
			if len(got) != 2 || got["n2"].Err != nil || got["n2"].Config == nil {
				t.Fatalf("got %+v", got)
			}
			n1 := got["n1"]
			if test.want != "" {
				if n1.Err == nil || n1.Config != nil || !strings.Contains(n1.Err.Error(), test.want) || !strings.Contains(n1.Err.Error(), "node n1") {
					t.Errorf("got %v, %v, want an error with %q", n1.Config, n1.Err, test.want)
				}
				if n1.Forbidden() != test.wantForbidden {
					t.Errorf("Forbidden = %t for %v", n1.Forbidden(), n1.Err)
				}
				return
			}
			if n1.Err != nil || n1.Forbidden() {
				t.Fatal(n1.Err)
			}
			if diff := cmp.Diff(map[string]string{"memory.available": "200Mi"}, n1.Config.EvictionHard); diff != "" {
				t.Errorf("evictionHard (-want +got):\n%s", diff)
			}
		})
	}
}
