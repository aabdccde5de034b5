// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/events"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/latest"
	"k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"

	"github.com/headroom-dev/headroom/pkg/apis/config"
)

// cluster-autoscaler asks kube-scheduler's own filters whether a pending pod fits on a node that is there (its README, "How
// does scale-up work?"): it runs PreFilter and Filter of the default profile, with the in-tree plugins, on each node. A pod that
// only measured memory keeps off all nodes fits by them, so that no node is added for it. With the soft filter the pod is placed
// at once, and there is nothing to wait for.
func TestHowAClusterAutoscalerSeesAPendingPod(t *testing.T) {
	asking := func(change func(*corev1.Pod)) *corev1.Pod {
		pod := newPod("new", 500*mi)
		if change != nil {
			change(pod)
		}
		return pod
	}
	for _, test := range []struct {
		name string
		pod  *corev1.Pod
		node func(*corev1.Node)
		// autoscaler, hard and soft are who rejects the node: in cluster-autoscaler's simulation, and in a scheduler with either filter.
		// "": the pod fits.
		autoscaler, hard, soft string
	}{
		{name: "measured memory alone: the autoscaler adds no node", pod: asking(nil), hard: Name},
		{name: "a declared peak alone: the same", hard: Name, pod: asking(func(p *corev1.Pod) {
			p.Spec.Containers[0].Resources.Requests = nil
			p.Annotations = map[string]string{"headroom.dev/memory-peak": "500Mi"}
		})},
		{name: "memory by requests", autoscaler: "NodeResourcesFit", hard: "NodeResourcesFit", soft: "NodeResourcesFit",
			pod: asking(func(p *corev1.Pod) {
				p.Spec.Containers[0].Resources.Requests[corev1.ResourceMemory] = *resource.NewQuantity(3800*mi, resource.BinarySI)
			})},
		{name: "a label", autoscaler: "NodeAffinity", hard: "NodeAffinity", soft: "NodeAffinity",
			pod: asking(func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"disktype": "ssd"} })},
		{name: "a taint", autoscaler: "TaintToleration", hard: "TaintToleration", soft: "TaintToleration", pod: asking(nil),
			node: func(n *corev1.Node) {
				n.Spec.Taints = []corev1.Taint{{Key: "reserved", Effect: corev1.TaintEffectNoSchedule}}
			}},
		{name: "cordoned", autoscaler: "NodeUnschedulable", hard: "NodeUnschedulable", soft: "NodeUnschedulable", pod: asking(nil),
			node: func(n *corev1.Node) { n.Spec.Unschedulable = true }},
		{name: "a port that another pod has", autoscaler: "NodePorts", hard: "NodePorts", soft: "NodePorts",
			pod: asking(func(p *corev1.Pod) { p.Spec.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 80}} })},
		{name: "another pod that it is to be away from", autoscaler: "InterPodAffinity", hard: "InterPodAffinity", soft: "InterPodAffinity",
			pod: asking(func(p *corev1.Pod) {
				p.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
					TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "there"}},
				}}}}
			})},
	} {
		t.Run(test.name, func(t *testing.T) {
			fleet := newFleet(nil).node("n1", 3800*mi, 0).running("there", "n1", 300*mi, 3000*mi)
			fleet.pods[0].Labels = map[string]string{"app": "there"}
			fleet.pods[0].Spec.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 80}}
			node := fleet.nodes[0]
			node.Labels = map[string]string{corev1.LabelHostname: "n1"}
			node.Status.Allocatable[corev1.ResourcePods] = *resource.NewQuantity(110, resource.DecimalSI)
			if test.node != nil {
				test.node(node)
			}
			fleet.publish()
			if got := fleet.rejecter(t, test.pod, nil); got != test.autoscaler {
				t.Errorf("cluster-autoscaler: rejected by %q, want %q", got, test.autoscaler)
			}
			if got := fleet.rejecter(t, test.pod, fleet.plugin); got != test.hard {
				t.Errorf("hard: rejected by %q, want %q", got, test.hard)
			}
			fleet.plugin.modes.filter = config.FilterSoft
			if got := fleet.rejecter(t, test.pod, fleet.plugin); got != test.soft {
				t.Errorf("soft: rejected by %q, want %q", got, test.soft)
			}
		})
	}
}

// The rows above are of some filters; no other is left out either, and our scheduler runs one more.
func TestAllDefaultFiltersRunInTheSimulation(t *testing.T) {
	fleet := newFleet(nil)
	filters := func(ours *Memory) []string {
		var names []string
		for _, plugin := range fleet.profile(t, ours).ListPlugins().Filter.Enabled {
			names = append(names, plugin.Name)
		}
		slices.Sort(names)
		return names
	}
	want := []string{
		"DynamicResources", "InterPodAffinity", "NodeAffinity", "NodeDeclaredFeatures", "NodeName", "NodePorts", "NodeResourcesFit", "NodeUnschedulable",
		"NodeVolumeLimits", "PodTopologySpread", "TaintToleration", "VolumeBinding", "VolumeRestrictions", "VolumeZone",
	}
	if diff := cmp.Diff(want, filters(nil)); diff != "" {
		t.Errorf("cluster-autoscaler's filters (-want +got):\n%s", diff)
	}
	want = append(want, Name)
	slices.Sort(want)
	if diff := cmp.Diff(want, filters(fleet.plugin)); diff != "" {
		t.Errorf("our scheduler's filters (-want +got):\n%s", diff)
	}
}

// rejecter returns which plugin keeps the pod off the fleet's node, "" if it fits: PreFilter and Filter of the default profile and, unless
// it is nil, of ours.
func (f *fleet) rejecter(t *testing.T, pod *corev1.Pod, ours *Memory) string {
	t.Helper()
	profile, state := f.profile(t, ours), framework.NewCycleState()
	result, status, _ := profile.RunPreFilterPlugins(t.Context(), state, pod)
	if status.IsSuccess() && (result.AllNodes() || result.NodeNames.Has(f.nodes[0].Name)) {
		node, err := profile.SnapshotSharedLister().NodeInfos().Get(f.nodes[0].Name)
		if err != nil {
			t.Fatal(err)
		}
		status = profile.RunFilterPlugins(t.Context(), state, pod, node)
	}
	switch {
	case status.IsSuccess():
		return ""
	case !status.IsRejected():
		t.Fatal(status)
	}
	return status.Plugin()
}

// profile returns kube-scheduler's default profile over the fleet, with ours besides unless it is nil.
func (f *fleet) profile(t *testing.T, ours *Memory) framework.Framework {
	t.Helper()
	defaults, err := latest.Default()
	if err != nil {
		t.Fatal(err)
	}
	profile, client, registry := defaults.Profiles[0], fake.NewClientset(), frameworkruntime.Registry{}
	if ours != nil {
		profile.Plugins.MultiPoint.Enabled = append(profile.Plugins.MultiPoint.Enabled, schedulerconfig.Plugin{Name: Name})
		registry[Name] = func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return ours, nil }
	}
	made, err := scheduler.New(t.Context(), client, informers.NewSharedInformerFactory(client, 0), nil,
		func(string) events.EventRecorderLogger { return nil },
		scheduler.WithComponentConfigVersion(defaults.APIVersion),
		scheduler.WithProfiles(profile),
		scheduler.WithFrameworkOutOfTreeRegistry(registry),
		scheduler.WithNodeInfoSnapshot(cache.NewSnapshot(f.pods, f.nodes)),
	)
	if err != nil {
		t.Fatal(err)
	}
	return made.Profiles[profile.SchedulerName]
}
