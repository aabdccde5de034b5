// SPDX-License-Identifier: Apache-2.0

package metricsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage/fetch"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func memory(quantity string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(quantity)}
}

func nodeMetrics(name string, taken time.Time, usage corev1.ResourceList) metricsv1beta1.NodeMetrics {
	return metricsv1beta1.NodeMetrics{ObjectMeta: metav1.ObjectMeta{Name: name}, Timestamp: metav1.NewTime(taken), Usage: usage}
}

func podMetrics(name string, taken time.Time, containers ...corev1.ResourceList) metricsv1beta1.PodMetrics {
	metrics := metricsv1beta1.PodMetrics{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Timestamp: metav1.NewTime(taken)}
	for _, usage := range containers {
		metrics.Containers = append(metrics.Containers, metricsv1beta1.ContainerMetrics{Usage: usage})
	}
	return metrics
}

// serve answers with lists in the format.
func serve(t *testing.T, format string, nodes []metricsv1beta1.NodeMetrics, pods []metricsv1beta1.PodMetrics) http.HandlerFunc {
	t.Helper()
	encode := encodeJSON
	if format == protobufType {
		encode = encodeProtobuf
	}
	answers := map[string][]byte{
		apiPath + "/nodes": encode(t, &metricsv1beta1.NodeMetricsList{Items: nodes}, nodeList),
		apiPath + "/pods":  encode(t, &metricsv1beta1.PodMetricsList{Items: pods}, podList),
	}
	return func(w http.ResponseWriter, request *http.Request) {
		w.Header().Set("Content-Type", format)
		_, _ = w.Write(answers[request.URL.Path])
	}
}

// read lets a source read from a server that runs handler.
func read(ctx context.Context, t *testing.T, handler http.HandlerFunc) (*sample.Set, error) {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()
	source, err := New(&rest.Config{Host: server.URL, BearerToken: "secret"}, Options{
		Fetch: fetch.Options{MaxBytes: 10 << 20}, Clock: clocktesting.NewFakeClock(now),
	})
	if err != nil {
		t.Fatal(err)
	}
	return source.Read(ctx)
}

func TestReadKeepsWhatCanBeTrue(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	earlier := now.Add(-20 * time.Second)
	for _, format := range []string{protobufType, jsonType} {
		t.Run(format, func(t *testing.T) {
			got, err := read(t.Context(), t, serve(t, format, []metricsv1beta1.NodeMetrics{
				nodeMetrics("good", earlier, memory("1000")),
				nodeMetrics("negative", earlier, memory("-1")),
				nodeMetrics("huge", earlier, memory("9Ei")),
				nodeMetrics("without-memory", earlier, corev1.ResourceList{}),
				nodeMetrics("without-time", time.Time{}, memory("1000")),
				nodeMetrics("from-the-future", now.Add(10*time.Minute), memory("1000")),
				nodeMetrics("old", now.Add(-10*time.Minute), memory("1000")),
				nodeMetrics("clock-a-little-ahead", now.Add(30*time.Second), memory("1000")),
				nodeMetrics("contradicting", earlier, memory("1")),
				nodeMetrics("contradicting", earlier, memory("2")),
				nodeMetrics("", earlier, memory("1")),
			}, []metricsv1beta1.PodMetrics{
				podMetrics("two-containers", now, memory("100"), memory("200")),
				podMetrics("a-container-is-not-measured", now, memory("100"), corev1.ResourceList{}),
				podMetrics("no-containers", now),
				podMetrics("a-negative-container", now, memory("100"), memory("-50")),
				podMetrics("more-than-there-is", now, memory("7Ei"), memory("7Ei")),
			}))
			if err != nil {
				t.Fatal(err)
			}
			want := &sample.Set{
				Nodes: map[string]sample.Node{
					"good":                 {Measurement: sample.Measurement{Bytes: 1000, Time: earlier}},
					"old":                  {Measurement: sample.Measurement{Bytes: 1000, Time: now.Add(-10 * time.Minute)}},
					"clock-a-little-ahead": {Measurement: sample.Measurement{Bytes: 1000, Time: now.Add(30 * time.Second)}},
				},
				Pods: map[types.NamespacedName]sample.Pod{
					{Namespace: "default", Name: "two-containers"}: {Measurement: sample.Measurement{Bytes: 300, Time: now}},
				},
				RefusedCount: map[sample.Reason]int{
					sample.ReasonNegative: 2, sample.ReasonNotANumber: 2, sample.ReasonIncomplete: 3, sample.ReasonNoTime: 1,
					sample.ReasonFuture: 1, sample.ReasonDuplicate: 1, sample.ReasonUnnamed: 1,
				},
			}
			got.Refused = nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAFailedListIsAnErrorAndNotAnEmptySet(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	good := map[string]http.HandlerFunc{
		protobufType: serve(t, protobufType, []metricsv1beta1.NodeMetrics{nodeMetrics("a", now, memory("1"))}, nil),
		jsonType:     serve(t, jsonType, []metricsv1beta1.NodeMetrics{nodeMetrics("a", now, memory("1"))}, nil),
	}
	answer := func(status int, contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	endless := func(contentType, start, part string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			_, err := w.Write([]byte(start))
			for err == nil {
				_, err = w.Write([]byte(part))
			}
		}
	}
	item := string(fields(listItems, fields(metricsMetadata, fields(objectName, strings.Repeat("a", 10_000)))))
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		want    string // part of the error
	}{
		{"down", answer(503, jsonType, `{"message":"the server is currently unable to handle the request"}`), "unable to handle"},
		{"not installed", answer(404, "text/plain", "404 page not found"), "is the server installed"},
		{"no rights", answer(403, jsonType, `{"message":"cannot list"}`), "lack the right"},
		{"a login page", answer(200, "text/html", "<html>"), `type "text/html"`},
		{"protobuf that is called JSON", answer(200, jsonType, magic), "decode JSON"},
		{"JSON that is called protobuf", answer(200, protobufType, "{}"), "decode protobuf"},
		{"endless JSON", endless(jsonType, `{"items":[`, `{"metadata":{"name":"a"}},`), "more than 10485760 bytes"},
		{"endless protobuf", endless(protobufType, string(answerStart()), item), "more than 10485760 bytes"},
		{"cut off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", protobufType)
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write(answerStart())
		}, "cut off"},
	} {
		for _, failing := range []string{"/nodes", "/pods"} {
			t.Run(test.name+failing, func(t *testing.T) {
				got, err := read(t.Context(), t, func(w http.ResponseWriter, request *http.Request) {
					if strings.HasSuffix(request.URL.Path, failing) {
						test.handler(w, request)
						return
					}
					good[jsonType](w, request)
				})
				if err == nil || got != nil || !strings.Contains(err.Error(), test.want) {
					t.Fatalf("Read = %v, %v, want an error with %q", got, err, test.want)
				}
				if !strings.Contains(err.Error(), apiPath+failing) && !strings.Contains(err.Error(), "MetricsList at byte") {
					t.Errorf("the error does not say what failed: %v", err)
				}
				if strings.Contains(err.Error(), "secret") {
					t.Errorf("the error tells the token: %v", err)
				}
			})
		}
	}
}

// answerStart begins an answer whose list claims to be longer than any body.
func answerStart() []byte { return answer(claiming(unknownRaw, 1<<40)) }

func TestAReadEndsWithItsContext(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("the read took longer than a while")
	_, err := read(ctx, t, func(w http.ResponseWriter, request *http.Request) {
		w.Header().Set("Content-Type", protobufType)
		_, _ = w.Write(answerStart())
		_ = http.NewResponseController(w).Flush()
		cancel(reason)
		<-request.Context().Done()
	})
	if !errors.Is(err, reason) {
		t.Errorf("the error is %v, want %v", err, reason)
	}
}

func TestManyPodsAreAdvisedAgainstOnce(t *testing.T) {
	var lines []string
	logger := funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{})
	ctx := klog.NewContext(t.Context(), logger)
	list := encodeProtobuf(t, pods(MaxPods+1), podList)
	nodes := encodeProtobuf(t, &metricsv1beta1.NodeMetricsList{}, nodeList)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		w.Header().Set("Content-Type", protobufType)
		if strings.HasSuffix(request.URL.Path, "/nodes") {
			_, _ = w.Write(nodes)
			return
		}
		_, _ = w.Write(list)
	}))
	defer server.Close()
	source, err := New(&rest.Config{Host: server.URL}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		set, err := source.Read(ctx)
		if err != nil || len(set.Pods) != MaxPods+1 {
			t.Fatalf("%v, %v", set, err)
		}
	}
	if len(lines) != 1 || !strings.Contains(lines[0], "Prometheus") {
		t.Errorf("logged: %q", lines)
	}
}
