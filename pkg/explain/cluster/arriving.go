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

	"github.com/headroom-dev/headroom/pkg/usage/protolist"
)

const (
	// someAtATime is how many pods are seen to at a time.
	someAtATime = 500
	// largestPod is more than any pod has, in bytes: etcd takes 1.5 MiB by default.
	largestPod = 16 << 20
	// maxPods is some times the 150,000 that Kubernetes supports.
	maxPods = 1_000_000
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
	arriving := bufio.NewReader(body)
	if start, _ := arriving.Peek(len(protolist.Magic)); string(start) == protolist.Magic {
		return readProtobuf(arriving, without, see)
	}
	return readWhole(arriving, see)
}

// readWhole reads a list in another format than protobuf.
func readWhole(body io.Reader, see func([]corev1.Pod)) (version string, err error) {
	content, err := io.ReadAll(body)
	if err != nil {
		return "", fmt.Errorf("list of pods: %w", err)
	}
	list := &corev1.PodList{}
	if len(content) == 0 {
		return "", errors.New("list of pods: the server sent nothing")
	}
	decoded, _, err := scheme.Codecs.UniversalDeserializer().Decode(content, nil, list)
	if err != nil {
		return "", fmt.Errorf("list of pods: %w", err)
	}
	if decoded != runtime.Object(list) {
		return "", fmt.Errorf("list of pods: the server sent %T", decoded)
	}
	if list.Continue != "" {
		return "", errors.New("list of pods: the server sent a part of it, though all was asked for")
	}
	see(list.Items)
	return list.ResourceVersion, nil
}

// readProtobuf reads a list in protobuf, pod by pod.
func readProtobuf(body io.Reader, without *cuts, see func([]corev1.Pod)) (version string, err error) {
	some := make([]corev1.Pod, 0, someAtATime) // not seen to yet
	list := protolist.List{Kind: "PodList", MaxItems: maxPods, MaxItemBytes: largestPod, Item: func(message []byte) error {
		if len(some) == cap(some) {
			see(some)
			some = make([]corev1.Pod, 0, someAtATime)
		}
		some = some[:len(some)+1]
		return some[len(some)-1].Unmarshal(strip(message, without))
	}}
	if version, err = list.Read(body); err == nil {
		see(some)
	}
	return version, err
}
