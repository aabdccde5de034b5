// SPDX-License-Identifier: Apache-2.0

package protolist_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/headroom-dev/headroom/pkg/usage/protolist"
)

// sent is a list of nodes of these names, as an API server sends it.
func sent(t *testing.T, more string, names ...string) []byte {
	t.Helper()
	list := &corev1.NodeList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "NodeList"}, ListMeta: metav1.ListMeta{ResourceVersion: "7", Continue: more}}
	for _, name := range names {
		list.Items = append(list.Items, corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	var out bytes.Buffer
	if err := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme).Encode(list, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// nodes is a list that notes the names of nodes, and spoils what it is given, which it may.
func nodes(names *[]string) *protolist.List {
	return &protolist.List{Kind: "NodeList", MaxItems: 3, MaxItemBytes: 1000, Item: func(message []byte) error {
		var node corev1.Node
		err := node.Unmarshal(message)
		*names = append(*names, node.Name)
		clear(message)
		return err
	}}
}

func TestItemsComeOneAfterAnother(t *testing.T) {
	for _, want := range [][]string{nil, {"one"}, {"one", strings.Repeat("long", 100), "three"}} {
		var got []string
		version, err := nodes(&got).Read(iotest.OneByteReader(bytes.NewReader(sent(t, "", want...))))
		if err != nil || version != "7" {
			t.Errorf("version %q, error %v; want 7", version, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("items (-want +got):\n%s", diff)
		}
	}
}

func TestWhatCannotBeTheWholeListIsRefused(t *testing.T) {
	whole := sent(t, "", "one", "two")
	for _, test := range []struct {
		name string
		body []byte
		want string // part of the error
	}{
		{"a part of it", sent(t, "more", "one"), "first page"},
		{"too many items", sent(t, "", "one", "two", "three", "four"), "more than 3 items"},
		{"an item that is too large", sent(t, "", strings.Repeat("x", 2000)), "at most 1000 are taken"},
		{"cut off", whole[:len(whole)-10], "decode protobuf of NodeList at byte"},
		{"another kind", bytes.Replace(whole, []byte("NodeList"), []byte("MoreList"), 1), `kind "MoreList"`},
		{"no protobuf", []byte("{}{}{}"), "it begins with"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			if _, err := nodes(&got).Read(bytes.NewReader(test.body)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestWhoReadsItemsEndsIt(t *testing.T) {
	enough, seen := errors.New("enough"), 0
	list := &protolist.List{Kind: "NodeList", MaxItems: 3, MaxItemBytes: 1000, Item: func([]byte) error {
		seen++
		return enough
	}}
	if _, err := list.Read(bytes.NewReader(sent(t, "", "one", "two"))); !errors.Is(err, enough) || seen != 1 {
		t.Errorf("after %d items: %v; want %v after one", seen, err, enough)
	}
}
