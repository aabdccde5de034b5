// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// pageSize is how many objects one answer has. A page of pods is a few megabytes: enough that their number does not matter, and
// little for the server to hold.
const pageSize = 2000

// page is an answer that has come and is not decoded yet.
type page struct {
	// next is where the page after it begins; "" if that is not known before it is decoded, or if it is the last one.
	next   string
	decode func() (*corev1.PodList, error)
}

// eachPage lists the pods of all namespaces, without what cuts say where that is in protobuf, and returns the list's resource version. While a page is decoded and seen to, the
// server makes the next one: with tens of thousands of pods either takes seconds.
func eachPage(ctx context.Context, client kubernetes.Interface, selector string, without *cuts, see func([]corev1.Pod)) (version string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	options := metav1.ListOptions{FieldSelector: selector, Limit: pageSize}
	var bodies [2]bytes.Buffer // of the page that comes, and of the one that is decoded
	coming := ask(ctx, client, options, without, &bodies[0])
	for turn := 1; ; turn++ {
		got := <-coming
		if options.Continue = got.next; options.Continue != "" {
			coming = ask(ctx, client, options, without, &bodies[turn%2])
		}
		list, err := got.decode()
		if err != nil {
			return "", err
		}
		see(list.Items)
		if list.Continue == "" {
			return list.ResourceVersion, nil
		}
		if got.next != list.Continue {
			if got.next != "" {
				<-coming // another page than that
			}
			options.Continue = list.Continue
			coming = ask(ctx, client, options, without, &bodies[turn%2])
		}
	}
}

// ask sends the page that options name once it has come, into a buffer that is the page's until it is decoded.
func ask(ctx context.Context, client kubernetes.Interface, options metav1.ListOptions, without *cuts, into *bytes.Buffer) <-chan page {
	coming := make(chan page, 1)
	go func() { coming <- fetch(ctx, client, options, without, into) }()
	return coming
}

func fetch(ctx context.Context, client kubernetes.Interface, options metav1.ListOptions, without *cuts, into *bytes.Buffer) page {
	connection, ok := client.CoreV1().RESTClient().(*rest.RESTClient)
	if !ok || connection == nil { // a client without a server
		return page{decode: func() (*corev1.PodList, error) { return client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, options) }}
	}
	body, err := connection.Get().Resource("pods").VersionedParams(&options, scheme.ParameterCodec).Stream(ctx)
	if err == nil {
		into.Reset()
		_, err = into.ReadFrom(body)
		_ = body.Close()
	}
	if err != nil {
		return page{decode: func() (*corev1.PodList, error) { return nil, err }}
	}
	return page{next: continuation(into.Bytes()), decode: func() (*corev1.PodList, error) { return decode(into.Bytes(), without) }}
}

// The fields of what a server sends in protobuf: an envelope (runtime.Unknown, k8s.io/apimachinery/pkg/runtime/generated.proto) around a
// list (k8s.io/api/core/v1/generated.proto), whose metadata comes first (k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto).
const (
	magic = "k8s\x00"

	envelopeType, envelopeRaw = 1, 2
	typeKind                  = 2
	listMetadata, listItems   = 1, 2
	metadataContinue          = 3
)

// decode decodes a page. One in protobuf is not copied out of its envelope first, as the client's own decoder does, and not decoded whole:
// its pods lack what is to be left out. The body is spent then.
func decode(body []byte, without *cuts) (*corev1.PodList, error) {
	list := &corev1.PodList{}
	if envelope, ok := bytes.CutPrefix(body, []byte(magic)); ok {
		kind, _ := field(envelope, envelopeType, typeKind)
		content, _ := field(envelope, envelopeRaw)
		if contents, whole := count(envelope, envelopeRaw); whole && contents == 1 && string(kind) == "PodList" {
			pods, _ := count(content, listItems)
			list.Items = make([]corev1.Pod, 0, min(pods, pageSize))
			if err := list.Unmarshal(strip(content, without)); err != nil {
				return nil, fmt.Errorf("list of pods in protobuf: %w", err)
			}
			return list, nil
		}
	}
	decoded, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, list)
	if err != nil {
		return nil, fmt.Errorf("list of pods: %w", err)
	}
	if decoded != runtime.Object(list) {
		return nil, fmt.Errorf("list of pods: the server sent %T", decoded)
	}
	return list, nil
}

// continuation returns where the list after this one begins, if it is in protobuf.
func continuation(body []byte) string {
	envelope, ok := bytes.CutPrefix(body, []byte(magic))
	if !ok {
		return ""
	}
	next, _ := field(envelope, envelopeRaw, listMetadata, metadataContinue)
	return string(next)
}

// field returns the field that a path of numbers leads to, each the first one of its message that has the number; whole is false if
// there is none, or if the message ends within it.
func field(message []byte, path ...protowire.Number) (value []byte, whole bool) {
	for _, number := range path {
		if message, whole = first(message, number); !whole {
			return nil, false
		}
	}
	return message, true
}

func first(message []byte, number protowire.Number) (value []byte, whole bool) {
	for len(message) > 0 {
		at, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return nil, false
		}
		message = message[size:]
		if at == number && kind == protowire.BytesType {
			value, size = protowire.ConsumeBytes(message)
			return value, size >= 0
		}
		if size = protowire.ConsumeFieldValue(at, kind, message); size < 0 {
			return nil, false
		}
		message = message[size:]
	}
	return nil, false
}

// count returns how many fields of a message have the number. It is whole unless it ends within a field.
func count(message []byte, number protowire.Number) (fields int, whole bool) {
	for len(message) > 0 {
		at, _, size := protowire.ConsumeField(message)
		if size < 0 {
			return fields, false
		}
		if at == number {
			fields++
		}
		message = message[size:]
	}
	return fields, true
}
