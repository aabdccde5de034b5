// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	raceSpace  = "race"
	raceRounds = 5
	// raceRequest is such that a worker takes eleven of them, and all but one place in the cluster are asked for.
	raceRequest  = 200 << 20
	raceReplicas = 16
)

// TestTwoSchedulersOnTheSameNodes lets the default scheduler and Headroom fill the same nodes at the same moment, nearly to the
// last place. Neither sees what the other is about to bind: a kubelet refuses a pod for which no room is left, and its
// Deployment makes another one. In the end all must run.
func TestTwoSchedulersOnTheSameNodes(t *testing.T) {
	e := cluster(t)
	if e.kind == nil {
		t.Skip("fills the nodes by what is requested: on a kind cluster only")
	}
	ctx := t.Context()
	if err := e.deployHeadroom(ctx, values{}); err != nil {
		t.Fatal(err)
	}
	if err := e.leads(ctx, releaseSpace, release); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.removeNamespace(context.Background(), raceSpace); err != nil {
			t.Error(err)
		}
	})
	for round := range raceRounds {
		if err := e.newNamespace(ctx, raceSpace); err != nil {
			t.Fatal(err)
		}
		for _, scheduler := range []string{corev1.DefaultSchedulerName, release} {
			if _, err := e.clients.AppsV1().Deployments(raceSpace).Create(ctx, racer(scheduler), metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := e.allRun(ctx, 2*raceReplicas); err != nil {
			t.Fatal(err)
		}
		refused, err := e.refused(ctx)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("round %d: all %d run; pods that kubelets refused, by scheduler: %v", round+1, 2*raceReplicas, refused)
	}
}

// racer returns a Deployment for a scheduler.
func racer(scheduler string) *appsv1.Deployment {
	labels := map[string]string{"app": scheduler}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: scheduler},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(raceReplicas)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					SchedulerName: scheduler, TerminationGracePeriodSeconds: new(int64(1)),
					Containers: []corev1.Container{{
						Name: "main", Image: images()[2], ImagePullPolicy: corev1.PullNever, Args: []string{"1Mi:0s"},
						Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
							corev1.ResourceMemory: *resource.NewQuantity(raceRequest, resource.BinarySI),
						}},
					}},
				},
			},
		},
	}
}

// allRun waits until so many pods of the race are ready.
func (e *environment) allRun(ctx context.Context, count int) error {
	return e.waitFor(ctx, fmt.Sprintf("%d pods to run", count), func(ctx context.Context) (bool, error) {
		list, err := e.clients.CoreV1().Pods(raceSpace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		running := 0
		for i := range list.Items {
			if ready(&list.Items[i]) {
				running++
			}
		}
		return running == count, nil
	})
}

// refused counts the pods that kubelets did not admit, by scheduler.
func (e *environment) refused(ctx context.Context) (map[string]int, error) {
	list, err := e.clients.CoreV1().Pods(raceSpace).List(ctx, metav1.ListOptions{FieldSelector: "status.phase=" + string(corev1.PodFailed)})
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for i := range list.Items {
		counts[list.Items[i].Spec.SchedulerName+" "+list.Items[i].Status.Reason]++
	}
	return counts, nil
}
