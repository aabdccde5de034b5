// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	namespace = "trace"
	// defaultEvictionHard is the kubelet's default threshold in bytes (k8s.io/kubernetes
	// pkg/kubelet/eviction/defaults_linux.go).
	defaultEvictionHard = 100 << 20
	// podsPerNode is more than any run puts on a node: the count is not what is studied here.
	podsPerNode = 1_000
	cpuPerNode  = 64
)

// epoch is second 0 of every trace: a Monday, so that the hours of the day of a trace are those of UTC.
func epoch() time.Time { return time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC) }

func timeAt(second float64) time.Time {
	return epoch().Add(time.Duration(second * float64(time.Second)))
}

func metaTime(second float64) metav1.Time { return metav1.NewTime(timeAt(second)) }

func quantityOf(bytes int64) resource.Quantity {
	return *resource.NewQuantity(bytes, resource.BinarySI)
}

// newNode returns a node as its kubelet reports it: what it evicts at is not allocatable.
func newNode(i int, bytes, evictionHard int64) *corev1.Node {
	name := fmt.Sprintf("node-%03d", i)
	resources := func(memory int64) corev1.ResourceList {
		return corev1.ResourceList{
			corev1.ResourceMemory: quantityOf(memory),
			corev1.ResourceCPU:    *resource.NewQuantity(cpuPerNode, resource.DecimalSI),
			corev1.ResourcePods:   *resource.NewQuantity(podsPerNode, resource.DecimalSI),
		}
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), Labels: map[string]string{corev1.LabelHostname: name}},
		Status:     corev1.NodeStatus{Capacity: resources(bytes), Allocatable: resources(bytes - evictionHard)},
	}
}

// underPressure returns the node as its kubelet and the node controller mark it while it is short of memory, or as it was.
func underPressure(node *corev1.Node, pressure bool, second float64) *corev1.Node {
	marked := node.DeepCopy()
	marked.ResourceVersion = strconv.FormatFloat(second, 'f', -1, 64)
	status := corev1.ConditionFalse
	marked.Spec.Taints = nil
	if pressure {
		status = corev1.ConditionTrue
		marked.Spec.Taints = []corev1.Taint{{Key: corev1.TaintNodeMemoryPressure, Effect: corev1.TaintEffectNoSchedule}}
	}
	marked.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeMemoryPressure, Status: status, LastTransitionTime: metaTime(second)}}
	return marked
}

// newPod returns the pod of a life, made for the given time by the life's workload. attempt counts from 0.
func newPod(l *life, attempt int, second float64) *corev1.Pod {
	name := fmt.Sprintf("%s-%d", l.id, attempt)
	resources := corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceMemory: quantityOf(l.request)}}
	if l.limit > 0 {
		resources.Limits = corev1.ResourceList{corev1.ResourceMemory: quantityOf(l.limit)}
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: namespace, UID: types.UID(name), CreationTimestamp: metaTime(second),
			OwnerReferences: []metav1.OwnerReference{owner(l)},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "main", Resources: resources}}},
	}
}

// owner returns what owns the life's pods: its workload.
func owner(l *life) metav1.OwnerReference {
	return metav1.OwnerReference{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: l.workload, UID: types.UID(l.workload), Controller: new(true)}
}

// started returns the pod as it runs on a node since the given time. oomKills is how often it was killed before.
func started(pod *corev1.Pod, node string, second float64, oomKills int) *corev1.Pod {
	running := pod.DeepCopy()
	running.Spec.NodeName = node
	running.ResourceVersion = strconv.FormatFloat(second, 'f', -1, 64)
	at := metaTime(second)
	status := corev1.ContainerStatus{
		Name: "main", Ready: true, RestartCount: int32(oomKills),
		State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at}},
	}
	if running.Status.StartTime == nil {
		running.Status.StartTime = &at
	}
	if oomKills > 0 {
		status.LastTerminationState = pod.Status.ContainerStatuses[0].LastTerminationState
	}
	running.Status.Phase = corev1.PodRunning
	running.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: at}}
	running.Status.ContainerStatuses = []corev1.ContainerStatus{status}
	return running
}

// killed returns the pod while its container waits to be started again after the kernel killed it.
func killed(pod *corev1.Pod, second float64, oomKills int) *corev1.Pod {
	waiting := pod.DeepCopy()
	waiting.ResourceVersion = strconv.FormatFloat(second, 'f', -1, 64) + "-killed"
	at := metaTime(second)
	waiting.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: at}}
	waiting.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: "main", RestartCount: int32(oomKills),
		State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
		LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "OOMKilled", ExitCode: 137, FinishedAt: at}},
	}}
	return waiting
}
