// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/kubernetes"

	"github.com/headroom-dev/headroom/pkg/explain/profile"
)

// lowClass and highClass are the priorities of those who make room and of those for whom it is made.
const (
	lowClass, highClass = "explain-low", "explain-high"
	highPriority        = 1000
)

// Whom explain names before a pod is there is whom the scheduler then preempts for it.
func TestExplainNamesWhomTheSchedulerPreempts(t *testing.T) {
	c := lab(t)
	clients := client(t, c)
	nodes := []string{"crowded-0", "crowded-1", "crowded-2"}
	addNodes(t, c, "4Gi", nodes...)
	for name, value := range map[string]int32{lowClass: 10, highClass: highPriority} {
		addPriorityClass(t, clients, name, value)
	}
	startHeadroom(t, c, "")
	namespace := newNamespace(t, c)
	low := func(name, node, request string, changes ...func(*corev1.PodSpec)) {
		pod := headroomPod(name, request, append(changes, requiring(named(node)))...)
		pod.Labels = map[string]string{"app": name}
		createPod(t, clients, namespace, pod)
		waitPlaced(t, clients, namespace, name)
	}
	class := func(name string) func(*corev1.PodSpec) {
		return func(spec *corev1.PodSpec) { spec.PriorityClassName = name }
	}
	low("guarded", nodes[0], "3Gi")
	low("middle", nodes[1], "3Gi", class(lowClass))
	low("small", nodes[2], "1Gi")
	low("large", nodes[2], "2Gi", class(lowClass))
	addSpentBudget(t, clients, namespace, "guarded")

	with, err := profile.OfBinary()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, request, node string
		want                []string
	}{
		{"one of the lowest priority is enough on one node", "1500Mi", nodes[2], []string{"small"}},
		{"a pod of higher priority rather than one that a budget guards", "2600Mi", nodes[1], []string{"middle"}},
		{"nobody but the guarded one is left", "2600Mi", nodes[0], []string{"guarded"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := headroomPod("preemptor-"+test.want[0], test.request, class(highClass))
			asked := pod.DeepCopy()
			asked.Spec.Priority = new(int32(highPriority)) // as admission will say
			told := explained(t, c.RESTConfig(), with, namespace, asked)
			if told.Preemption == nil || told.Preemption.Node != test.node {
				t.Fatalf("told %+v, want preemption on %s", told.Preemption, test.node)
			}
			var names []string
			for _, preempted := range told.Preemption.Preempted {
				names = append(names, preempted.Pod.Name)
			}
			if diff := cmp.Diff(test.want, names); diff != "" {
				t.Errorf("who would be preempted (-want +got):\n%s", diff)
			}
			before := podNames(t, clients, namespace)
			createPod(t, clients, namespace, pod)
			if node := waitPlaced(t, clients, namespace, pod.Name); node != test.node {
				t.Errorf("placed on %s, want %s", node, test.node)
			}
			after := podNames(t, clients, namespace).Insert(names...)
			if gone := before.Difference(after); gone.Len() > 0 {
				t.Errorf("%v were preempted too", sets.List(gone))
			}
			eventually(t, "the end of the preempted", func(context.Context) error {
				if podNames(t, clients, namespace).HasAny(names...) {
					return errors.New("they are still there")
				}
				return nil
			})
		})
	}
}

func addPriorityClass(t *testing.T, clients kubernetes.Interface, name string, value int32) {
	t.Helper()
	class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Value: value}
	if _, err := clients.SchedulingV1().PriorityClasses().Create(t.Context(), class, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := clients.SchedulingV1().PriorityClasses().Delete(context.Background(), name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}

// addSpentBudget makes a PodDisruptionBudget that lets the only pod of an app not go, and waits until its controller has counted.
func addSpentBudget(t *testing.T, clients kubernetes.Interface, namespace, app string) {
	t.Helper()
	budgets := clients.PolicyV1().PodDisruptionBudgets(namespace)
	_, err := budgets.Create(t.Context(), &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: app},
		Spec: policyv1.PodDisruptionBudgetSpec{
			MinAvailable: new(intstr.FromInt32(1)), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a budget of which nothing is left", func(ctx context.Context) error {
		budget, err := budgets.Get(ctx, app, metav1.GetOptions{})
		if err == nil && (budget.Status.ObservedGeneration < budget.Generation || budget.Status.CurrentHealthy != 1 || budget.Status.DisruptionsAllowed != 0) {
			err = fmt.Errorf("its status is %+v", budget.Status)
		}
		return err
	})
}

// podNames are the pods that are not being deleted.
func podNames(t *testing.T, clients kubernetes.Interface, namespace string) sets.Set[string] {
	t.Helper()
	list, err := clients.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	live := slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil })
	names := sets.New[string]()
	for i := range live {
		names.Insert(live[i].Name)
	}
	return names
}
