// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

func TestHints(t *testing.T) {
	fleet := newFleet(nil).node("n1", 3800*mi, 0).running("measured", "n1", 100*mi, 300*mi).bound("promised", "n1", 200*mi)
	fleet.publish()
	small, large := fleet.nodes[0].DeepCopy(), fleet.nodes[0].DeepCopy()
	large.Status.Allocatable[corev1.ResourceMemory] = large.Status.Capacity[corev1.ResourceMemory]
	annotated, other := small.DeepCopy(), small.DeepCopy()
	annotated.Annotations = map[string]string{threshold.EvictionHardAnnotation: "memory.available<50Mi"}
	other.Annotations = map[string]string{"example.com/owner": "someone"}
	waiting, less := newPod("waiting", 500*mi), newPod("waiting", 100*mi)
	for _, test := range []struct {
		name string
		hint func() (fwk.QueueingHint, error)
		want fwk.QueueingHint
	}{
		{"a pod leaves that memory was promised to", func() (fwk.QueueingHint, error) {
			return fleet.plugin.isSchedulableAfterPodDeletion(klog.Background(), waiting, fleet.pods[1], nil)
		}, fwk.Queue},
		{"a measured pod leaves: the next sample shows it", func() (fwk.QueueingHint, error) {
			return fleet.plugin.isSchedulableAfterPodDeletion(klog.Background(), waiting, fleet.pods[0], nil)
		}, fwk.QueueSkip},
		{"a new node", func() (fwk.QueueingHint, error) {
			return fleet.plugin.isSchedulableAfterNodeChange(klog.Background(), waiting, nil, small)
		}, fwk.Queue},
		{"a node grows", func() (fwk.QueueingHint, error) {
			return fleet.plugin.isSchedulableAfterNodeChange(klog.Background(), waiting, small, large)
		}, fwk.Queue},
		{"a node shrinks", func() (fwk.QueueingHint, error) {
			return fleet.plugin.isSchedulableAfterNodeChange(klog.Background(), waiting, large, small)
		}, fwk.QueueSkip},
		{"a node is told its eviction threshold", func() (fwk.QueueingHint, error) {
			return fleet.plugin.isSchedulableAfterNodeChange(klog.Background(), waiting, small, annotated)
		}, fwk.Queue},
		{"another annotation of a node", func() (fwk.QueueingHint, error) {
			return fleet.plugin.isSchedulableAfterNodeChange(klog.Background(), waiting, small, other)
		}, fwk.QueueSkip},
		{"the pod asks for less", func() (fwk.QueueingHint, error) {
			return fleet.plugin.isSchedulableAfterOwnUpdate(klog.Background(), waiting, waiting, less)
		}, fwk.Queue},
		{"another pod asks for less", func() (fwk.QueueingHint, error) {
			return fleet.plugin.isSchedulableAfterOwnUpdate(klog.Background(), waiting, newPod("other", 500*mi), newPod("other", 100*mi))
		}, fwk.QueueSkip},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.hint()
			if err != nil || got != test.want {
				t.Errorf("hint = %v, %v, want %v", got, err, test.want)
			}
		})
	}
}

// What is not registered wakes nobody, whatever a hint would say.
func TestWhatWakesAPodIsRegistered(t *testing.T) {
	events, err := newFleet(nil).plugin.EventsToRegister(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []fwk.ClusterEvent
	for _, event := range events {
		got = append(got, fwk.ClusterEvent{Resource: event.Event.Resource, ActionType: event.Event.ActionType})
		if event.QueueingHintFn == nil {
			t.Errorf("%v wakes all pods: it has no hint", event.Event)
		}
	}
	want := []fwk.ClusterEvent{
		{Resource: fwk.AssignedPod, ActionType: fwk.Delete},
		{Resource: fwk.TargetPod, ActionType: fwk.Update},
		{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeAllocatable | fwk.UpdateNodeAnnotation},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(fwk.ClusterEvent{})); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
