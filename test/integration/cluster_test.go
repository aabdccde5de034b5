// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	metricsclient "k8s.io/metrics/pkg/client/clientset/versioned"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
)

const mebibyte = 1 << 20

// newPod is a pod of one container that is bound to a node from the start, or left to a scheduler if node is empty.
func newPod(name, node string, annotations map[string]string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations},
		Spec:       corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Name: "main", Image: "image"}}},
	}
}

func createPod(t *testing.T, clients kubernetes.Interface, namespace string, pod *corev1.Pod) *corev1.Pod {
	t.Helper()
	created, err := clients.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

// waitPhase waits until a pod is in a phase and returns it.
func waitPhase(t *testing.T, clients kubernetes.Interface, namespace, name string, phase corev1.PodPhase) (pod *corev1.Pod) {
	t.Helper()
	eventually(t, fmt.Sprintf("pod %s is %s", name, phase), func(ctx context.Context) (err error) {
		pod, err = clients.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		if err == nil && pod.Status.Phase != phase {
			err = fmt.Errorf("it is %s", pod.Status.Phase)
		}
		return err
	})
	return pod
}

// patchPod merges a change into a pod, or into a subresource of it.
func patchPod(t *testing.T, clients kubernetes.Interface, namespace, name string, change any, subresource ...string) {
	t.Helper()
	patch, err := json.Marshal(change)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clients.CoreV1().Pods(namespace).Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{}, subresource...); err != nil {
		t.Fatal(err)
	}
}

func TestMeasurementsFollowTheAnnotationsOfRunningPods(t *testing.T) {
	t.Parallel()
	c := lab(t)
	clients := client(t, c)
	measurements, err := metricsclient.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	addNodes(t, c, "8Gi", "measured")
	namespace := newNamespace(t, c)
	createPod(t, clients, namespace, newPod("pod", "measured", map[string]string{cluster.UsageMemoryAnnotation: "300Mi"}))
	waitPhase(t, clients, namespace, "pod", corev1.PodRunning)

	// expect waits for what metrics.k8s.io says of the node and of the pod; a pod without a measurement has 0.
	expect := func(node, pod int64) {
		t.Helper()
		eventually(t, fmt.Sprintf("%d bytes on the node, %d in the pod", node, pod), func(ctx context.Context) error {
			nodeMetrics, err := measurements.MetricsV1beta1().NodeMetricses().Get(ctx, "measured", metav1.GetOptions{})
			if err != nil {
				return err
			}
			var podMemory int64
			podMetrics, err := measurements.MetricsV1beta1().PodMetricses(namespace).Get(ctx, "pod", metav1.GetOptions{})
			if err != nil && !apierrors.IsNotFound(err) {
				return err
			}
			for _, container := range podMetrics.Containers {
				podMemory += container.Usage.Memory().Value()
			}
			if got := nodeMetrics.Usage.Memory().Value(); got != node || podMemory != pod {
				return fmt.Errorf("node %d, pod %d bytes", got, podMemory)
			}
			return nil
		})
	}
	const system = 256 * mebibyte
	expect(system+300*mebibyte, 300*mebibyte)

	patchPod(t, clients, namespace, "pod", map[string]any{"metadata": map[string]any{"annotations": map[string]string{cluster.UsageMemoryAnnotation: "700Mi"}}})
	expect(system+700*mebibyte, 700*mebibyte)

	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:"1Gi"}}}`, cluster.SystemMemoryAnnotation)
	if _, err := clients.CoreV1().Nodes().Patch(t.Context(), "measured", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	patchPod(t, clients, namespace, "pod", map[string]any{"status": map[string]any{"phase": corev1.PodFailed, "reason": "Evicted"}}, "status")
	expect(1024*mebibyte, 0)
}

func TestMemoryPressureTaintsTheNodeUntilItIsOver(t *testing.T) {
	c := lab(t)
	clients := client(t, c)
	addNodes(t, c, "8Gi", "pressed")
	setPressure := func(status corev1.ConditionStatus) {
		t.Helper()
		patch := fmt.Appendf(nil, `{"status":{"conditions":[{"type":"MemoryPressure","status":%q,"reason":"Test"}]}}`, status)
		if _, err := clients.CoreV1().Nodes().Patch(t.Context(), "pressed", types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(want []corev1.Taint) {
		t.Helper()
		eventually(t, fmt.Sprintf("the node has %d taints", len(want)), func(ctx context.Context) error {
			node, err := clients.CoreV1().Nodes().Get(ctx, "pressed", metav1.GetOptions{})
			if err != nil {
				return err
			}
			got := node.Spec.Taints
			for i := range got {
				got[i].TimeAdded = nil
			}
			if len(want)+len(got) > 0 && !cmp.Equal(want, got) {
				return fmt.Errorf("taints %v, want %v", got, want)
			}
			return nil
		})
	}
	expect(nil)
	setPressure(corev1.ConditionTrue)
	expect([]corev1.Taint{{Key: corev1.TaintNodeMemoryPressure, Effect: corev1.TaintEffectNoSchedule}})
	setPressure(corev1.ConditionFalse)
	expect(nil)
}

func TestContainerStatusesAreLeftToWhoeverWritesThem(t *testing.T) {
	t.Parallel()
	c := lab(t)
	clients := client(t, c)
	addNodes(t, c, "8Gi", "crashing")
	namespace := newNamespace(t, c)
	createPod(t, clients, namespace, newPod("pod", "crashing", nil))
	running := waitPhase(t, clients, namespace, "pod", corev1.PodRunning).Status.ContainerStatuses[0]

	killed := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}}
	waiting := running
	waiting.Ready, waiting.RestartCount, waiting.LastTerminationState = false, 3, killed
	waiting.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
	again := waiting
	again.Ready, again.State = true, running.State

	for i, status := range []corev1.ContainerStatus{waiting, again} {
		patchPod(t, clients, namespace, "pod", map[string]any{"status": map[string]any{"containerStatuses": []corev1.ContainerStatus{status}}}, "status")
		// KWOK has seen the change of the pod once it has started another one that was created after it.
		other := fmt.Sprintf("later-%d", i)
		createPod(t, clients, namespace, newPod(other, "crashing", nil))
		waitPhase(t, clients, namespace, other, corev1.PodRunning)

		got := waitPhase(t, clients, namespace, "pod", corev1.PodRunning).Status.ContainerStatuses
		if diff := cmp.Diff([]corev1.ContainerStatus{status}, got); diff != "" {
			t.Errorf("container statuses (-want +got):\n%s", diff)
		}
	}
}

func TestPodsThatMayEndDoSoAfterTheirDuration(t *testing.T) {
	t.Parallel()
	c := lab(t)
	clients := client(t, c)
	addNodes(t, c, "8Gi", "working")
	namespace := newNamespace(t, c)
	for name, annotations := range map[string]map[string]string{"endless": nil, "short": {cluster.DurationAnnotation: "1s"}} {
		pod := newPod(name, "working", annotations)
		pod.Spec.RestartPolicy = corev1.RestartPolicyNever
		createPod(t, clients, namespace, pod)
	}
	waitPhase(t, clients, namespace, "short", corev1.PodSucceeded) // it runs for a second only: on a busy machine nobody sees that
	waitPhase(t, clients, namespace, "endless", corev1.PodRunning)
}

func TestAnEvictedPodIsLeftAloneAndCanBeDeleted(t *testing.T) {
	c := lab(t)
	clients := client(t, c)
	addNodes(t, c, "8Gi", "evicting")
	namespace := newNamespace(t, c)
	createPod(t, clients, namespace, newPod("pod", "evicting", nil))
	waitPhase(t, clients, namespace, "pod", corev1.PodRunning)
	patchPod(t, clients, namespace, "pod", map[string]any{"status": map[string]any{"phase": corev1.PodFailed, "reason": "Evicted"}}, "status")
	createPod(t, clients, namespace, newPod("later", "evicting", nil))
	waitPhase(t, clients, namespace, "later", corev1.PodRunning)
	waitPhase(t, clients, namespace, "pod", corev1.PodFailed)

	for _, name := range []string{"pod", "later"} { // one that runs no more, and one that does
		if err := clients.CoreV1().Pods(namespace).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "pod "+name+" is gone", func(ctx context.Context) error {
			_, err := clients.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
			if err == nil {
				return errors.New("it is there")
			}
			if apierrors.IsNotFound(err) {
				return nil
			}
			return err
		})
	}
}

// packing puts pods where the least is left.
const packing = `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: true, resourceName: unused}
profiles:
- schedulerName: packing
  plugins:
    score: {disabled: [{name: "*"}], enabled: [{name: NodeResourcesFit}]}
  pluginConfig:
  - name: NodeResourcesFit
    args: {scoringStrategy: {type: MostAllocated, resources: [{name: memory, weight: 1}]}}
`

func TestSchedulersRunBesideEachOtherWithTheirOwnConfiguration(t *testing.T) {
	c := lab(t)
	clients := client(t, c)
	addNodes(t, c, "8Gi", "first", "second")
	namespace := newNamespace(t, c)

	folder := t.TempDir()
	config := filepath.Join(folder, "packing.yaml")
	if err := os.WriteFile(config, []byte(packing), 0o600); err != nil {
		t.Fatal(err)
	}
	// An executable of its own, as a scheduler with other plugins is.
	executable := filepath.Join(folder, "packing-scheduler")
	script := fmt.Sprintf("#!/bin/sh\nexec %q kube-scheduler \"$@\"\n", binary(t, "headroom-lab"))
	if err := os.WriteFile(executable, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, options := range []cluster.SchedulerOptions{{}, {Name: "packing", Executable: executable, ConfigFile: config, Args: []string{"--v=1"}}} {
		ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
		defer cancel()
		if err := c.StartScheduler(ctx, options); err != nil {
			t.Fatal(err)
		}
		if options.Name != "" {
			if err := c.StartScheduler(ctx, options); err == nil {
				t.Errorf("a second scheduler %s was started", options.Name)
			}
		}
	}

	nodesOf := func(scheduler string) map[string]int {
		t.Helper()
		nodes := map[string]int{}
		for i := range 4 {
			pod := newPod(fmt.Sprintf("%s-%d", scheduler, i), "", nil)
			pod.Spec.SchedulerName = scheduler
			pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")}
			created := createPod(t, clients, namespace, pod)
			// One after the other: each decision follows from the one before.
			nodes[waitPhase(t, clients, namespace, created.Name, corev1.PodRunning).Spec.NodeName]++
		}
		return nodes
	}
	if diff := cmp.Diff(map[string]int{"first": 2, "second": 2}, nodesOf("default-scheduler")); diff != "" {
		t.Errorf("the default scheduler's pods by node (-want +got):\n%s", diff)
	}
	if got := nodesOf("packing"); len(got) != 1 {
		t.Errorf("the packing scheduler used %d nodes, want 1: %v", len(got), got)
	}

	for _, name := range []string{"kube-scheduler", "packing"} {
		if err := c.StopScheduler(name); err != nil {
			t.Fatal(err)
		}
		if pid, runs := c.PIDs()[name]; runs {
			t.Errorf("scheduler %s still runs as process %d", name, pid)
		}
	}
	if err := c.StopScheduler("packing"); err == nil {
		t.Error("a scheduler that does not run was stopped")
	}
}

func TestASchedulerThatRefusesItsConfigurationIsReported(t *testing.T) {
	c := lab(t)
	config := filepath.Join(t.TempDir(), "config.yaml")
	content := "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nparallelisms: 3\n"
	if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	err := c.StartScheduler(ctx, cluster.SchedulerOptions{Name: "refusing", ConfigFile: config})
	if err == nil || !containsAll(err.Error(), "refusing", "unknown field", "parallelisms") {
		t.Errorf("error %v, want one that names the scheduler and the field", err)
	}
	if _, runs := c.PIDs()["refusing"]; runs {
		t.Error("it runs")
	}
}

func TestMemoryOfTheControlPlaneIsMeasured(t *testing.T) {
	c := lab(t)
	bytes, err := c.SumPSS()
	if err != nil {
		t.Fatal(err)
	}
	// Five processes: less than this and one was forgotten, more and shared pages were counted for each.
	if bytes < 200*mebibyte || bytes > 2048*mebibyte {
		t.Errorf("%d MiB, want 200 to 2,048", bytes/mebibyte)
	}
	t.Logf("%d MiB", bytes/mebibyte)
}
