// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/apis/config"
)

// load-watcher as a library opens port 2020 on all interfaces and takes the scheduler's signals (watcher.go:160-183). The plugin is made as
// a scheduler makes it, with each of its sources, and has begun to read when sockets are counted.
func TestPeerBugThePluginOpensAPortOrTakesSignals(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(args *config.HeadroomMemoryArgs, server string)
		want   string // path that is asked for
	}{
		{"metrics.k8s.io", func(args *config.HeadroomMemoryArgs, _ string) { args.Source.Type = config.SourceMetricsAPI }, "/apis/metrics.k8s.io/v1beta1/nodes"},
		{"Prometheus", func(args *config.HeadroomMemoryArgs, server string) {
			args.Source = config.MemorySource{Type: config.SourcePrometheus, Prometheus: &config.PrometheusSource{Address: server, InsecureSkipVerify: true}}
		}, "/api/v1/query"},
		{"kubelets", func(args *config.HeadroomMemoryArgs, _ string) {
			args.Source = config.MemorySource{Type: config.SourceKubelet, Kubelet: &config.KubeletSource{InsecureSkipVerify: true}}
		}, "/stats/summary"},
		{"configurations of kubelets", func(args *config.HeadroomMemoryArgs, _ string) {
			args.Source = config.MemorySource{Type: config.SourceKubelet, Kubelet: &config.KubeletSource{InsecureSkipVerify: true}}
			args.ReadKubeletConfig = true
			args.Checkpoint = config.ForecastCheckpoint{Enabled: true, Namespace: "n", Name: "learned", Interval: metav1.Duration{Duration: time.Minute}}
		}, "/configz"},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := make(chan struct{}, 1)
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
				http.NotFound(w, request)
				if request.URL.Path == test.want {
					select {
					case asked <- struct{}{}:
					default:
					}
				}
			}))
			t.Cleanup(server.Close)
			args := arguments()
			test.change(args, server.URL)
			client := fake.NewClientset(nodeAt(t, server.Listener.Addr().String()))
			connected := connectedHandle{
				handle: handle{factory: informers.NewSharedInformerFactory(client, 0), client: client},
				config: &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{Insecure: true}},
			}
			before := listening(t)
			if _, err := quietFactory(clock.RealClock{}).New(klog.NewContext(t.Context(), logr.Discard()), args, connected); err != nil {
				t.Fatal(err)
			}
			connected.factory.Start(t.Context().Done())
			t.Cleanup(connected.factory.Shutdown)
			<-asked
			if after := listening(t); after > before {
				t.Errorf("%d sockets listen, %d did before", after, before)
			}
		})
	}
	for _, folder := range []string{".", "../../usage", "../../memory"} {
		if err := filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, forbidden := range []string{`"os/signal"`, "net.Listen", "ListenAndServe"} {
				if strings.Contains(string(text), forbidden) {
					t.Errorf("%s has %s", path, forbidden)
				}
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	}
}

// connectedHandle is a handle whose plugins talk to a server.
type connectedHandle struct {
	handle
	config *rest.Config
}

func (h connectedHandle) KubeConfig() *rest.Config { return h.config }

// nodeAt returns a node whose kubelet listens at an address.
func nodeAt(t *testing.T, address string) *corev1.Node {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	node := newFleet(nil).node("n1", 0, 0).nodes[0]
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: host}}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(number)
	return node
}

// listening counts this process's TCP sockets that listen.
func listening(t *testing.T) int {
	t.Helper()
	own := map[string]bool{}
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc here: ", err)
	}
	for _, descriptor := range descriptors {
		if target, err := os.Readlink("/proc/self/fd/" + descriptor.Name()); err == nil {
			own[strings.TrimSuffix(strings.TrimPrefix(target, "socket:["), "]")] = true
		}
	}
	count := 0
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) > 9 && fields[3] == "0A" && own[fields[9]] {
				count++
			}
		}
	}
	return count
}
