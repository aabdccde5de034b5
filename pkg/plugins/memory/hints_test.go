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
	left, changed, own := fleet.plugin.isSchedulableAfterPodDeletion, fleet.plugin.isSchedulableAfterNodeChange, fleet.plugin.isSchedulableAfterOwnUpdate
	for _, test := range []struct {
		name          string
		hint          fwk.QueueingHintFn
		before, after any
		want          fwk.QueueingHint
	}{
		{"a pod leaves that memory was promised to", left, fleet.pods[1], nil, fwk.Queue},
		{"a measured pod leaves: the next sample shows it", left, fleet.pods[0], nil, fwk.QueueSkip},
		{"a new node", changed, nil, small, fwk.Queue},
		{"a node grows", changed, small, large, fwk.Queue},
		{"a node shrinks", changed, large, small, fwk.QueueSkip},
		{"a node is told its eviction threshold", changed, small, annotated, fwk.Queue},
		{"another annotation of a node", changed, small, other, fwk.QueueSkip},
		{"the pod asks for less", own, waiting, less, fwk.Queue},
		{"another pod asks for less", own, newPod("other", 500*mi), newPod("other", 100*mi), fwk.QueueSkip},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.hint(klog.Background(), waiting, test.before, test.after)
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
