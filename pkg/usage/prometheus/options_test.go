// SPDX-License-Identifier: Apache-2.0

package prometheus_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headroom-dev/headroom/pkg/usage/prometheus"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOptionsThatAreWrong(t *testing.T) {
	for _, test := range []struct {
		name    string
		options prometheus.Options
		want    string // part of the error
	}{
		{"no address", prometheus.Options{}, "address: want https://"},
		{"no scheme", prometheus.Options{Address: "prometheus:9090"}, "address: want https://"},
		{"no URL", prometheus.Options{Address: "https://user:secret@host:port/"}, "address: it is no URL"},
		{"credentials in the address", prometheus.Options{Address: "https://user:secret@host"}, "address: it has credentials"},
		{"a query in the address", prometheus.Options{Address: "https://host?token=secret"}, "address: want no query"},
		{"bytes without times", prometheus.Options{Address: "https://host", Nodes: prometheus.Query{Bytes: "up"}}, "nodes: want the queries for bytes and for times"},
		{"times without bytes", prometheus.Options{Address: "https://host", Pods: prometheus.Query{Times: "up"}}, "pods: want the queries"},
		{"peaks without a range", prometheus.Options{Address: "https://host", PodPeaks: "up"}, "podPeaks: want $range"},
		{"a token and a name", prometheus.Options{Address: "https://host", BearerTokenFile: "a", Username: "b", PasswordFile: "c"}, "want one of them"},
		{"a name without a password", prometheus.Options{Address: "https://host", Username: "a"}, "want both or none"},
		{"a token without TLS", prometheus.Options{Address: "http://host", BearerTokenFile: "a"}, "without encryption; use https, or set insecureSkipVerify"},
		{"certificates that are not there", prometheus.Options{Address: "https://host", CAFile: "not-there.crt"}, "not-there.crt"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := prometheus.New(test.options)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("the error is %v, want one with %q", err, test.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells a password: %v", err)
			}
		})
	}
}

func TestTheDefaultsAreComplete(t *testing.T) {
	asked := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		query := request.URL.Query().Get("query")
		asked[query] = true
		answer := vector()
		if strings.Contains(query, `{id="/"}`) {
			answer = vector(`{"host":"n1"}`, "1767323045")
		}
		answer(w, request)
	}))
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()
	source, err := prometheus.New(prometheus.Options{Address: server.URL, NodeLabel: "host"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := source.Read(t.Context())
	if err != nil || len(got.Nodes) != 1 || len(asked) != 6 {
		t.Errorf("%v, %v, asked %v", got, err, asked)
	}
	for query := range asked {
		if !strings.Contains(query, "container_memory_working_set_bytes{") || (!strings.Contains(query, "by (host)") && !strings.Contains(query, "by (namespace, pod)")) {
			t.Errorf("asked %s", query)
		}
	}
}

func TestTheServerIsVerified(t *testing.T) {
	server := httptest.NewTLSServer(good())
	defer server.Close()
	dir := t.TempDir()
	ca := write(t, filepath.Join(dir, "ca.crt"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	for _, test := range []struct {
		name   string
		change func(*prometheus.Options)
		want   string // part of the error; "": none
	}{
		{"by the system, which does not know it", func(*prometheus.Options) {}, "certificate"},
		{"by its own certificate", func(o *prometheus.Options) { o.CAFile = ca }, ""},
		{"not at all, as is said", func(o *prometheus.Options) { o.Insecure = true }, ""},
		{"by its certificate, whatever is said", func(o *prometheus.Options) { o.CAFile, o.Insecure = ca, true }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			chosen := options(server.URL)
			test.change(&chosen)
			source, err := prometheus.New(chosen)
			if err != nil {
				t.Fatal(err)
			}
			_, err = source.Read(t.Context())
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("the error is %v, want one with %q", err, test.want)
			}
			source.CloseIdleConnections()
		})
	}
}

func TestCredentialsAreReadFromFiles(t *testing.T) {
	var header string
	answers := good()
	nodes := answers["nodes"]
	answers = answers.with("nodes", func(w http.ResponseWriter, request *http.Request) {
		header = request.Header.Get("Authorization")
		nodes(w, request)
	})
	dir := t.TempDir()
	password := write(t, filepath.Join(dir, "password"), "first\n")
	source := start(t, answers, func(o *prometheus.Options) { o.Username, o.PasswordFile, o.Insecure = "headroom", password, true })
	for _, step := range []struct{ password, want string }{
		{"first\n", "Basic aGVhZHJvb206Zmlyc3Q="},
		{"second", "Basic aGVhZHJvb206c2Vjb25k"},
	} {
		write(t, password, step.password)
		if _, err := source.Read(t.Context()); err != nil || header != step.want {
			t.Errorf("sent %q, %v, want %q", header, err, step.want)
		}
	}
	if err := os.Remove(password); err != nil {
		t.Fatal(err)
	}
	if _, err := source.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "password file") {
		t.Errorf("without its file the error is %v", err)
	}

	token := write(t, filepath.Join(dir, "token"), "a-token\n")
	source = start(t, answers, func(o *prometheus.Options) { o.BearerTokenFile, o.Insecure = token, true })
	if _, err := source.Read(t.Context()); err != nil || header != "Bearer a-token" {
		t.Errorf("sent %q, %v", header, err)
	}
}
