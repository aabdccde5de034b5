// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/randfill"

	"github.com/headroom-dev/headroom/pkg/usage/protolist"
)

// anyPods are pods with every field set to something, for better or worse.
func anyPods(seed int64, count int) *corev1.PodList {
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	filler := randfill.NewWithSeed(seed).NilChance(0.5).NumElements(1, 1).Funcs(metafuzzer.Funcs(serializer.NewCodecFactory(scheme.Scheme))...).Funcs(
		func(quantity *resource.Quantity, c randfill.Continue) {
			*quantity = *resource.NewQuantity(c.Int63n(1<<40), resource.BinarySI)
		},
		func(entry *metav1.ManagedFieldsEntry, c randfill.Continue) {
			entry.Manager, entry.Subresource = c.String(10), []string{"", "status"}[c.Intn(2)]
			entry.FieldsV1 = metav1.NewFieldsV1(fmt.Sprintf(`{"f:%s":{"f:%s":{}}}`, []string{"spec", "metadata"}[c.Intn(2)], []string{"nodeName", "nodeNames", "labels"}[c.Intn(3)]))
		},
	)
	list := &corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}, ListMeta: metav1.ListMeta{ResourceVersion: "7"}, Items: make([]corev1.Pod, count)}
	for i := range list.Items {
		pod := &list.Items[i]
		filler.Fill(pod)
		filler.Fill(&pod.ManagedFields)
		for _, key := range []string{"headroom.dev/memory-peak", "kubernetes.io/config.mirror", "kubernetes.io/config", "headroom.dev"} {
			if random.IntN(2) == 0 {
				metav1.SetMetaDataAnnotation(&pod.ObjectMeta, key, "some")
			}
		}
	}
	return list
}

// arrived is the list without what cuts say, as it is read while it arrives.
func arrived(t *testing.T, list *corev1.PodList, without *cuts) *corev1.PodList {
	t.Helper()
	got := &corev1.PodList{}
	version, err := readProtobuf(bytes.NewReader(inProtobuf(t, list)), without, func(some []corev1.Pod) { got.Items = append(got.Items, some...) })
	if err != nil {
		t.Fatal(err)
	}
	got.ResourceVersion = version
	return got
}

// What is left out before a pod is decoded is what trim would drop of it, and no more.
func TestAPodThatIsStrippedAndTrimmedIsThePodTrimmed(t *testing.T) {
	for seed := range int64(20) {
		list := anyPods(seed, 10)
		got := arrived(t, list, cutsOfPods(true))
		sent := &corev1.PodList{}
		body := inProtobuf(t, list)
		if _, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, sent); err != nil {
			t.Fatal(err)
		}
		if len(got.Items) != len(sent.Items) || got.ResourceVersion != "7" {
			t.Fatalf("%d pods of version %q, want %d of 7", len(got.Items), got.ResourceVersion, len(sent.Items))
		}
		for i := range sent.Items {
			if got, want := Bypasses(&got.Items[i]), Bypasses(&sent.Items[i]); got != want {
				t.Errorf("seed %d, pod %d: bypasses %t, want %t", seed, i, got, want)
			}
			trim(&got.Items[i])
			trim(&sent.Items[i])
			if diff := cmp.Diff(sent.Items[i], got.Items[i], cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("seed %d, pod %d (-trimmed +stripped and trimmed):\n%s", seed, i, diff)
			}
		}
	}
}

// Nothing that would be dropped is decoded, or stripping were for nothing.
func TestWhatIsDroppedIsNotDecoded(t *testing.T) {
	list := arrived(t, anyPods(1, 50), cutsOfPods(false))
	for i := range list.Items {
		pod := list.Items[i].DeepCopy()
		for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
			for j := range containers {
				containers[j].VolumeMounts = nil // which of them are looked at is not known before
			}
		}
		for j := range pod.Status.Conditions {
			pod.Status.Conditions[j].Message = "" // nor which condition it is
		}
		want := pod.DeepCopy()
		trim(want)
		for j := range want.Status.Conditions {
			want.Status.Conditions[j].Message = ""
		}
		if diff := cmp.Diff(want, pod, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("pod %d (-trimmed +stripped):\n%s", i, diff)
		}
	}
}

// FuzzStrip looks for messages that are read otherwise after stripping, though nothing is left out of them.
func FuzzStrip(f *testing.F) {
	for seed := range int64(3) {
		body := inProtobuf(f, anyPods(seed, 2))
		content, _ := field(body[len(protolist.Magic):], 2) // raw, of runtime.Unknown
		f.Add(content)
	}
	f.Add([]byte("\x12\x02\x0a\xff"))
	f.Fuzz(func(t *testing.T, message []byte) {
		strip(bytes.Clone(message), cutsOfPods(true)) // must not panic, whatever it is
		none := &cuts{2: {inside: &cuts{1: {inside: &cuts{}}, 2: {inside: &cuts{2: {inside: &cuts{}}}}}}}
		want, got := &corev1.PodList{}, &corev1.PodList{}
		if want.Unmarshal(message) != nil {
			return
		}
		if err := got.Unmarshal(strip(bytes.Clone(message), none)); err != nil {
			t.Fatalf("what could be read cannot be any more: %v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-as it was +stripped of nothing):\n%s", diff)
		}
	})
}
