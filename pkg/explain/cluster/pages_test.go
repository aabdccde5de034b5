// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
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

// pageOf has one pod of that name; next is where the page after it begins.
func pageOf(name, next string) *corev1.PodList {
	return &corev1.PodList{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}, ListMeta: metav1.ListMeta{ResourceVersion: "7", Continue: next},
		Items: []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: name}}},
	}
}

func TestAPageIsAskedForWhileTheOneBeforeItIsSeenTo(t *testing.T) {
	for _, test := range []struct {
		name        string
		contentType string
		encode      func(testing.TB, runtime.Object) []byte
		ahead       bool
	}{
		{"protobuf", runtime.ContentTypeProtobuf, inProtobuf, true},
		{"JSON, where the next page is known once this one is decoded", runtime.ContentTypeJSON, inJSON, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			pages := map[string]*corev1.PodList{"": pageOf("one", "second"), "second": pageOf("two", "third"), "third": pageOf("three", "")}
			asked := make(chan string, len(pages))
			server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
				query := request.URL.Query()
				if got, want := query.Get("fieldSelector")+" "+query.Get("limit"), live+" 2000"; got != want {
					t.Errorf("selector and limit %q, want %q", got, want)
				}
				asked <- query.Get("continue")
				response.Header().Set("Content-Type", test.contentType)
				_, _ = response.Write(test.encode(t, pages[query.Get("continue")]))
			}))
			t.Cleanup(server.Close)
			client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: test.contentType}})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var seen, requested []string
			version, err := eachPage(ctx, client, live, cutsOfPods(false), func(pods []corev1.Pod) {
				seen = append(seen, pods[0].Name)
				for test.ahead && len(requested) <= len(seen) && len(requested) < len(pages) {
					select {
					case at := <-asked:
						requested = append(requested, at)
					case <-ctx.Done():
						t.Fatalf("page %d is seen to, and only %q were asked for", len(seen), requested)
					}
				}
			})
			if err != nil || version != "7" {
				t.Errorf("version %q, error %v; want 7", version, err)
			}
			if diff := cmp.Diff([]string{"one", "two", "three"}, seen); diff != "" {
				t.Errorf("pods (-want +got):\n%s", diff)
			}
		})
	}
}

// Pages as large as they get come while the one before is decoded: no pod of it is lost to the next.
func TestAPageDoesNotOverwriteTheOneThatIsDecoded(t *testing.T) {
	const count = 4
	var pages [count][]byte
	for i := range pages {
		list := pageOf("", strconv.Itoa(i+1))
		if i == count-1 {
			list.Continue = ""
		}
		list.Items = nil
		for j := range pageSize {
			list.Items = append(list.Items, corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("pod-%d-%04d", i, j), Annotations: map[string]string{"long": strings.Repeat("x", 500)}}})
		}
		pages[i] = inProtobuf(t, list)
	}
	server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		response.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
		page, _ := strconv.Atoi(request.URL.Query().Get("continue"))
		_, _ = response.Write(pages[page])
	}))
	t.Cleanup(server.Close)
	client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: runtime.ContentTypeProtobuf}})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	if _, err := eachPage(t.Context(), client, live, cutsOfPods(false), func(pods []corev1.Pod) {
		for j := range pods {
			if want := fmt.Sprintf("pod-%d-%04d", seen/pageSize, seen%pageSize); pods[j].Name != want {
				t.Fatalf("pod %d is %s, want %s", seen, pods[j].Name, want)
			}
			seen++
		}
	}); err != nil {
		t.Fatal(err)
	}
	if seen != count*pageSize {
		t.Errorf("%d pods, want %d", seen, count*pageSize)
	}
}

func TestWhatIsWrongWithAPageIsSaid(t *testing.T) {
	whole := inProtobuf(t, pageOf("one", "second"))
	for _, test := range []struct {
		name   string
		first  []byte
		second int
		want   string
	}{
		{"a page that is cut off", whole[:len(whole)/2], http.StatusOK, "unexpected EOF"},
		{"a page that is cut off behind its pods", whole[:len(whole)-1], http.StatusOK, "unexpected EOF"},
		{"another list", inProtobuf(t, &corev1.NodeList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "NodeList"}}), http.StatusOK, "NodeList"},
		{"a list that has expired", whole, http.StatusGone, "410"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
				response.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
				if request.URL.Query().Get("continue") != "" {
					response.WriteHeader(test.second)
					return
				}
				_, _ = response.Write(test.first)
			}))
			t.Cleanup(server.Close)
			client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: runtime.ContentTypeProtobuf}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := eachPage(t.Context(), client, live, cutsOfPods(false), func([]corev1.Pod) {}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// FuzzContinuation looks for lists that, written as a server writes them, tell their continuation otherwise than by decoding them.
func FuzzContinuation(f *testing.F) {
	for _, list := range []*corev1.PodList{pageOf("one", "second"), pageOf("one", "")} {
		f.Add(inProtobuf(f, list))
		f.Add(inJSON(f, list))
	}
	f.Add([]byte("k8s\x00\x12\xff"))
	decoder := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)
	f.Fuzz(func(t *testing.T, body []byte) {
		continuation(body) // must not panic, whatever it is
		list := &corev1.PodList{}
		if _, _, err := decoder.Decode(body, nil, list); err != nil {
			return
		}
		if told := continuation(inProtobuf(t, list)); told != list.Continue {
			t.Errorf("continuation %q, decoded %q", told, list.Continue)
		}
	})
}
