// SPDX-License-Identifier: Apache-2.0

package prometheus_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/headroom-dev/headroom/pkg/usage/prometheus"
)

// Volcano takes an error, or an answer without series, for 0 % of now (metrics_client_prometheus.go:85-114, #5578): the node
// of which nothing is known becomes the best one.
func TestPeerBugAnErrorReadsAsZero(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		body   string
	}{
		{"an error", http.StatusUnprocessableEntity, `{"status":"error","errorType":"execution","error":"query timed out"}`},
		{"a server that is down", http.StatusServiceUnavailable, ``},
		{"no series", http.StatusOK, `{"status":"success","data":{"resultType":"vector","result":[]}}`},
		{"no data", http.StatusOK, `{"status":"success"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(test.status)
				if _, err := w.Write([]byte(test.body)); err != nil {
					t.Error(err)
				}
			}))
			defer server.Close()
			source, err := prometheus.New(prometheus.Options{Address: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			defer source.CloseIdleConnections()
			if set, err := source.Read(t.Context()); err == nil {
				t.Errorf("read %v, want an error: nothing is known", set)
			}
		})
	}
}
