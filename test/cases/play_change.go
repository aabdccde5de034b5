// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
)

func (p *Player) change(ctx context.Context, change *Change) error {
	if change.Kind == DeletePod {
		return p.deletePod(ctx, change.Name)
	}
	if err := p.changeNode(ctx, change); err != nil {
		return err
	}
	return p.Settled(ctx)
}

func (p *Player) changeNode(ctx context.Context, change *Change) error {
	if change.Kind == RemoveNode {
		return p.Client.CoreV1().Nodes().Delete(ctx, change.Name, metav1.DeleteOptions{})
	}
	// Others write to a node too, such as its heartbeat: take the change on what is there.
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		node, err := p.Client.CoreV1().Nodes().Get(ctx, change.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		change.apply(node)
		_, err = p.Client.CoreV1().Nodes().Update(ctx, node, metav1.UpdateOptions{})
		return err
	})
}

func (c *Change) apply(node *corev1.Node) {
	switch c.Kind {
	case Label:
		for key, value := range c.Set {
			setString(&node.Labels, key, value)
		}
	case Unlabel:
		delete(node.Labels, c.Key)
	case Taint:
		node.Spec.Taints = append(node.Spec.Taints, c.Taint)
	case Untaint:
		node.Spec.Taints = slices.DeleteFunc(node.Spec.Taints, func(taint corev1.Taint) bool { return taint.Key == c.Key })
	case Cordon, Uncordon:
		node.Spec.Unschedulable = c.Kind == Cordon
	case Hold:
		setString(&node.Annotations, heldAnnotation, c.Held.String())
	}
}

// deletePod deletes a pod at once: nobody waits for a container to stop.
func (p *Player) deletePod(ctx context.Context, name string) error {
	return p.Client.CoreV1().Pods(p.Namespace).Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
}
