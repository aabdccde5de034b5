// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/headroom-dev/headroom/pkg/explain/cluster"
)

// server is an API server that serves pods and forbids, or does not know, some resources.
func server(t *testing.T, refuse map[string]int) *rest.Config {
	t.Helper()
	made := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		if request.URL.Query().Get("watch") != "" {
			t.Errorf("a watch came through: %s", request.URL)
		}
		resource := request.URL.Path[strings.LastIndex(request.URL.Path, "/")+1:]
		response.Header().Set("Content-Type", "application/json")
		if code := refuse[resource]; code != 0 {
			response.WriteHeader(code)
			_ = json.NewEncoder(response).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Code: int32(code)})
			return
		}
		var list any = map[string]any{"metadata": map[string]string{"resourceVersion": "7"}, "items": []any{}}
		if resource == "pods" {
			list = threePods()
		}
		_ = json.NewEncoder(response).Encode(list)
	}))
	t.Cleanup(made.Close)
	return &rest.Config{Host: made.URL}
}

func threePods() *corev1.PodList {
	pod := func(name string, managed bool) corev1.Pod {
		made := corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", UID: types.UID(name), Annotations: map[string]string{"headroom.dev/memory-peak": "1Gi", "note": "long"}},
			Spec:       corev1.PodSpec{NodeName: "node", Containers: []corev1.Container{{Name: "main", Env: []corev1.EnvVar{{Name: "A"}}}}},
		}
		if managed {
			made.ManagedFields = []metav1.ManagedFieldsEntry{{FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:nodeName":{}}}`)}}
		}
		return made
	}
	list := &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "7"}}
	list.Items = []corev1.Pod{pod("one", false), pod("two", true), pod("three", false)}
	return list
}

func TestAClusterIsReadOnceAndTrimmed(t *testing.T) {
	before := goleak.IgnoreCurrent()
	for name, base := range map[string]string{"read": "", "read through a proxy": "/k8s/clusters/x", "read through one that is named as a folder": "/k8s/"} {
		t.Run(name, func(t *testing.T) { readOnce(t, base) })
	}
	http.DefaultClient.CloseIdleConnections()
	goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

// readOnce reads a cluster whose API is below a path.
func readOnce(t *testing.T, base string) {
	t.Helper()
	at := server(t, map[string]int{"namespaces": http.StatusForbidden, "csinodes": http.StatusNotFound})
	at.Host += base
	c, err := cluster.Open(at)
	if err != nil {
		t.Fatal(err)
	}
	c.LookForBypassing()
	c.Informers.Core().V1().Nodes().Informer()
	c.Informers.Core().V1().Namespaces().Informer()
	c.Informers.Storage().V1().CSINodes().Informer()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Read(ctx); err != nil {
		t.Fatal(err)
	}
	pods, err := c.Informers.Core().V1().Pods().Lister().List(labels.Everything())
	if err != nil || len(pods) != 3 || c.PodsRead() != 3 {
		t.Fatalf("%d pods, %d read, error %v; want 3", len(pods), c.PodsRead(), err)
	}
	for _, pod := range pods {
		if diff := cmp.Diff(map[string]string{"headroom.dev/memory-peak": "1Gi"}, pod.Annotations); diff != "" || pod.ManagedFields != nil || pod.Spec.Containers[0].Env != nil {
			t.Errorf("%s is not trimmed, or too much: %s", pod.Name, diff)
		}
	}
	bypassed, looked := c.Bypassed()
	if diff := cmp.Diff([]types.NamespacedName{{Namespace: "default", Name: "two"}}, bypassed); diff != "" || !looked {
		t.Errorf("pods that bypass schedulers (looked for: %t; -want +got):\n%s", looked, diff)
	}
	var losses []string
	for _, loss := range c.Losses() {
		losses = append(losses, loss.String())
	}
	if diff := cmp.Diff([]string{
		"csinodes.storage.k8s.io are not served: the number of volumes of a node is not limited",
		"no permission to list namespaces: pod affinity by namespace selector matches no namespace",
	}, losses); diff != "" {
		t.Errorf("losses (-want +got):\n%s", diff)
	}
	cancel()
	c.Informers.Shutdown()
}

func TestWithoutNodesOrPodsThereIsNoAnswer(t *testing.T) {
	for _, resource := range []string{"nodes", "pods"} {
		t.Run(resource, func(t *testing.T) {
			c, err := cluster.Open(server(t, map[string]int{resource: http.StatusForbidden}))
			if err != nil {
				t.Fatal(err)
			}
			c.Informers.Core().V1().Nodes().Informer()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := c.Read(ctx); err == nil || !strings.Contains(err.Error(), "no permission to list "+resource) {
				t.Errorf("error %v, want one that names the missing permission", err)
			}
		})
	}
}

func TestAServerThatDoesNotAnswerIsNamed(t *testing.T) {
	c, err := cluster.Open(server(t, map[string]int{"pods": http.StatusServiceUnavailable}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	go func() {
		defer cancel(context.DeadlineExceeded)
		_ = wait.PollUntilContextCancel(ctx, time.Millisecond, true, func(context.Context) (bool, error) { return strings.Contains(c.Failure(), "503"), nil })
	}()
	if err := c.Read(ctx); err == nil || !strings.Contains(err.Error(), "list pods: the server answered 503") {
		t.Errorf("error %v, want one that says what the server answered", err)
	}
}

// The connection is cut once, and the list begins anew: no pod is counted twice.
func TestAListThatBreaksOffBeginsAnew(t *testing.T) {
	list, count := threePods(), 2000
	for i := len(list.Items); i < count; i++ {
		list.Items = append(list.Items, corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("pod-", i), Namespace: "default"}})
	}
	list.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}
	var encoded bytes.Buffer
	if err := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme).Encode(list, &encoded); err != nil {
		t.Fatal(err)
	}
	body := encoded.Bytes()
	var broken atomic.Bool
	made := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, _ *http.Request) {
		response.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
		_, _ = response.Write(body[:len(body)/2])
		if broken.CompareAndSwap(false, true) {
			response.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		_, _ = response.Write(body[len(body)/2:])
	}))
	t.Cleanup(made.Close)
	c, err := cluster.Open(&rest.Config{Host: made.URL})
	if err != nil {
		t.Fatal(err)
	}
	c.LookForBypassing()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Read(ctx); err != nil {
		t.Fatal(err)
	}
	if !broken.Load() || c.PodsRead() != count {
		t.Errorf("%d pods read, broken off %t; want %d, true", c.PodsRead(), broken.Load(), count)
	}
	bypassed, looked := c.Bypassed()
	if diff := cmp.Diff([]types.NamespacedName{{Namespace: "default", Name: "two"}}, bypassed); diff != "" || !looked {
		t.Errorf("pods that bypass schedulers (looked for: %t; -want +got):\n%s", looked, diff)
	}
}

// Who does not ask for them is not kept waiting for them, and is not told that there are none.
func TestPodsThatBypassSchedulersAreLookedForWhereThatIsAskedFor(t *testing.T) {
	c, err := cluster.Open(server(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Read(ctx); err != nil {
		t.Fatal(err)
	}
	if bypassed, looked := c.Bypassed(); looked || len(bypassed) > 0 || c.PodsRead() != 3 {
		t.Errorf("of %d pods %v bypass schedulers, looked for: %t; want 3, none, false", c.PodsRead(), bypassed, looked)
	}
}

func TestOnlySpecNodeNameBypassesSchedulers(t *testing.T) {
	for fields, want := range map[string]bool{
		`{"f:spec":{"f:nodeName":{}}}`: true,
		`{"f:metadata":{"f:labels":{"f:nodeName":{}}},"f:spec":{"f:schedulerName":{}}}`:     false,
		`{"f:metadata":{"f:annotations":{"f:nodeName":{}}},"f:spec":{"f:nodeName":{}}}`:     true,
		`{"f:spec":{"f:containers":{"k:{\"name\":\"main\"}":{"f:env":{"f:nodeName":{}}}}}}`: false,
	} {
		pod := &corev1.Pod{Spec: corev1.PodSpec{NodeName: "a"}}
		pod.ManagedFields = []metav1.ManagedFieldsEntry{{FieldsV1: metav1.NewFieldsV1(fields)}}
		if got := cluster.Bypasses(pod); got != want {
			t.Errorf("%s: bypasses = %v, want %v", fields, got, want)
		}
	}
}
