// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

func writeFiles(t *testing.T, now time.Time) files {
	t.Helper()
	f := files{dir: t.TempDir()}
	if err := f.write("https://127.0.0.1:1", now); err != nil {
		t.Fatal(err)
	}
	return f
}

func pool(t *testing.T, path string) *x509.CertPool {
	t.Helper()
	pool, err := cert.NewPool(path)
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

func leaf(t *testing.T, certificate, key []byte) *x509.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}

func TestServingCertificateIsValidForLoopbackAndForMetricsServer(t *testing.T) {
	now := time.Now()
	f := writeFiles(t, now)
	certificate, key := f.serving()
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", metricsServerHost} {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: pool(t, f.authority()), CurrentTime: now}); err != nil {
			t.Errorf("for %s: %v", host, err)
		}
	}
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: "127.0.0.1", Roots: pool(t, f.frontProxyAuthority()), CurrentTime: now}); err == nil {
		t.Error("the aggregator's authority signed it too")
	}
}

func TestKubeconfigsHoldTheUsersThatRBACKnows(t *testing.T) {
	now := time.Now()
	f := writeFiles(t, now)
	type user struct {
		Name   string
		Groups []string
	}
	want := map[string]user{
		"admin":                   {Name: "headroom-lab-admin", Groups: []string{"system:masters"}},
		"kube-controller-manager": {Name: "system:kube-controller-manager"},
		"kube-scheduler":          {Name: "system:kube-scheduler"},
		"metrics-server":          {Name: "metrics-server"},
		"kwok":                    {Name: "kwok"},
	}
	got := map[string]user{}
	for name := range want {
		config, err := clientcmd.BuildConfigFromFlags("", f.kubeconfig(name))
		if err != nil {
			t.Fatal(err)
		}
		if config.Host != "https://127.0.0.1:1" {
			t.Errorf("%s: server %s, want https://127.0.0.1:1", name, config.Host)
		}
		certificate := leaf(t, config.CertData, config.KeyData)
		options := x509.VerifyOptions{Roots: pool(t, f.authority()), CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
		if _, err := certificate.Verify(options); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got[name] = user{Name: certificate.Subject.CommonName, Groups: certificate.Subject.Organization}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
}

func TestServiceAccountKeysAreAPair(t *testing.T) {
	f := writeFiles(t, time.Now())
	publicPath, privatePath := f.serviceAccount()
	public, err := keyutil.PublicKeysFromFile(publicPath)
	if err != nil {
		t.Fatal(err)
	}
	derived, err := keyutil.PublicKeysFromFile(privatePath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(derived, public); diff != "" {
		t.Errorf("public key (-want +got):\n%s", diff)
	}
}

func TestEveryFileIsReadableByTheUserOnly(t *testing.T) {
	f := writeFiles(t, time.Now())
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) == 0 {
		t.Fatal("no files")
	}
	for _, entry := range entries {
		info, err := os.Stat(filepath.Join(f.dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := info.Mode().Perm(), os.FileMode(0o600); got != want {
			t.Errorf("%s: mode %o, want %o", entry.Name(), got, want)
		}
	}
}
