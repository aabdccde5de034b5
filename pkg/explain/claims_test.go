// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// devices are what node a has, two of them, and the class that they are of.
func devices() []runtime.Object {
	return []runtime.Object{
		&resourcev1.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: "gpu"}},
		&resourcev1.ResourceSlice{
			ObjectMeta: metav1.ObjectMeta{Name: "a-gpu"},
			Spec: resourcev1.ResourceSliceSpec{
				Driver: "gpu.example.com", NodeName: new("a"), Devices: []resourcev1.Device{{Name: "first"}, {Name: "second"}},
				Pool: resourcev1.ResourcePool{Name: "a", Generation: 1, ResourceSliceCount: 1},
			},
		},
	}
}

// template is one of claims of a device.
func template() runtime.Object {
	return &resourcev1.ResourceClaimTemplate{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "gpu"},
		Spec: resourcev1.ResourceClaimTemplateSpec{Spec: resourcev1.ResourceClaimSpec{Devices: resourcev1.DeviceClaim{
			Requests: []resourcev1.DeviceRequest{{
				Name: "one", Exactly: &resourcev1.ExactDeviceRequest{DeviceClassName: "gpu", AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: 1},
			}},
		}}},
	}
}

// A pod of a file has no claims yet, and each of its replicas will have its own: they are placed as if these were there, and no two
// of them get the same device.
func TestClaimsAreMadeOfTheirTemplatesForPodsThatAreNotThere(t *testing.T) {
	inFile := func(pod *corev1.Pod) {
		claiming("")(pod)
		pod.UID, pod.Status = "", corev1.PodStatus{}
	}
	for _, test := range []struct {
		name    string
		change  func(*corev1.Pod)
		objects []runtime.Object
		order   []string
		verdict string
		note    string // of the claims
		ended   string
	}{
		{
			"of a file", inFile, []runtime.Object{template()}, []string{"a", "a"},
			"goes to node a, the only one of 2 nodes that it fits", "", "copy 3 fits none of 2 nodes: 2 by DynamicResources",
		},
		{
			"of a file, without a template", inFile, nil, []string{},
			"fits none of 2 nodes", "its resource claims cannot be made: there is no ResourceClaimTemplate default/gpu",
			"copy 1 is placed nowhere, its resource claims cannot be made: there is no ResourceClaimTemplate default/gpu",
		},
		{
			"one that has its own, of which copies get no part", claiming("web-gpu"), []runtime.Object{template(), claimOf(pending("web", "1Gi"), "web-gpu")},
			[]string{"a", "a"}, "goes to node a, the best of 2 feasible among 2 nodes", "", "copy 3 fits none of 2 nodes: 2 by DynamicResources",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := pending("web", "1Gi", test.change)
			objects := append(devices(), test.objects...)
			if pod.UID != "" {
				objects = append(objects, pod)
			}
			placement, err := openAs(t, shipped(t), func(*corev1.Node) {}, objects...).Explain(t.Context(), pod, 3)
			if err != nil {
				t.Fatal(err)
			}
			if placement.Verdict != test.verdict {
				t.Errorf("verdict %q, want %q; causes %+v", placement.Verdict, test.verdict, placement.Causes)
			}
			if diff := cmp.Diff(test.order, placement.Replicas.Order); diff != "" {
				t.Errorf("nodes of the copies (-want +got):\n%s", diff)
			}
			if !strings.HasPrefix(placement.Replicas.Ended, test.ended) {
				t.Errorf("ended with %q, want %q", placement.Replicas.Ended, test.ended)
			}
			note := ""
			for _, first := range placement.First {
				if first.Kind == NoteNoClaim {
					note = first.Text
				}
			}
			if note != test.note {
				t.Errorf("it says %q of the claims, want %q", note, test.note)
			}
		})
	}
}
