// SPDX-License-Identifier: Apache-2.0

package prometheus_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage/prometheus"
)

const (
	mebi = int64(1) << 20
	// scrape is the time between two samples.
	scrape = 30 * time.Second
	stored = 6 * time.Hour
)

// line is a series and its bytes at a time.
type line struct {
	metric, labels string
	at             func(time.Time) int64
}

// constant is a series that never changes.
func constant(value int64) func(time.Time) int64 { return func(time.Time) int64 { return value } }

// tooth rises through each hour from so many MiB by one MiB a minute, and falls back at its end.
func tooth(from int64) func(time.Time) int64 {
	return func(at time.Time) int64 { return (from + int64(at.Minute())) * mebi }
}

const workingSet = "container_memory_working_set_bytes"

// cluster is what cAdvisor and kube-state-metrics of a small cluster say, as the Prometheus operator stores it.
func cluster() []line {
	return []line{
		{workingSet, `id="/",node="w1"`, constant(3000 * mebi)},
		{workingSet, `id="/",node="w1",replica="b"`, constant(2900 * mebi)}, // of another scraper
		{workingSet, `id="/kubepods.slice",node="w1"`, constant(2000 * mebi)},
		{workingSet, `id="/kubepods.slice/kubepods-burstable.slice",node="w1"`, constant(1900 * mebi)},
		{workingSet, `id="/",node="w2"`, constant(1000 * mebi)},
		{workingSet, `id="/kubelet.slice/kubelet-kubepods.slice",node="w2"`, constant(500 * mebi)},
		{workingSet, `id="/kubepods/a",namespace="shop",pod="web-1",container="web",node="w1"`, tooth(100)},
		{workingSet, `id="/kubepods/b",namespace="shop",pod="web-1",container="proxy",node="w1"`, constant(10 * mebi)},
		{workingSet, `id="/kubepods/c",namespace="shop",pod="web-1",container="POD",node="w1"`, constant(mebi)},
		{workingSet, `id="/kubepods/d",namespace="shop",pod="web-1",container="",node="w1"`, constant(700 * mebi)},
		{workingSet, `id="/kubepods/e",namespace="shop",pod="db-0",container="db",node="w2"`, constant(400 * mebi)},
		{workingSet, `id="/kubepods/e",namespace="shop",pod="db-0",container="db",node="w2",replica="b"`, constant(300 * mebi)},
		{"kube_pod_info", `namespace="shop",pod="web-1",priority_class="high"`, constant(1)},
		{"kube_pod_container_resource_requests", `namespace="shop",pod="web-1",container="web",resource="memory"`, constant(64 * mebi)},
		{"kube_pod_container_resource_requests", `namespace="shop",pod="web-1",container="proxy",resource="memory"`, constant(16 * mebi)},
		{"kube_pod_owner", `namespace="shop",pod="web-1",owner_kind="ReplicaSet",owner_name="web-5d",owner_is_controller="true"`, constant(1)},
		{"kube_pod_owner", `namespace="shop",pod="web-1",owner_kind="Wheel",owner_name="other",owner_is_controller="false"`, constant(1)},
		{"kube_pod_status_qos_class", `namespace="shop",pod="web-1",qos_class="BestEffort"`, constant(0)},
		{"kube_pod_status_qos_class", `namespace="shop",pod="web-1",qos_class="Burstable"`, constant(1)},
		{"kube_pod_status_qos_class", `namespace="shop",pod="web-1",qos_class="Guaranteed"`, constant(0)},
		{"kube_replicaset_owner", `namespace="shop",replicaset="web-5d",owner_kind="Deployment",owner_name="web",owner_is_controller="true"`, constant(1)},
	}
}

// start stores the lines in a real Prometheus for the time before now, and returns a source that asks it.
func start(t *testing.T, now time.Time, lines []line) *prometheus.Source {
	t.Helper()
	for _, tool := range []string{"prometheus", "promtool"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: %v", tool, err)
		}
	}
	folder := t.TempDir()
	run(t, "promtool", "tsdb", "create-blocks-from", "openmetrics", write(t, folder, "samples", openMetrics(now, lines)), filepath.Join(folder, "data"))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "prometheus", "--config.file", write(t, folder, "prometheus.yaml", "global: {}\n"),
		"--storage.tsdb.path", filepath.Join(folder, "data"), "--web.listen-address", address)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 10 * time.Second
	command.Stderr = t.Output()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Wait() }) // it was interrupted
	err = wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		return ready(ctx, "http://"+address+"/-/ready"), nil
	})
	if err != nil {
		t.Fatalf("Prometheus is not ready: %v", err)
	}
	source, err := prometheus.New(prometheus.Options{Address: "http://" + address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(source.CloseIdleConnections)
	return source
}

func ready(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

func run(t *testing.T, name string, arguments ...string) {
	t.Helper()
	if output, err := exec.CommandContext(t.Context(), name, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v:\n%s", name, arguments, err, output)
	}
}

func write(t *testing.T, folder, name, text string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// openMetrics is the text from which promtool makes blocks.
func openMetrics(now time.Time, lines []line) string {
	var text strings.Builder
	described := ""
	for _, line := range lines {
		if line.metric != described {
			described = line.metric
			fmt.Fprintf(&text, "# TYPE %s gauge\n", line.metric)
		}
		for at := now.Add(-stored); !at.After(now); at = at.Add(scrape) {
			fmt.Fprintf(&text, "%s{%s} %d %d\n", line.metric, line.labels, line.at(at), at.Unix())
		}
	}
	return text.String() + "# EOF\n"
}

func TestARealPrometheusAnswersAsItIsRead(t *testing.T) {
	now := time.Now().UTC().Truncate(scrape)
	source := start(t, now, cluster())
	web, db := types.NamespacedName{Namespace: "shop", Name: "web-1"}, types.NamespacedName{Namespace: "shop", Name: "db-0"}

	t.Run("the last samples, with their times", func(t *testing.T) {
		got, err := source.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		measured := func(bytes int64) sample.Measurement { return sample.Measurement{Bytes: bytes, Time: now} }
		nodes := map[string]sample.Node{
			"w1": {Measurement: measured(3000 * mebi), Pods: measured(2000 * mebi)},
			"w2": {Measurement: measured(1000 * mebi), Pods: measured(500 * mebi)},
		}
		pods := map[types.NamespacedName]sample.Pod{
			web: {Measurement: measured(tooth(110)(now))},
			db:  {Measurement: measured(400 * mebi)},
		}
		if diff := cmp.Diff(nodes, got.Nodes); diff != "" {
			t.Errorf("nodes (-stored +read):\n%s", diff)
		}
		if diff := cmp.Diff(pods, got.Pods); diff != "" {
			t.Errorf("pods (-stored +read):\n%s", diff)
		}
	})

	t.Run("the peaks of each hour before", func(t *testing.T) {
		end := now.Truncate(time.Hour)
		got, err := source.Peaks(t.Context(), end.Add(-3*time.Hour), end, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		want := map[types.NamespacedName][]prometheus.Peak{}
		for back := 3; back >= 0; back-- {
			until := end.Add(-time.Duration(back) * time.Hour)
			since := until.Add(-time.Hour)
			want[web] = append(want[web], prometheus.Peak{Bytes: (100 + 59 + 10) * mebi, Since: since, Until: until})
			want[db] = append(want[db], prometheus.Peak{Bytes: 400 * mebi, Since: since, Until: until})
		}
		if diff := cmp.Diff(want, got.Pods); diff != "" || len(got.RefusedCount) > 0 {
			t.Errorf("peaks (-stored +read), refused %v:\n%s", got.RefusedCount, diff)
		}
	})

	t.Run("what kube-state-metrics says", func(t *testing.T) {
		got, err := source.Facts(t.Context(), now, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		want := map[types.NamespacedName]prometheus.Facts{
			web: {RequestBytes: 80 * mebi, OwnerKind: "Deployment", OwnerName: "web", QOSClass: "Burstable", PriorityClass: "high"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("facts (-stored +read):\n%s", diff)
		}
	})
}
