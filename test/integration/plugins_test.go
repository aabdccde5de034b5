// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
)

// The tests start headroom-scheduler as a user would: with the files of config/, or bare.
const (
	shippedConfig = "../../config/scheduler-config.yaml"
	replaceConfig = "../../config/scheduler-config-replace.yaml"
)

func TestPodsGoWhereTheirSelectorsAndAffinitySay(t *testing.T) {
	c := lab(t)
	clients := client(t, c)
	addNodes(t, c, "8Gi", "place-a", "place-b", "place-c")
	labelNode(t, clients, "place-a", map[string]string{"zone": "1", "generation": "3"})
	labelNode(t, clients, "place-b", map[string]string{"zone": "2", "generation": "5", "disk": "ssd"})
	labelNode(t, clients, "place-c", map[string]string{"zone": "2", "generation": "7"})
	namespace := newNamespace(t, c)
	startHeadroom(t, c, shippedConfig)

	for _, test := range []struct {
		name string
		pod  *corev1.Pod
		want string
	}{
		{"node selector", headroomPod("selector", "64Mi", selecting(map[string]string{"disk": "ssd"})), "place-b"},
		{"required In", headroomPod("in", "64Mi", requiring(expression("zone", corev1.NodeSelectorOpIn, "1"))), "place-a"},
		{"required Gt", headroomPod("gt", "64Mi", requiring(expression("generation", corev1.NodeSelectorOpGt, "5"))), "place-c"},
		{"selector and affinity", headroomPod("both", "64Mi", selecting(map[string]string{"zone": "2"}),
			requiring(expression("disk", corev1.NodeSelectorOpDoesNotExist))), "place-c"},
		{"a node by its name", headroomPod("named", "64Mi", requiring(named("place-b"))), "place-b"},
		{"preferred", headroomPod("preferred", "64Mi", preferring(expression("zone", corev1.NodeSelectorOpIn, "1"))), "place-a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if node, reason := place(t, clients, namespace, test.pod); node != test.want {
				t.Errorf("node = %q (%s), want %q", node, reason, test.want)
			}
		})
	}

	t.Run("a label that arrives later wakes the pod", func(t *testing.T) {
		node, reason := place(t, clients, namespace, headroomPod("waits", "64Mi", selecting(map[string]string{"rack": "r1"})))
		wantReason(t, node, reason, "didn't match Pod's node affinity/selector")
		labelNode(t, clients, "place-c", map[string]string{"rack": "r1"})
		if got := waitPlaced(t, clients, namespace, "waits"); got != "place-c" {
			t.Errorf("node = %q, want place-c", got)
		}
	})
	t.Run("a node that arrives later wakes the pod that names it", func(t *testing.T) {
		if node, reason := place(t, clients, namespace, headroomPod("early", "64Mi", requiring(named("place-d")))); node != "" {
			t.Fatalf("placed on %q (%s)", node, reason)
		}
		addNodes(t, c, "8Gi", "place-d")
		if got := waitPlaced(t, clients, namespace, "early"); got != "place-d" {
			t.Errorf("node = %q, want place-d", got)
		}
	})
}

func TestEachSchedulerPlacesItsOwnPods(t *testing.T) {
	c := lab(t)
	clients := client(t, c)
	addNodes(t, c, "8Gi", "beside-a", "beside-b")
	namespace := newNamespace(t, c)
	startHeadroom(t, c, "") // bare: the shipped profile, with a lease of its own
	ours, theirs := headroomPod("ours", "64Mi"), headroomPod("theirs", "64Mi")
	theirs.Spec.SchedulerName = ""
	createPod(t, clients, namespace, theirs)
	if node, reason := place(t, clients, namespace, ours); node == "" {
		t.Fatalf("headroom-scheduler did not place its pod: %s", reason)
	}
	pod, err := clients.CoreV1().Pods(namespace).Get(t.Context(), "theirs", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if pod.Spec.NodeName != "" || len(pod.Status.Conditions) != 0 {
		t.Fatalf("headroom-scheduler touched a pod of the default scheduler: %+v", pod.Status)
	}
	startScheduler(t, c, cluster.SchedulerOptions{Name: defaultScheduler})
	waitPlaced(t, clients, namespace, "theirs")
}

func TestHeadroomServesInsteadOfTheDefaultScheduler(t *testing.T) {
	c := lab(t)
	clients := client(t, c)
	addNodes(t, c, "8Gi", "instead-a", "instead-b")
	namespace := newNamespace(t, c)
	startHeadroom(t, c, replaceConfig)
	pod := headroomPod("ordinary", "64Mi", requiring(named("instead-b")))
	pod.Spec.SchedulerName = ""
	if node, reason := place(t, clients, namespace, pod); node != "instead-b" {
		t.Errorf("node = %q (%s), want instead-b", node, reason)
	}
}

// Both nodes are empty by their requests; one holds 7 GiB outside of them.
func TestPodsGoWhereMemoryReallyIsLeft(t *testing.T) {
	c := lab(t)
	clients := client(t, c)
	addNodes(t, c, "8Gi", "memory-full", "memory-free")
	holdSystem(t, clients, "memory-full", "7Gi")
	namespace := newNamespace(t, c)
	if err := c.WaitNodeMetrics(t.Context(), "memory-full", "memory-free"); err != nil {
		t.Fatal(err)
	}
	startHeadroom(t, c, shippedConfig)

	refused := awaitRefusal(t, clients, namespace, "2Gi", "memory-full")

	for i := range 4 {
		name := fmt.Sprintf("small-%d", i)
		if node, reason := place(t, clients, namespace, headroomPod(name, "64Mi")); node != "memory-free" {
			t.Errorf("%s: node = %q (%s), want memory-free", name, node, reason)
		}
	}

	// No event in the cluster tells that memory returned: the scheduler has to see it by itself.
	holdSystem(t, clients, "memory-full", "1Gi")
	if got := waitPlaced(t, clients, namespace, refused); got != "memory-full" {
		t.Errorf("node = %q, want memory-full", got)
	}

	// memory-free has more left still. Its kubelet evicts a pod for memory: pods of that workload are kept off it.
	victim := headroomPod("victim", "96Mi", requiring(named("memory-free")))
	if node, reason := place(t, clients, namespace, victim); node != "memory-free" {
		t.Fatalf("victim: node = %q (%s), want memory-free", node, reason)
	}
	patchPod(t, clients, namespace, "victim", map[string]any{"status": corev1.PodStatus{
		Phase: corev1.PodFailed, Reason: "Evicted", Message: "The node was low on resource: memory.",
		Conditions: []corev1.PodCondition{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: corev1.PodReasonTerminationByKubelet, LastTransitionTime: metav1.Now()}},
	}}, "status")
	attempt := 0
	eventually(t, "a replacement of the evicted pod to be placed elsewhere", func(context.Context) error {
		attempt++
		node, reason := place(t, clients, namespace, headroomPod(fmt.Sprintf("replacement-%d", attempt), "96Mi"))
		if node != "memory-full" {
			return fmt.Errorf("replacement-%d: node = %q (%s)", attempt, node, reason)
		}
		return nil
	})
}

// The source of samples is not there: requests decide, and it is told.
func TestThatMemoryIsNotKnownIsTold(t *testing.T) {
	c := lab(t)
	clients := client(t, c)
	addNodes(t, c, "8Gi", "unknown-a", "unknown-b")
	namespace := newNamespace(t, c)
	file := memoryConfig(t, `source: {type: Prometheus, prometheus: {address: "http://127.0.0.1:9"}}`)
	startHeadroom(t, c, file)
	if node, reason := place(t, clients, namespace, headroomPod("ordinary", "64Mi")); node == "" {
		t.Errorf("not placed: %s", reason)
	}
	eventually(t, "an event", func(ctx context.Context) error {
		events, err := clients.CoreV1().Events(metav1.NamespaceDefault).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.kind=Namespace,involvedObject.name=kube-system,reason=MemoryUnknown"})
		if err != nil {
			return err
		}
		if len(events.Items) == 0 {
			return errors.New("there is none")
		}
		if got := events.Items[0].Message; !strings.Contains(got, "requests decide on every node") {
			t.Errorf("event %q, want one that says who decides", got)
		}
		return nil
	})
}

// memoryConfig writes a configuration of HeadroomMemory alone beside the in-tree plugins, with arguments as they would be in one line.
func memoryConfig(t *testing.T, arguments string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: headroom-scheduler
  plugins: {multiPoint: {enabled: [{name: HeadroomMemory, weight: 10}]}}
  pluginConfig: [{name: HeadroomMemory, args: {%s}}]
`, arguments), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
