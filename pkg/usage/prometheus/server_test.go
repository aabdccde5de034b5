// SPDX-License-Identifier: Apache-2.0

package prometheus_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/usage/fetch"
	"github.com/headroom-dev/headroom/pkg/usage/prometheus"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// server answers queries by their text.
type server map[string]http.HandlerFunc

// ServeHTTP answers as is set, and an unknown query with an error.
func (s server) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	handler, ok := s[request.URL.Query().Get("query")]
	if !ok || request.URL.Path != "/prefix/api/v1/query" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	handler(w, request)
}

// with returns the server with another answer to a query.
func (s server) with(query string, handler http.HandlerFunc) server {
	changed := server{query: handler}
	for known, answer := range s {
		if known != query {
			changed[known] = answer
		}
	}
	return changed
}

// options of a source that asks short queries of the server at the address.
func options(address string) prometheus.Options {
	return prometheus.Options{
		Address:   address + "/prefix",
		Nodes:     prometheus.Query{Bytes: "nodes", Times: "node times"},
		Kubepods:  prometheus.Query{Bytes: "kubepods", Times: "kubepods times"},
		Pods:      prometheus.Query{Bytes: "pods", Times: "pod times"},
		PodPeaks:  "peaks[$range]",
		NodeLabel: "instance", StripPort: true,
		Fetch: fetch.Options{MaxBytes: 1 << 20}, Clock: clocktesting.NewFakeClock(now),
	}
}

// start returns a source that asks the server.
func start(t *testing.T, answers server, change ...func(*prometheus.Options)) *prometheus.Source {
	t.Helper()
	started := httptest.NewServer(answers)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		started.Close()
	})
	chosen := options(started.URL)
	for _, apply := range change {
		apply(&chosen)
	}
	source, err := prometheus.New(chosen)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// vector answers with elements: labels as JSON and a value in turn.
func vector(labelsAndValues ...string) http.HandlerFunc {
	return annotated("", labelsAndValues...)
}

func annotated(beside string, labelsAndValues ...string) http.HandlerFunc {
	var elements []string
	for i := 0; i < len(labelsAndValues); i += 2 {
		value, err := json.Marshal(labelsAndValues[i+1])
		if err != nil {
			panic(err)
		}
		elements = append(elements, fmt.Sprintf(`{"metric":%s,"value":[1767323045.123,%s]}`, labelsAndValues[i], value))
	}
	return plain(`{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(elements, ",") + `]}` + beside + `}`)
}

func plain(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
	}
}

func instance(name string) string { return `{"instance":"` + name + `"}` }

func podLabels(name string) string { return `{"namespace":"default","pod":"` + name + `"}` }

// ago is a time before now, as the server sends it.
func ago(age time.Duration) string {
	return strconv.FormatFloat(float64(now.Add(-age).UnixMilli())/1000, 'f', -1, 64)
}

// good has one node with pods.
func good() server {
	return server{
		"nodes":          vector(instance("n1:10250"), "5000"),
		"node times":     vector(instance("n1:10250"), ago(30*time.Second)),
		"kubepods":       vector(instance("n1:10250"), "3000"),
		"kubepods times": vector(instance("n1:10250"), ago(31*time.Second)),
		"pods":           vector(podLabels("a"), "1e3"),
		"pod times":      vector(podLabels("a"), ago(20*time.Second)),
	}
}
