// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
)

// A PodGroup has its pods placed together or not at all. The first of two is counted while the second one looks for room; a group that
// finds too little is tried again by the scheduler's own back-off, so that it sees memory that returns.
func TestAPodGroupWaitsForMemoryAsOne(t *testing.T) {
	t.Parallel()
	const gate = "GenericWorkload=true"
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	c, err := cluster.Start(ctx, cluster.Options{
		Executable: binary(t, "headroom-lab"), FeatureGates: gate, RuntimeConfig: schedulingv1beta1.SchemeGroupVersion.String() + "=true",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := c.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	clients := client(t, c)
	addNodes(t, c, "8Gi", "band")
	namespace := newNamespace(t, c)
	holdSystem(t, clients, "band", "6Gi") // of the 8092Mi until eviction: 1948Mi are left
	if err := c.WaitNodeMetrics(t.Context(), "band"); err != nil {
		t.Fatal(err)
	}
	startScheduler(t, c, cluster.SchedulerOptions{
		Name: headroomScheduler, Executable: binary(t, "headroom-scheduler"), ConfigFile: shippedConfig, Args: []string{"--feature-gates=" + gate},
	})
	awaitRefusal(t, clients, namespace, "4Gi", "band")

	group := &schedulingv1beta1.PodGroup{
		ObjectMeta: metav1.ObjectMeta{Name: "pair"},
		Spec: schedulingv1beta1.PodGroupSpec{SchedulingPolicy: schedulingv1beta1.PodGroupSchedulingPolicy{
			Gang: &schedulingv1beta1.GangSchedulingPolicy{MinCount: 2},
		}},
	}
	if _, err := clients.SchedulingV1beta1().PodGroups(namespace).Create(t.Context(), group, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	members := []string{"pair-0", "pair-1"}
	for _, name := range members {
		createPod(t, clients, namespace, headroomPod(name, "1200Mi", func(spec *corev1.PodSpec) {
			spec.SchedulingGroup = &corev1.PodSchedulingGroup{PodGroupName: &group.Name}
		}))
	}
	for _, name := range members {
		node, reason := verdict(t, clients, namespace, name)
		if node != "" {
			t.Fatalf("%s was placed on %s, where there is room for one of the two only", name, node)
		}
		t.Logf("%s: %s", name, reason)
	}
	holdSystem(t, clients, "band", "1Gi")
	for _, name := range members {
		waitPlaced(t, clients, namespace, name)
	}
}

// holdSystem makes a node's system hold so much memory.
func holdSystem(t *testing.T, clients kubernetes.Interface, node, bytes string) {
	t.Helper()
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, cluster.SystemMemoryAnnotation, bytes)
	if _, err := clients.CoreV1().Nodes().Patch(t.Context(), node, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// awaitRefusal asks until a node is refused to a pod for its memory, and returns the pod, which waits: until a scheduler has read
// its first samples it goes by requests.
func awaitRefusal(t *testing.T, clients kubernetes.Interface, namespace, request, node string) (refused string) {
	t.Helper()
	attempt := 0
	eventually(t, node+" to be refused", func(ctx context.Context) error {
		attempt++
		refused = fmt.Sprintf("too-large-%d", attempt)
		placed, reason := place(t, clients, namespace, headroomPod(refused, request, requiring(named(node))))
		if placed == "" {
			wantReason(t, placed, reason, "too little memory left before eviction")
			return nil
		}
		return errors.Join(fmt.Errorf("%s was placed", refused),
			clients.CoreV1().Pods(namespace).Delete(ctx, refused, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}))
	})
	return refused
}
