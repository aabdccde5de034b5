// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// Whoever preempted is tried as soon as its victim is gone, long before a sample shows that: the victim's memory has to be back by then,
// or a pod on another node goes too.
func TestOnePreemptionEndsOnePod(t *testing.T) {
	c := lab(t)
	clients := client(t, c)
	nodes := []string{"held-0", "held-1", "full"}
	addNodes(t, c, "4Gi", nodes...)
	holdSystem(t, clients, "full", "3Gi")
	if err := c.WaitNodeMetrics(t.Context(), nodes...); err != nil {
		t.Fatal(err)
	}
	addPriorityClass(t, clients, "preemption-high", highPriority)
	startHeadroom(t, c, "")
	namespace := newNamespace(t, c)
	refused := awaitRefusal(t, clients, namespace, "2Gi", "full") // It has read the samples.
	if err := clients.CoreV1().Pods(namespace).Delete(t.Context(), refused, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for i, node := range nodes[:2] {
		holder := headroomPod(fmt.Sprintf("holder-%d", i), "3Gi", requiring(named(node)))
		createPod(t, clients, namespace, holder)
		waitPlaced(t, clients, namespace, holder.Name)
	}

	keepBusy(t, clients, namespace)
	preemptor := headroomPod("preemptor", "3500Mi", func(spec *corev1.PodSpec) { spec.PriorityClassName = "preemption-high" })
	createPod(t, clients, namespace, preemptor)
	node := waitPlaced(t, clients, namespace, preemptor.Name)
	eventually(t, "the end of one victim", func(context.Context) error {
		if left := podNames(t, clients, namespace); left.Len() > 3 {
			return fmt.Errorf("there are still %v", left.UnsortedList())
		}
		return nil
	})
	want := "holder-0" // on the other node
	if node == nodes[0] {
		want = "holder-1"
	}
	if left := podNames(t, clients, namespace); left.Len() != 3 || !left.Has(want) {
		t.Errorf("placed on %s; left are %v, want %s, the preemptor and the bystander", node, left.UnsortedList(), want)
	}
}

// keepBusy changes a pod that no scheduler knows ten times a second, until the test ends: as in any cluster of some size, the scheduler's next
// book is then never due at the moment of an event that a test is about.
func keepBusy(t *testing.T, clients kubernetes.Interface, namespace string) {
	t.Helper()
	bystander := newPod("bystander", "", nil)
	bystander.Spec.SchedulerName = "nobody"
	createPod(t, clients, namespace, bystander)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
			patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"changed":%q}}}`, time.Now().Format(time.RFC3339Nano))
			_, err := clients.CoreV1().Pods(namespace).Patch(ctx, bystander.Name, types.MergePatchType, patch, metav1.PatchOptions{})
			return false, err
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("changing a pod: %v", err)
		}
	})
}
