// SPDX-License-Identifier: Apache-2.0

package metricsapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// encodeProtobuf is what an API server sends.
func encodeProtobuf(tb testing.TB, list runtime.Object, kind listKind) []byte {
	tb.Helper()
	list.GetObjectKind().SetGroupVersionKind(metricsv1beta1.SchemeGroupVersion.WithKind(string(kind)))
	var out bytes.Buffer
	scheme := runtime.NewScheme()
	if err := protobuf.NewSerializer(scheme, scheme).Encode(list, &out); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func encodeJSON(tb testing.TB, list runtime.Object, kind listKind) []byte {
	tb.Helper()
	list.GetObjectKind().SetGroupVersionKind(metricsv1beta1.SchemeGroupVersion.WithKind(string(kind)))
	out, err := json.Marshal(list)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// found is an item that outlives its decoding.
type found struct {
	Namespace, Name string
	Measurement     sample.Measurement
	Reason          sample.Reason
}

func collect(into *[]found) func(*item) {
	return func(i *item) {
		one := found{Namespace: string(i.namespace), Name: string(i.name), Reason: i.reason}
		if i.reason == "" {
			one.Measurement = i.measurement()
		}
		*into = append(*into, one)
	}
}

// expected is what the types of k8s.io/metrics say of a usage each.
func expected(meta metav1.ObjectMeta, taken time.Time, usages ...corev1.ResourceList) found {
	one := found{Namespace: meta.Namespace, Name: meta.Name, Measurement: sample.Measurement{Time: taken}}
	if len(usages) == 0 {
		one.Reason = sample.ReasonIncomplete
	}
	for _, usage := range usages {
		memory, ok := usage[corev1.ResourceMemory]
		reason := one.Reason
		switch {
		case !ok:
			reason = sample.ReasonIncomplete
		case memory.Sign() < 0:
			reason = sample.ReasonNegative
		case memory.CmpInt64(math.MaxInt64) >= 0 || memory.Value() > math.MaxInt64-one.Measurement.Bytes:
			reason = sample.ReasonNotANumber
		}
		if one.Reason == "" {
			one.Reason = reason
		}
		if one.Reason == "" {
			one.Measurement.Bytes += memory.Value()
		}
	}
	if one.Reason != "" {
		one.Measurement = sample.Measurement{}
	}
	return one
}

func drawUsage(t *rapid.T) corev1.ResourceList {
	usage := corev1.ResourceList{}
	quantity := rapid.SampledFrom([]string{"0", "1", "123456Ki", "7Gi", "1500m", "0.5", "12e3", "3E", "8Ei", "-5", "-1Ki", "9223372036854775807",
		"9223372036854775808", "100Ti", "4000000Ti", "1u", "2k", "3M", "1e-3"})
	if rapid.IntRange(0, 9).Draw(t, "measured") > 0 {
		usage[corev1.ResourceMemory] = resource.MustParse(quantity.Draw(t, "memory"))
	}
	if rapid.Bool().Draw(t, "cpu") {
		usage[corev1.ResourceCPU] = resource.MustParse("250m")
	}
	return usage
}

func drawMeta(t *rapid.T) metav1.ObjectMeta {
	meta := metav1.ObjectMeta{Name: rapid.StringMatching(`[a-z0-9.-]{0,40}`).Draw(t, "name"), Namespace: rapid.StringMatching(`[a-z]{0,8}`).Draw(t, "namespace")}
	if rapid.Bool().Draw(t, "labelled") {
		meta.Labels = map[string]string{"app": "web"}
		meta.CreationTimestamp = metav1.Now()
	}
	return meta
}

func drawTime(t *rapid.T) metav1.Time {
	if seconds := rapid.Int64Range(0, 4_000_000_000).Draw(t, "seconds"); seconds > 0 {
		return metav1.Unix(seconds, 0)
	}
	return metav1.Time{}
}

// The decoders are compared with what k8s.io/metrics itself makes of the same bytes.
func TestListsAreDecodedAsKubernetesDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var pods metricsv1beta1.PodMetricsList
		var nodes metricsv1beta1.NodeMetricsList
		for range rapid.IntRange(0, 5).Draw(rt, "objects") {
			pod := metricsv1beta1.PodMetrics{ObjectMeta: drawMeta(rt), Timestamp: drawTime(rt), Window: metav1.Duration{Duration: time.Minute}}
			for range rapid.IntRange(0, 3).Draw(rt, "containers") {
				pod.Containers = append(pod.Containers, metricsv1beta1.ContainerMetrics{Name: "c", Usage: drawUsage(rt)})
			}
			pods.Items = append(pods.Items, pod)
			nodes.Items = append(nodes.Items, metricsv1beta1.NodeMetrics{ObjectMeta: drawMeta(rt), Timestamp: drawTime(rt), Usage: drawUsage(rt)})
		}
		var again metricsv1beta1.PodMetricsList
		var againNodes metricsv1beta1.NodeMetricsList
		for _, copied := range []struct {
			from interface{ Marshal() ([]byte, error) }
			to   interface{ Unmarshal([]byte) error }
		}{{&pods, &again}, {&nodes, &againNodes}} {
			message, err := copied.from.Marshal()
			if err == nil {
				err = copied.to.Unmarshal(message)
			}
			if err != nil {
				rt.Fatal(err)
			}
		}
		var wantPods, wantNodes []found
		for _, pod := range again.Items {
			var usages []corev1.ResourceList
			for _, container := range pod.Containers {
				usages = append(usages, container.Usage)
			}
			wantPods = append(wantPods, expected(pod.ObjectMeta, pod.Timestamp.Time, usages...))
		}
		for _, node := range againNodes.Items {
			wantNodes = append(wantNodes, expected(node.ObjectMeta, node.Timestamp.Time, node.Usage))
		}
		compare := func(name string, want []found, decode func(func(*item)) error) {
			var got []found
			if err := decode(collect(&got)); err != nil {
				rt.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				rt.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		inPieces := func(text []byte) *bytes.Reader { return bytes.NewReader(text) }
		compare("pods by protobuf", wantPods, func(take func(*item)) error {
			return decodeProtobuf(iotest.OneByteReader(inPieces(encodeProtobuf(t, &pods, podList))), podList, take)
		})
		compare("nodes by protobuf", wantNodes, func(take func(*item)) error {
			return decodeProtobuf(inPieces(encodeProtobuf(t, &nodes, nodeList)), nodeList, take)
		})
		compare("pods by JSON", wantPods, func(take func(*item)) error {
			return decodeJSON(iotest.OneByteReader(inPieces(encodeJSON(t, &pods, podList))), podList, take)
		})
		compare("nodes by JSON", wantNodes, func(take func(*item)) error {
			return decodeJSON(inPieces(encodeJSON(t, &nodes, nodeList)), nodeList, take)
		})
	})
}

// pods makes a list of pods with two containers each.
func pods(count int) *metricsv1beta1.PodMetricsList {
	list := &metricsv1beta1.PodMetricsList{}
	taken := metav1.Unix(1_767_323_045, 0)
	for i := range count {
		usage := corev1.ResourceList{
			corev1.ResourceCPU:    *resource.NewScaledQuantity(int64(1_000_000+i), resource.Nano),
			corev1.ResourceMemory: *resource.NewQuantity(int64(100_000+i)<<10, resource.BinarySI),
		}
		list.Items = append(list.Items, metricsv1beta1.PodMetrics{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: fmt.Sprintf("team-%d", i%300), Name: fmt.Sprintf("deployment-%d-7d9c5b8f6d-%05d", i%5000, i), CreationTimestamp: taken,
				Labels: map[string]string{"app": fmt.Sprintf("deployment-%d", i%5000), "pod-template-hash": "7d9c5b8f6d"},
			},
			Timestamp: taken, Window: metav1.Duration{Duration: 15 * time.Second},
			Containers: []metricsv1beta1.ContainerMetrics{{Name: "main", Usage: usage}, {Name: "sidecar", Usage: usage}},
		})
	}
	return list
}

func TestAListThatIsCutOffAnywhereIsAnError(t *testing.T) {
	for name, format := range map[string]struct {
		text   []byte
		decode func([]byte, func(*item)) error
		// whole is the length from which on nothing of the list is missing.
		whole func([]byte) int
	}{
		"protobuf": {
			encodeProtobuf(t, pods(3), podList),
			func(text []byte, take func(*item)) error { return decodeProtobuf(bytes.NewReader(text), podList, take) },
			// The content encoding and the content type, both empty, follow the list.
			func(text []byte) int { return len(text) - 4 },
		},
		"JSON": {
			encodeJSON(t, pods(3), podList),
			func(text []byte, take func(*item)) error { return decodeJSON(bytes.NewReader(text), podList, take) },
			func(text []byte) int { return len(text) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			for end := range format.whole(format.text) {
				if err := format.decode(format.text[:end], func(*item) {}); err == nil {
					t.Errorf("cut off after %d of %d bytes, and no error", end, len(format.text))
				}
			}
			var got []found
			if err := format.decode(format.text, collect(&got)); err != nil || len(got) != 3 {
				t.Errorf("the whole: %d items, %v", len(got), err)
			}
		})
	}
}

func TestQuantities(t *testing.T) {
	for _, test := range []struct {
		text string
		want int64
		why  sample.Reason
	}{
		{"0", 0, ""}, {"12345Ki", 12345 << 10, ""}, {"3Gi", 3 << 30, ""}, {"1Ei", 1 << 60, ""}, {"100M", 1e8, ""},
		{"1001m", 2, ""}, {"1e3", 1000, ""}, {"9223372036854775806", math.MaxInt64 - 1, ""},
		{"9223372036854775808", 0, sample.ReasonNotANumber}, {"99999999999Ti", 0, sample.ReasonNotANumber}, {"9e99", 0, sample.ReasonNotANumber},
		{"1e1000000000", 0, sample.ReasonNotANumber}, {"1E-1000000000", 0, sample.ReasonNotANumber}, {strings.Repeat("1", 1000), 0, sample.ReasonNotANumber},
		{"NaN", 0, sample.ReasonNotANumber}, {"+Inf", 0, sample.ReasonNotANumber}, {"ten", 0, sample.ReasonNotANumber}, {"", 0, sample.ReasonNotANumber},
		{"-1", 0, sample.ReasonNegative}, {"-3Gi", 0, sample.ReasonNegative},
	} {
		t.Run(test.text[:min(20, len(test.text))], func(t *testing.T) {
			if got, why := parseQuantity([]byte(test.text)); got != test.want || why != test.why {
				t.Errorf("parseQuantity = %d, %q, want %d, %q", got, why, test.want, test.why)
			}
		})
	}
}
