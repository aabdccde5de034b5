// SPDX-License-Identifier: Apache-2.0

package cases_test

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/kubernetes/pkg/scheduler"
)

// newClient returns a client that does to pods what the API server does: it gives them a UID, and binds them.
func newClient() *fake.Clientset {
	client := fake.NewClientset()
	client.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		create, ok := action.(clienttesting.CreateAction)
		if !ok {
			return false, nil, nil
		}
		if binding, ok := create.GetObject().(*corev1.Binding); ok {
			return true, binding, bind(client.Tracker(), binding)
		}
		if pod, ok := create.GetObject().(*corev1.Pod); ok {
			pod.UID = uuid.NewUUID()
			pod.CreationTimestamp = metav1.Now()
		}
		return false, nil, nil
	})
	return client
}

func bind(tracker clienttesting.ObjectTracker, binding *corev1.Binding) error {
	resource := corev1.SchemeGroupVersion.WithResource("pods")
	object, err := tracker.Get(resource, binding.Namespace, binding.Name)
	if err != nil {
		return err
	}
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return fmt.Errorf("%s is a %T", types.NamespacedName{Namespace: binding.Namespace, Name: binding.Name}, object)
	}
	if pod.Spec.NodeName != "" {
		return fmt.Errorf("pod %s is already assigned to node %s", pod.Name, pod.Spec.NodeName)
	}
	pod = pod.DeepCopy()
	pod.Spec.NodeName = binding.Target.Name
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}}
	return tracker.Update(resource, pod, pod.Namespace)
}

// awaitNodes waits until the scheduler's cache has the nodes as the client has them. Nodes and pods are watched apart: a pod
// could be placed before its nodes are known.
func awaitNodes(ctx context.Context, client kubernetes.Interface, instance *scheduler.Scheduler) error {
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	return wait.PollUntilContextTimeout(ctx, time.Millisecond, limit, true, func(context.Context) (bool, error) {
		known := instance.Cache.Dump().Nodes
		present := 0
		for _, info := range known {
			if info.Node() != nil { // A node that is gone stays as long as pods are on it.
				present++
			}
		}
		for _, node := range nodes.Items {
			info := known[node.Name]
			if info == nil || !equality.Semantic.DeepEqual(info.Node(), &node) {
				return false, nil
			}
		}
		return present == len(nodes.Items), nil
	})
}
