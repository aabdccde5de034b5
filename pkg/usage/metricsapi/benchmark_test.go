// SPDX-License-Identifier: Apache-2.0

package metricsapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/usage"
	"github.com/headroom-dev/headroom/pkg/usage/intake"
)

// BenchmarkPods decodes the 150,000 pods of the largest cluster that Kubernetes supports into a sample set.
func BenchmarkPods(b *testing.B) {
	const count = 150_000
	for _, format := range []struct {
		name   string
		text   []byte
		decode func(io.Reader, listKind, func(*item)) error
	}{
		{"protobuf", encodeProtobuf(b, pods(count), podList), decodeProtobuf},
		{"JSON", encodeJSON(b, pods(count), podList), decodeJSON},
	} {
		b.Run(format.name, func(b *testing.B) {
			b.SetBytes(int64(len(format.text)))
			b.ReportAllocs()
			for b.Loop() {
				in := intake.New(time.Unix(1_767_323_050, 0), 0, count)
				namespaces := map[string]string{}
				if err := format.decode(bytes.NewReader(format.text), podList, func(i *item) { takePod(in, i, namespaces) }); err != nil {
					b.Fatal(err)
				}
				if got := len(in.Set().Pods); got != count {
					b.Fatalf("%d pods, %v", got, in.Set().RefusedCount)
				}
			}
		})
	}
}

// BenchmarkRefresh is all that is done to read the largest cluster, 5,000 nodes and 150,000 pods, but to make the book of
// it (BenchmarkBuild of the ledger): both lists over loopback, by protobuf, and the merge with what was read before. CPU
// time is that of the whole process, with the server's part.
func BenchmarkRefresh(b *testing.B) {
	nodes := &metricsv1beta1.NodeMetricsList{}
	for i := range 5000 {
		nodes.Items = append(nodes.Items, nodeMetrics(fmt.Sprintf("node-%d", i), now, memory("8Gi")))
	}
	answers := map[string][]byte{apiPath + "/nodes": encodeProtobuf(b, nodes, nodeList), apiPath + "/pods": encodeProtobuf(b, pods(150_000), podList)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		w.Header().Set("Content-Type", protobufType)
		_, _ = w.Write(answers[request.URL.Path])
	}))
	defer server.Close()
	clock := clocktesting.NewFakeClock(now)
	source, err := New(&rest.Config{Host: server.URL}, Options{Clock: clock})
	if err != nil {
		b.Fatal(err)
	}
	poller := usage.NewPoller(source, usage.PollerOptions{Interval: 15 * time.Second, Keep: time.Minute}, clock)
	read := func() {
		ctx, cancel := context.WithCancel(b.Context())
		poller.Run(ctx, cancel) // until the first read has ended
		if got := poller.Latest(); got == nil || len(got.Nodes) != 5000 || len(got.Pods) != 150_000 {
			b.Fatal("not all was read")
		}
	}
	read()
	runtime.GC()
	var before, after syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		read()
	}
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
		b.Fatal(err)
	}
	used := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	b.ReportMetric(float64(used.Milliseconds())/float64(b.N), "cpu-ms/op")
}
