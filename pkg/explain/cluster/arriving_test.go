// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

func inProtobuf(tb testing.TB, list runtime.Object) []byte {
	tb.Helper()
	return encoded(tb, protobuf.NewSerializer(scheme.Scheme, scheme.Scheme), list)
}

func inJSON(tb testing.TB, list runtime.Object) []byte {
	tb.Helper()
	return encoded(tb, json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, json.SerializerOptions{}), list)
}

func encoded(tb testing.TB, encoder runtime.Encoder, list runtime.Object) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := encoder.Encode(list, &out); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// manyPods is a list of pods of many sizes.
func manyPods(count int) *corev1.PodList {
	list := &corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}, ListMeta: metav1.ListMeta{ResourceVersion: "7"}}
	for i := range count {
		list.Items = append(list.Items, corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("pod-%05d", i), Annotations: map[string]string{"long": strings.Repeat("x", i*7919%5000)},
		}})
	}
	return list
}

func namesOf(pods []corev1.Pod) []string {
	var names []string
	for i := range pods {
		names = append(names, pods[i].Name)
	}
	return names
}

// serving is a client of a server that answers every question for pods so.
func serving(t *testing.T, contentType string, answer func(http.ResponseWriter)) kubernetes.Interface {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		if query := request.URL.Query(); query.Get("fieldSelector") != live || query.Has("limit") {
			t.Errorf("asked for %s, want those of %q, whole", request.URL, live)
		}
		response.Header().Set("Content-Type", contentType)
		answer(response)
	}))
	t.Cleanup(server.Close)
	client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: contentType}})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestAllPodsOfAListAreRead(t *testing.T) {
	for _, test := range []struct {
		contentType string
		encode      func(testing.TB, runtime.Object) []byte
	}{{runtime.ContentTypeProtobuf, inProtobuf}, {runtime.ContentTypeJSON, inJSON}} {
		for _, count := range []int{0, 1, someAtATime, 3*someAtATime + 1} {
			t.Run(fmt.Sprintf("%d in %s", count, test.contentType), func(t *testing.T) {
				list := manyPods(count)
				body := test.encode(t, list)
				client := serving(t, test.contentType, func(response http.ResponseWriter) { _, _ = response.Write(body) })
				var seen []string
				version, err := eachPod(t.Context(), client, live, cutsOfPods(false), func(some []corev1.Pod) { seen = append(seen, namesOf(some)...) })
				if err != nil || version != "7" {
					t.Errorf("version %q, error %v; want 7", version, err)
				}
				if diff := cmp.Diff(namesOf(list.Items), seen); diff != "" {
					t.Errorf("pods (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestPodsAreSeenToWhileTheRestArrives(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	body, first := inProtobuf(t, manyPods(4*someAtATime)), make(chan struct{})
	client := serving(t, runtime.ContentTypeProtobuf, func(response http.ResponseWriter) {
		_, _ = response.Write(body[:len(body)/2])
		response.(http.Flusher).Flush()
		select {
		case <-first:
		case <-ctx.Done():
		}
		_, _ = response.Write(body[len(body)/2:])
	})
	seen := 0
	if _, err := eachPod(ctx, client, live, cutsOfPods(false), func(some []corev1.Pod) {
		if seen == 0 {
			close(first)
		}
		seen += len(some)
	}); err != nil || seen != 4*someAtATime {
		t.Errorf("%d pods, error %v; want %d", seen, err, 4*someAtATime)
	}
}

func TestWhatIsWrongWithAListIsSaid(t *testing.T) {
	whole := inProtobuf(t, manyPods(2*someAtATime))
	nodes := &corev1.NodeList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "NodeList"}}
	page := manyPods(1)
	page.Continue = "more"
	spoiled := bytes.Replace(whole, []byte("\x0a\x09pod-00900"), bytes.Repeat([]byte{0xff}, 11), 1)
	for _, test := range []struct {
		name string
		body []byte
		code int
		want string
	}{
		{"cut off within its pods", whole[:len(whole)/2], http.StatusOK, "unexpected EOF"},
		{"cut off behind its pods", whole[:len(whole)-1], http.StatusOK, "unexpected EOF"},
		{"another list", inProtobuf(t, nodes), http.StatusOK, `kind "NodeList"`},
		{"another list, in JSON", inJSON(t, nodes), http.StatusOK, "the server sent *v1.NodeList"},
		{"a part of a list", inProtobuf(t, page), http.StatusOK, "first page"},
		{"a part of a list, in JSON", inJSON(t, page), http.StatusOK, "the server sent a part of it"},
		{"nothing", nil, http.StatusOK, "the server sent nothing"},
		{"a pod that is none", spoiled, http.StatusOK, "item 901"},
		{"a refusal", nil, http.StatusGone, "410"},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := serving(t, runtime.ContentTypeProtobuf, func(response http.ResponseWriter) {
				response.WriteHeader(test.code)
				_, _ = response.Write(test.body)
			})
			if _, err := eachPod(t.Context(), client, live, cutsOfPods(false), func([]corev1.Pod) {}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// FuzzArriving looks for lists that, written as a server writes them, are read otherwise while they arrive than whole.
func FuzzArriving(f *testing.F) {
	f.Add(inProtobuf(f, manyPods(3)))
	f.Add(inProtobuf(f, anyPods(1, 2)))
	f.Add([]byte("k8s\x00\x12\xff"))
	decoder := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)
	read := func(body []byte) (got corev1.PodList, err error) {
		got.ResourceVersion, err = readProtobuf(bytes.NewReader(body), &cuts{}, func(some []corev1.Pod) { got.Items = append(got.Items, some...) })
		return got, err
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = read(body) // must not panic, whatever it is
		want := &corev1.PodList{}
		if _, _, err := decoder.Decode(body, nil, want); err != nil || want.Continue != "" {
			return // A part of a list is refused.
		}
		written := inProtobuf(t, want)
		want = &corev1.PodList{}
		if _, _, err := decoder.Decode(written, nil, want); err != nil {
			t.Fatal(err)
		}
		got, err := read(written)
		if err != nil || got.ResourceVersion != want.ResourceVersion {
			t.Errorf("version %q, error %v; want %q", got.ResourceVersion, err, want.ResourceVersion)
		}
		if diff := cmp.Diff(want.Items, got.Items); diff != "" {
			t.Errorf("pods (-whole +while they arrive):\n%s", diff)
		}
	})
}
