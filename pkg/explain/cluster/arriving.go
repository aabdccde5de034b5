// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

const (
	// someAtATime is how many pods are seen to at a time.
	someAtATime = 500
	// readAhead is how many bytes of what comes are asked for at a time.
	readAhead = 256 << 10
	// largestObject is more than any object in a list has, in bytes: etcd takes 1.5 MiB by default.
	largestObject = 64 << 20
)

// eachPod lists the pods of all namespaces, without what cuts say where they come in protobuf, and returns the list's resource version. see
// gets some at a time while the rest arrives.
//
// The list is asked for whole: an API server makes it of its cache and sends it while it is made (k8s.io/apiserver
// pkg/server/genericapiserver.go: WithStreamingCollectionEncodingToProtobuf). Pages after the first come out of etcd where its cache has
// no snapshot of the first one's version any more (pkg/storage/cacher/delegator.go: GetList), which took twice the time and the work.
func eachPod(ctx context.Context, client kubernetes.Interface, selector string, without *cuts, see func([]corev1.Pod)) (version string, err error) {
	options := metav1.ListOptions{FieldSelector: selector}
	connection, ok := client.CoreV1().RESTClient().(*rest.RESTClient)
	if !ok || connection == nil { // a client without a server
		list, err := client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, options)
		if err != nil {
			return "", err
		}
		see(list.Items)
		return list.ResourceVersion, nil
	}
	body, err := connection.Get().Resource("pods").VersionedParams(&options, scheme.ParameterCodec).Stream(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = body.Close() }()
	arriving := bufio.NewReaderSize(body, readAhead)
	if start, _ := arriving.Peek(len(magic)); string(start) == magic {
		version, err = readProtobuf(arriving, without, see)
	} else {
		version, err = readWhole(arriving, see)
	}
	if err != nil {
		return "", fmt.Errorf("list of pods: %w", err)
	}
	return version, nil
}

// readWhole reads a list in another format than protobuf.
func readWhole(body io.Reader, see func([]corev1.Pod)) (version string, err error) {
	content, err := io.ReadAll(body)
	if err != nil {
		return "", err
	}
	list := &corev1.PodList{}
	decoded, _, err := scheme.Codecs.UniversalDeserializer().Decode(content, nil, list)
	if err != nil {
		return "", err
	}
	if decoded != runtime.Object(list) {
		return "", fmt.Errorf("the server sent %T", decoded)
	}
	see(list.Items)
	return list.ResourceVersion, nil
}

// The fields of what a server sends in protobuf: an envelope (runtime.Unknown, k8s.io/apimachinery/pkg/runtime/generated.proto) around a
// list (k8s.io/api/core/v1/generated.proto).
const (
	magic = "k8s\x00"

	envelopeType, envelopeRaw = 1, 2
	listMetadata, listItems   = 1, 2
)

// readProtobuf reads a list in protobuf, pod by pod.
func readProtobuf(body *bufio.Reader, without *cuts, see func([]corev1.Pod)) (version string, err error) {
	if _, err := body.Discard(len(magic)); err != nil {
		return "", err
	}
	envelope, list := arrivingFields(body, untilItEnds), &arrivingPods{without: without, see: see}
	var kind runtime.TypeMeta
	for lists := 0; ; {
		number, size, err := envelope.next()
		switch {
		case errors.Is(err, io.EOF) && lists == 1:
			list.flush()
			return list.version, nil
		case err != nil:
			return "", unexpected(err)
		case number == envelopeType:
			content, err := envelope.take(size)
			if err != nil {
				return "", err
			}
			if err := kind.Unmarshal(content); err != nil {
				return "", err
			}
		case number == envelopeRaw && (kind.Kind != "PodList" || lists > 0):
			return "", fmt.Errorf("the server sent list %d of kind %q, want one PodList", lists+1, kind.Kind)
		case number == envelopeRaw:
			lists++
			if err := list.read(arrivingFields(body, size)); err != nil {
				return "", err
			}
		default:
			if err := envelope.skip(size); err != nil {
				return "", err
			}
		}
	}
}

// arrivingPods are those of a list.
type arrivingPods struct {
	without *cuts
	see     func([]corev1.Pod)
	version string
	some    []corev1.Pod // not seen to yet
}

// read reads the fields of a list.
func (p *arrivingPods) read(list *fields) error {
	for {
		number, size, err := list.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		content, err := list.take(size)
		if err != nil {
			return err
		}
		switch number {
		case listMetadata:
			var metadata metav1.ListMeta
			if err := metadata.Unmarshal(content); err != nil {
				return err
			}
			p.version = metadata.ResourceVersion
		case listItems:
			if err := p.add(content); err != nil {
				return err
			}
		}
	}
}

// add decodes a pod without what is to be left out.
func (p *arrivingPods) add(content []byte) error {
	if len(p.some) == cap(p.some) {
		p.flush()
		p.some = make([]corev1.Pod, 0, someAtATime)
	}
	p.some = p.some[:len(p.some)+1]
	return p.some[len(p.some)-1].Unmarshal(strip(content, p.without))
}

func (p *arrivingPods) flush() {
	if len(p.some) > 0 {
		p.see(p.some)
	}
	p.some = nil
}
