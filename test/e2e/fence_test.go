// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	fenceSpace = "placement-fence"
	// fenceTaint is what reasons say of a fenced node.
	fenceTaint = "e2e.headroom.dev/fenced"
	// withoutKubelet marks the nodes of cases.
	withoutKubelet = "e2e.headroom.dev/without-kubelet"
	// fencePriority is the highest that a pod of a user can have: nobody takes a guard's place.
	fencePriority = 1_000_000_000
)

// fence keeps the pods of a namespace off all nodes that there are: by a taint, and by a pod on each that stands none of them
// beside it, which no toleration helps against. Pods that run are left alone.
func (e *environment) fence(ctx context.Context, against string) error {
	if err := e.newNamespace(ctx, fenceSpace); err != nil {
		return err
	}
	class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: fenceSpace}, Value: fencePriority}
	if _, err := e.clients.SchedulingV1().PriorityClasses().Create(ctx, class, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	nodes, err := e.clients.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range nodes.Items {
		taints := append(nodes.Items[i].Spec.Taints, corev1.Taint{Key: fenceTaint, Effect: corev1.TaintEffectNoSchedule})
		if err := e.setTaints(ctx, nodes.Items[i].Name, taints); err != nil {
			return err
		}
		if _, err := e.clients.CoreV1().Pods(fenceSpace).Create(ctx, guard(nodes.Items[i].Name, against), metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// guard returns a pod on a node that stands no pod of a namespace there.
func guard(node, against string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "guard-" + node},
		Spec: corev1.PodSpec{
			NodeName: node, PriorityClassName: fenceSpace, TerminationGracePeriodSeconds: new(int64(1)),
			Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			Containers:  []corev1.Container{{Name: "main", Image: images()[2], ImagePullPolicy: corev1.PullNever, Args: []string{"1Mi:0s"}}},
			Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
				RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
					LabelSelector: &metav1.LabelSelector{}, Namespaces: []string{against}, TopologyKey: corev1.LabelHostname,
				}},
			}},
		},
	}
}

// takeFenceDown takes away what fence made.
func (e *environment) takeFenceDown(ctx context.Context) error {
	nodes, err := e.clients.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range nodes.Items {
		taints := slices.DeleteFunc(nodes.Items[i].Spec.Taints, func(taint corev1.Taint) bool { return taint.Key == fenceTaint })
		err = errors.Join(err, ignoreMissing(e.setTaints(ctx, nodes.Items[i].Name, taints)))
	}
	return errors.Join(err, e.removeNamespace(ctx, fenceSpace),
		ignoreMissing(e.clients.SchedulingV1().PriorityClasses().Delete(ctx, fenceSpace, metav1.DeleteOptions{})))
}

func (e *environment) setTaints(ctx context.Context, node string, taints []corev1.Taint) error {
	content, err := json.Marshal(taints)
	if err != nil {
		return err
	}
	_, err = e.clients.CoreV1().Nodes().Patch(ctx, node, types.MergePatchType, fmt.Appendf(nil, `{"spec":{"taints":%s}}`, content), metav1.PatchOptions{})
	return err
}
