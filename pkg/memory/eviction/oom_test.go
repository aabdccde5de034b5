// SPDX-License-Identifier: Apache-2.0

package eviction_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/memory/eviction"
)

func qos(class corev1.PodQOSClass) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Status.QOSClass = class }
}

func initContainers(containers ...corev1.Container) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.InitContainers = containers }
}

func nodeCritical(pod *corev1.Pod) {
	pod.Spec.PriorityClassName, pod.Spec.Priority = "system-node-critical", new(int32)
	*pod.Spec.Priority = 2_000_001_000
}

func TestOOMScoreAdjust(t *testing.T) {
	// The machine has 4000Mi; main requests 100Mi of it.
	for _, test := range []struct {
		name      string
		pod       *corev1.Pod
		container string
		want      int64
	}{
		{"burstable, by its share of the machine", apiPod(), "main", 975},
		{"guaranteed", apiPod(qos(corev1.PodQOSGuaranteed)), "main", -997},
		{"best effort", apiPod(qos(corev1.PodQOSBestEffort)), "main", 1000},
		{"node critical", apiPod(nodeCritical), "main", -997},
		{"of that class by name only", apiPod(nodeCritical, func(pod *corev1.Pod) { *pod.Spec.Priority = 0 }), "main", 975},
		{"burstable with next to nothing stays below best effort", apiPod(func(pod *corev1.Pod) { pod.Spec.Containers[0] = container("main", 1, 0) }), "main", 999},
		{"burstable with all stays above guaranteed", apiPod(func(pod *corev1.Pod) { pod.Spec.Containers[0] = container("main", 4000, 0) }), "main", 3},
		{"an ephemeral container requests nothing", apiPod(qos(corev1.PodQOSBurstable)), "debugger", 999},
		{"a sidecar outlives what it serves", apiPod(initContainers(sidecar("s", 20, 0))), "s", 975},
		{"a sidecar that requests more keeps that", apiPod(initContainers(sidecar("s", 400, 0))), "s", 900},
		{"an init container is no sidecar", apiPod(initContainers(container("i", 20, 0))), "i", 995},
		// 500Mi less 100Mi of main and 20Mi of the sidecar: 190Mi for each.
		{"what a pod-level request adds is shared", apiPod(podLevel(500, 900), initContainers(sidecar("s", 20, 0))), "main", 928},
		{"and the sidecar has its share", apiPod(podLevel(500, 900), initContainers(sidecar("s", 20, 0))), "s", 928},
		{"a resize that is pending: what is allocated", apiPod(func(pod *corev1.Pod) {
			pod.Status.ContainerStatuses[0].AllocatedResources = memory(200)
		}), "main", 950},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := eviction.OOMScoreAdjust(test.pod, test.container, 4000*mi); got != test.want {
				t.Errorf("oom_score_adj = %d, want %d", got, test.want)
			}
		})
	}
}

func TestContainersOf(t *testing.T) {
	pod := apiPod(initContainers(container("done", 500, 0), sidecar("s", 20, 0)), func(pod *corev1.Pod) {
		pod.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debugger"}}}
	})
	want := []eviction.Container{
		{Namespace: "d", Pod: "p", Name: "s", UsageBytes: 30 * mi, OOMScoreAdjust: 975},
		{Namespace: "d", Pod: "p", Name: "main", Unmeasured: true, OOMScoreAdjust: 975},
		{Namespace: "d", Pod: "p", Name: "debugger", UsageBytes: 5 * mi, OOMScoreAdjust: 999},
	}
	got := eviction.ContainersOf(pod, map[string]int64{"s": 30 * mi, "debugger": 5 * mi}, 4000*mi)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("containers (-want +got):\n%s", diff)
	}
}

func TestRankOOM(t *testing.T) {
	held := func(pod, name string, usage, adjust int64) eviction.Container {
		return eviction.Container{Namespace: "d", Pod: pod, Name: name, UsageBytes: usage * mi, OOMScoreAdjust: adjust}
	}
	unmeasured := held("u", "u", 0, 1000)
	unmeasured.Unmeasured = true
	machine := eviction.Machine(4000 * mi)
	for _, test := range []struct {
		name       string
		containers []eviction.Container
		domain     eviction.Domain
		want       []string
	}{
		{"best effort before a burstable of the same use", []eviction.Container{held("burstable", "c", 500, 900), held("best-effort", "c", 500, 1000)}, machine, []string{
			"best-effort/c holds 500Mi, oom_score_adj 1000: scores 4.4Gi; before d/burstable/c by 400Mi", "burstable/c holds 500Mi, oom_score_adj 900: scores 4Gi",
		}},
		{"a burstable that holds much more than a best effort goes first", []eviction.Container{held("best-effort", "c", 100, 1000), held("burstable", "c", 1000, 900)}, machine, []string{
			"burstable/c holds 1000Mi, oom_score_adj 900: scores 4.5Gi; before d/best-effort/c by 500Mi", "best-effort/c holds 100Mi, oom_score_adj 1000: scores 4Gi",
		}},
		{"guaranteed goes last, however large", []eviction.Container{held("guaranteed", "c", 3000, -997), held("burstable", "c", 10, 3)}, machine, []string{
			"burstable/c holds 10Mi, oom_score_adj 3: scores 22Mi; before d/guaranteed/c by 1010Mi", "guaranteed/c holds 2.9Gi, oom_score_adj -997: scores -988Mi",
		}},
		{"what the kernel never kills is not in it", []eviction.Container{held("kubelet", "c", 3000, -1000)}, machine, nil},
		{"one that is not measured scores at least that", []eviction.Container{unmeasured}, machine, []string{"u/u not measured, oom_score_adj 1000: scores 3.9Gi at least"}},
		{"a pod's limit: among its containers", []eviction.Container{held("p", "a", 10, 900), held("p", "b", 10, 900), held("q", "a", 3000, 1000)},
			eviction.Domain{Kind: eviction.DomainPod, Namespace: "d", Pod: "p", LimitBytes: 300 * mi}, []string{
				"p/a holds 10Mi, oom_score_adj 900: scores 277.2Mi; level with d/p/b, chance decides", "p/b holds 10Mi, oom_score_adj 900: scores 277.2Mi",
			}},
		{"a container's limit: itself", []eviction.Container{held("p", "a", 10, 900), held("p", "b", 10, 900)},
			eviction.Domain{Kind: eviction.DomainContainer, Namespace: "d", Pod: "p", Container: "b", LimitBytes: 300 * mi},
			[]string{"p/b holds 10Mi, oom_score_adj 900: scores 277.2Mi"}},
		{"all pods' limit", []eviction.Container{held("p", "a", 10, 0), held("q", "a", 20, 0)}, eviction.Kubepods(3000 * mi), []string{
			"q/a holds 20Mi, oom_score_adj 0: scores 20Mi; before d/p/a by 10Mi", "p/a holds 10Mi, oom_score_adj 0: scores 10Mi",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, ranked := range eviction.RankOOM(test.containers, test.domain) {
				got = append(got, ranked.Pod+"/"+ranked.Name+" "+ranked.Reason)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDomainsOf(t *testing.T) {
	ofPod := func(mebibytes int64) eviction.Domain {
		return eviction.Domain{Kind: eviction.DomainPod, Namespace: "d", Pod: "p", LimitBytes: mebibytes * mi}
	}
	of := func(name string, mebibytes int64) eviction.Domain {
		return eviction.Domain{Kind: eviction.DomainContainer, Namespace: "d", Pod: "p", Container: name, LimitBytes: mebibytes * mi}
	}
	add := func(containers ...corev1.Container) func(*corev1.Pod) {
		return func(pod *corev1.Pod) { pod.Spec.Containers = append(pod.Spec.Containers, containers...) }
	}
	for _, test := range []struct {
		name string
		pod  *corev1.Pod
		want []eviction.Domain
	}{
		{"every container has a limit", apiPod(add(container("b", 10, 50))), []eviction.Domain{of("main", 300), of("b", 50), ofPod(350)}},
		{"one has none: nor has the pod", apiPod(add(container("b", 10, 0))), []eviction.Domain{of("main", 300)}},
		{"an init container has none: nor has the pod", apiPod(initContainers(container("i", 10, 0))), []eviction.Domain{of("main", 300)}},
		{"a pod-level limit is that of containers without one", apiPod(podLevel(100, 900), add(container("b", 10, 0))),
			[]eviction.Domain{of("main", 300), of("b", 900), ofPod(900)}},
		{"overhead is in the pod's", apiPod(func(pod *corev1.Pod) { pod.Spec.Overhead = memory(20) }), []eviction.Domain{of("main", 300), ofPod(320)}},
		{"a resize that is pending: what is set", apiPod(func(pod *corev1.Pod) {
			pod.Status.ContainerStatuses[0].Resources = &corev1.ResourceRequirements{Limits: memory(200)}
			pod.Status.Resources = &corev1.ResourceRequirements{Limits: memory(210)}
		}), []eviction.Domain{of("main", 200), ofPod(210)}},
		{"best effort", apiPod(func(pod *corev1.Pod) { pod.Spec.Containers[0].Resources = corev1.ResourceRequirements{} }), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, eviction.DomainsOf(test.pod)); diff != "" {
				t.Errorf("domains (-want +got):\n%s", diff)
			}
		})
	}
}
