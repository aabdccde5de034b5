// SPDX-License-Identifier: Apache-2.0

package kubelet_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/usage/kubelet"
)

const token = "a-token"

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fleet is kubelets on loopback, and the nodes they are of.
type fleet struct {
	t     *testing.T
	nodes []*corev1.Node
	ca    string
}

// add starts a kubelet that answers by handler, for those who have the token.
func (f *fleet) add(name string, handler http.HandlerFunc) *fleet {
	f.t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		handler(w, request)
	}))
	server.StartTLS()
	f.t.Cleanup(server.Close)
	f.ca = filepath.Join(f.t.TempDir(), "ca.crt")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(f.ca, certificate, 0o600); err != nil {
		f.t.Fatal(err)
	}
	return f.at(name, server.Listener.Addr().String())
}

// at adds a node whose kubelet is at an address.
func (f *fleet) at(name, address string) *fleet {
	f.t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		f.t.Fatal(err)
	}
	number, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		f.t.Fatal(err)
	}
	f.nodes = append(f.nodes, &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Status: corev1.NodeStatus{
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeHostName, Address: "no.such.host.invalid"},
				{Type: corev1.NodeInternalIP, Address: host},
			},
			DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: int32(number)}},
		},
	})
	return f
}

// source returns a source that reads the fleet.
func (f *fleet) source(change ...func(*kubelet.Options)) *kubelet.Source {
	f.t.Helper()
	options := kubelet.Options{
		Nodes:  func() ([]*corev1.Node, error) { return f.nodes, nil },
		Config: &rest.Config{Host: "https://192.0.2.1", BearerToken: token, TLSClientConfig: rest.TLSClientConfig{Insecure: true}},
		CAFile: f.ca, MaxBytes: 1 << 20, Clock: clocktesting.NewFakeClock(now),
	}
	for _, apply := range change {
		apply(&options)
	}
	source, err := kubelet.New(options)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(source.CloseIdleConnections)
	return source
}

// answer is JSON.
func answer(object any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(object); err != nil {
			fmt.Fprint(w, err)
		}
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, request *http.Request) {
		w.Header().Set("Location", "https://192.0.2.1/")
		w.WriteHeader(code)
		fmt.Fprintf(w, "%s is not for you", request.URL.Path)
	}
}

// body is JSON as text.
func body(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	}
}

func cutOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "1000")
	fmt.Fprint(w, `{"node":`)
}

func endless(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, err := fmt.Fprint(w, `{"node":"`)
	for err == nil {
		_, err = fmt.Fprint(w, strings.Repeat("x", 1000))
	}
}

// silent says nothing until it is left.
func silent(_ http.ResponseWriter, request *http.Request) {
	<-request.Context().Done()
	panic(http.ErrAbortHandler) // to return would be an empty answer, which may come before the client has given up
}

func workingSet(bytes uint64, age time.Duration) *statsv1alpha1.MemoryStats {
	return &statsv1alpha1.MemoryStats{Time: metav1.NewTime(now.Add(-age)), WorkingSetBytes: &bytes}
}

// summary of a node that holds so much, with one pod.
func summary(node string, bytes uint64) *statsv1alpha1.Summary {
	return &statsv1alpha1.Summary{
		Node: statsv1alpha1.NodeStats{
			NodeName: node,
			Memory:   workingSet(bytes, 10*time.Second),
			SystemContainers: []statsv1alpha1.ContainerStats{
				{Name: statsv1alpha1.SystemContainerKubelet, Memory: workingSet(1, 0)},
				{Name: statsv1alpha1.SystemContainerPods, Memory: workingSet(bytes/2, 11*time.Second)},
			},
		},
		Pods: []statsv1alpha1.PodStats{{
			PodRef: statsv1alpha1.PodReference{Namespace: "default", Name: "pod-of-" + node, UID: "uid-of-" + node},
			Memory: workingSet(bytes/4, 12*time.Second),
		}},
	}
}
