// SPDX-License-Identifier: Apache-2.0

package arms

import (
	"encoding/binary"
	"io"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// The fields that are written here: of an answer (runtime.Unknown, k8s.io/apimachinery/pkg/runtime/generated.proto), of a list and of
// its items (k8s.io/metrics/pkg/apis/metrics/v1beta1/generated.proto), and of a time (k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto).
const (
	magic = "k8s\x00"

	answerType, answerRaw                          = 1, 2
	listItems                                      = 2
	itemMetadata, itemTime, itemWindow, itemUsages = 1, 2, 3, 4
	timeSeconds                                    = 1

	// secondsSize is how many bytes the seconds of a time take, from 1978 to 3058.
	secondsSize = 5
)

// podList is the list of pods' metrics as it is sent in protobuf. It is kept encoded: 150,000 pods are tens of megabytes, and a process
// that is measured shall not spend its time on what a metrics-server does elsewhere.
type podList struct {
	mutex sync.Mutex
	items []byte
	times []int // where in items the seconds of a time are

	sending sync.Mutex
	sent    []byte // what is being sent, or was
}

// add adds a pod that holds 50Mi.
func (l *podList) add(pod *corev1.Pod) error {
	metadata, err := (&metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace}).Marshal()
	if err != nil {
		return err
	}
	window, err := (&metav1.Duration{Duration: interval}).Marshal()
	if err != nil {
		return err
	}
	usage, err := (&metricsv1beta1.ContainerMetrics{Name: pod.Spec.Containers[0].Name, Usage: corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("50Mi"),
	}}).Marshal()
	if err != nil {
		return err
	}
	item := bytesField(nil, itemMetadata, metadata)
	item = bytesField(item, itemTime, binary.AppendUvarint(protowire.AppendTag(nil, timeSeconds, protowire.VarintType), uint64(time.Now().Unix())))
	seconds := len(item) - secondsSize
	item = bytesField(item, itemWindow, window)
	item = bytesField(item, itemUsages, usage)

	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.items = protowire.AppendTag(l.items, listItems, protowire.BytesType)
	l.items = protowire.AppendVarint(l.items, uint64(len(item)))
	l.times = append(l.times, len(l.items)+seconds)
	l.items = append(l.items, item...)
	return nil
}

// send writes the list with all pods measured at a moment.
func (l *podList) send(w io.Writer, now time.Time) error {
	kind, err := (&runtime.TypeMeta{APIVersion: metricsv1beta1.SchemeGroupVersion.String(), Kind: "PodMetricsList"}).Marshal()
	if err != nil {
		return err
	}
	l.sending.Lock()
	defer l.sending.Unlock()
	l.mutex.Lock()
	for _, at := range l.times {
		binary.PutUvarint(l.items[at:], uint64(now.Unix()))
	}
	l.sent = bytesField(append(l.sent[:0], magic...), answerType, kind)
	l.sent = bytesField(l.sent, answerRaw, l.items)
	l.mutex.Unlock() // whoever adds a pod does not wait for the reader
	_, err = w.Write(l.sent)
	return err
}

func bytesField(message []byte, number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(message, number, protowire.BytesType), value)
}
