// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
)

// sandboxBytes is what a pod holds without any container: its pause process.
const sandboxBytes = 1 << 20

// parallelWrites bounds the requests under way at once.
const parallelWrites = 16

// writes collects what a step has to tell the API server.
type writes struct {
	client kubernetes.Interface
	todo   []write
}

// write is one request, and what to do when it failed: to remember that it is still to be sent.
type write struct {
	send   func(context.Context) error
	failed func()
}

// flush sends everything and returns what failed. An object that is gone is no failure.
func (w *writes) flush(ctx context.Context) error {
	var group errgroup.Group
	group.SetLimit(parallelWrites)
	failures := make([]error, len(w.todo))
	for i := range w.todo {
		group.Go(func() error {
			if err := w.todo[i].send(ctx); err != nil && !apierrors.IsNotFound(err) {
				failures[i] = err
			}
			return nil
		})
	}
	_ = group.Wait() // The functions return nil: one failure must not keep the others from being sent.
	for i, failure := range failures {
		if failure != nil {
			w.todo[i].failed()
		}
	}
	w.todo = nil
	return errors.Join(failures...)
}

// evict ends a pod as the kubelet does (k8s.io/kubernetes pkg/kubelet/eviction/eviction_manager.go, evictPod).
func (w *writes) evict(p *podState, now time.Time) {
	w.patchPodStatus(p, map[string]any{
		"phase": corev1.PodFailed, "reason": "Evicted", "message": p.message,
		"conditions": []corev1.PodCondition{
			{Type: corev1.PodReady, Status: corev1.ConditionFalse, Reason: "PodFailed", LastTransitionTime: metav1.NewTime(now)},
			{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: corev1.PodReasonTerminationByKubelet, Message: p.message, LastTransitionTime: metav1.NewTime(now)},
		},
	})
}

// pressure sets or clears a node's MemoryPressure condition.
func (w *writes) pressure(node *corev1.Node, pressured bool, now time.Time, failed func()) {
	condition := corev1.NodeCondition{
		Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse,
		Reason: "KubeletHasSufficientMemory", Message: "kubelet has sufficient memory available",
		LastTransitionTime: metav1.NewTime(now), LastHeartbeatTime: metav1.NewTime(now),
	}
	if pressured {
		condition.Status = corev1.ConditionTrue
		condition.Reason, condition.Message = "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"
	}
	w.todo = append(w.todo, write{failed: failed, send: func(ctx context.Context) error {
		patch, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": []corev1.NodeCondition{condition}}})
		if err != nil {
			return err
		}
		if _, err := w.client.CoreV1().Nodes().Patch(ctx, node.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
			return fmt.Errorf("node %q: set MemoryPressure: %w", node.Name, err)
		}
		return nil
	}})
}

// write tells the API server what changed of the pod: its container's state, and its usage when that is due.
func (p *podState) write(now time.Time, reportInterval time.Duration, w *writes) {
	if p.dirty {
		p.dirty = false
		if p.evicted {
			w.evict(p, now)
		} else {
			w.container(p, now)
		}
	}
	if p.evicted {
		return
	}
	// A container that waits for its restart leaves the pod's sandbox behind.
	held := max(p.held, sandboxBytes)
	if p.pod.Status.Phase == corev1.PodRunning && held != p.reported && now.Sub(p.reportAt) >= reportInterval {
		p.reported, p.reportAt = held, now
		w.usage(p, held)
	}
}

// usage sets the annotation that KWOK serves.
func (w *writes) usage(p *podState, bytes int64) {
	pod := p.pod
	w.todo = append(w.todo, write{failed: func() { p.reported = 0 }, send: func(ctx context.Context) error {
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
			"annotations": map[string]string{cluster.UsageMemoryAnnotation: strconv.FormatInt(bytes, 10)},
		}})
		if err != nil {
			return err
		}
		if _, err := w.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			return fmt.Errorf("pod %s/%s: report usage: %w", pod.Namespace, pod.Name, err)
		}
		return nil
	}})
}

// container writes the state of the pod's container after an OOM kill or a restart.
func (w *writes) container(p *podState, now time.Time) {
	if len(p.pod.Status.ContainerStatuses) == 0 {
		return
	}
	status := p.pod.Status.ContainerStatuses[0].DeepCopy()
	ready := corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(now)}
	status.RestartCount = p.restarts
	if p.running() {
		status.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(p.started)}}
		status.Ready = true
	} else {
		status.LastTerminationState = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: 137, Reason: "OOMKilled", StartedAt: metav1.NewTime(p.started), FinishedAt: metav1.NewTime(now),
		}}
		status.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
			Reason: "CrashLoopBackOff", Message: fmt.Sprintf("back-off %s restarting failed container", p.backOff),
		}}
		status.Ready = false
		ready.Status, ready.Reason = corev1.ConditionFalse, "ContainersNotReady"
	}
	w.patchPodStatus(p, map[string]any{
		"containerStatuses": []*corev1.ContainerStatus{status},
		"conditions":        []corev1.PodCondition{ready},
	})
}

func (w *writes) patchPodStatus(p *podState, status map[string]any) {
	pod := p.pod
	w.todo = append(w.todo, write{failed: func() { p.dirty = true }, send: func(ctx context.Context) error {
		patch, err := json.Marshal(map[string]any{"status": status})
		if err != nil {
			return err
		}
		if _, err := w.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
			return fmt.Errorf("pod %s/%s: write status: %w", pod.Namespace, pod.Name, err)
		}
		return nil
	}})
}
