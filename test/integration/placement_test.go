// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
)

// The schedulers' names, as pods and processes have them.
const (
	headroomScheduler = "headroom-scheduler"
	defaultScheduler  = "kube-scheduler"
)

// startHeadroom runs the real headroom-scheduler until the test ends. Without a configuration file it is a bare start.
func startHeadroom(t *testing.T, c *cluster.Cluster, configFile string) {
	t.Helper()
	startScheduler(t, c, cluster.SchedulerOptions{Name: headroomScheduler, Executable: binary(t, "headroom-scheduler"), ConfigFile: configFile})
}

func startScheduler(t *testing.T, c *cluster.Cluster, options cluster.SchedulerOptions) {
	t.Helper()
	if err := c.StartScheduler(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.StopScheduler(options.Name); err != nil {
			t.Error(err)
		}
	})
}

// labelNode sets labels of a node.
func labelNode(t *testing.T, clients kubernetes.Interface, node string, labels map[string]string) {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": labels}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clients.CoreV1().Nodes().Patch(t.Context(), node, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// headroomPod is a pod for headroom-scheduler that requests some memory.
func headroomPod(name, request string, changes ...func(*corev1.PodSpec)) *corev1.Pod {
	pod := newPod(name, "", nil)
	pod.Spec.SchedulerName = headroomScheduler
	pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(request)}
	for _, change := range changes {
		change(&pod.Spec)
	}
	return pod
}

func selecting(labels map[string]string) func(*corev1.PodSpec) {
	return func(spec *corev1.PodSpec) { spec.NodeSelector = labels }
}

func requiring(term corev1.NodeSelectorTerm) func(*corev1.PodSpec) {
	return func(spec *corev1.PodSpec) {
		spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{term}},
		}}
	}
}

func preferring(term corev1.NodeSelectorTerm) func(*corev1.PodSpec) {
	return func(spec *corev1.PodSpec) {
		spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{Weight: 100, Preference: term}},
		}}
	}
}

func expression(key string, operator corev1.NodeSelectorOperator, values ...string) corev1.NodeSelectorTerm {
	return corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: operator, Values: values}}}
}

func named(node string) corev1.NodeSelectorTerm {
	return corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{
		{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node}},
	}}
}

// verdict waits until a scheduler has decided on a pod: the node that it gave it, or why there is none.
func verdict(t *testing.T, clients kubernetes.Interface, namespace, name string) (node, reason string) {
	t.Helper()
	eventually(t, "a decision on pod "+name, func(ctx context.Context) error {
		pod, err := clients.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if node = pod.Spec.NodeName; node != "" {
			return nil
		}
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodScheduled && condition.Reason == corev1.PodReasonUnschedulable {
				reason = condition.Message
				return nil
			}
		}
		return errors.New("no scheduler has looked at it")
	})
	return node, reason
}

// place creates a pod and waits for the verdict.
func place(t *testing.T, clients kubernetes.Interface, namespace string, pod *corev1.Pod) (node, reason string) {
	t.Helper()
	created := createPod(t, clients, namespace, pod)
	return verdict(t, clients, namespace, created.Name)
}

// waitPlaced waits until a pod has a node.
func waitPlaced(t *testing.T, clients kubernetes.Interface, namespace, name string) string {
	t.Helper()
	var node string
	eventually(t, "a node for pod "+name, func(ctx context.Context) error {
		pod, err := clients.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if node = pod.Spec.NodeName; node == "" {
			return fmt.Errorf("it has none: %+v", pod.Status.Conditions)
		}
		return nil
	})
	return node
}

// wantReason fails unless a pod was refused for a reason.
func wantReason(t *testing.T, node, reason, want string) {
	t.Helper()
	if node != "" || !strings.Contains(reason, want) {
		t.Fatalf("placed on %q, refused because %q; want it refused because %q", node, reason, want)
	}
}
