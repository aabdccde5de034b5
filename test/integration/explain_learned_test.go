// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/headroom-dev/headroom/pkg/explain/profile"
	"github.com/headroom-dev/headroom/pkg/lab/cluster"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// What a scheduler wrote down of a workload is what explain expects of the workload's next pod, once none of them runs.
func TestExplainReadsWhatTheSchedulerHasLearned(t *testing.T) {
	c := lab(t)
	clients := client(t, c)
	addNodes(t, c, "16Gi", "learned-0")
	namespace := newNamespace(t, c)
	// It learns soon and writes often.
	file := memoryConfig(t, fmt.Sprintf("refreshInterval: 1s, warmUp: 1s, checkpoint: {namespace: %s, interval: 10s}", namespace))
	allowConfigMaps(t, clients, namespace)
	with, err := profile.OfFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pod := headroomPod("batch", "256Mi")
	pod.Annotations = map[string]string{cluster.UsageMemoryAnnotation: "3Gi"}
	if told := explained(t, c.RESTConfig(), with, namespace, pod); told.Basis.Checkpoint != nil || told.Memory.PeakSource != string(forecast.SourceRequest) {
		t.Errorf("before anything was learned: %+v, %s", told.Memory, told.Basis.Learned)
	}

	startScheduler(t, c, cluster.SchedulerOptions{Name: headroomScheduler, Executable: binary(t, "headroom-scheduler"), ConfigFile: file})
	createPod(t, clients, namespace, pod)
	waitPhase(t, clients, namespace, pod.Name, corev1.PodRunning)
	eventually(t, "a checkpoint that knows what the workload holds", func(context.Context) error {
		if told := explained(t, c.RESTConfig(), with, namespace, pod); told.Basis.Checkpoint == nil || told.Basis.Checkpoint.Workloads == 0 {
			return errors.New(told.Basis.Learned)
		}
		return nil
	})
	if err := clients.CoreV1().Pods(namespace).Delete(t.Context(), pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
		t.Fatal(err)
	}
	held := resource.MustParse("1Gi") // of the 3 GiB that it held, what so short a time is trusted for
	eventually(t, "explain to expect what the workload held", func(context.Context) error {
		told := explained(t, c.RESTConfig(), with, namespace, pod)
		if need := told.Memory; need.PeakSource != string(forecast.SourceSiblings) || need.PeakBytes < held.Value() {
			return fmt.Errorf("%+v: %s", need, told.Basis.Learned)
		}
		return nil
	})
}

// allowConfigMaps lets the scheduler keep its ConfigMap in a namespace, as the chart does.
func allowConfigMaps(t *testing.T, clients kubernetes.Interface, namespace string) {
	t.Helper()
	const name = "headroom-forecast"
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get", "create", "update"}},
	}}
	if _, err := clients.RbacV1().Roles(namespace).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "system:kube-scheduler"}},
	}
	if _, err := clients.RbacV1().RoleBindings(namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}
